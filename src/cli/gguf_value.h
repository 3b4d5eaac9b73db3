/* Values of GGUF metadata, as `gguf` shows them. */
#ifndef QJIT_CLI_GGUF_VALUE_H
#define QJIT_CLI_GGUF_VALUE_H

#include <qjit/gguf.h>

#include "cli.h"

/* The value; of each array `max` elements at most. */
cJSON *cli_gguf_json(const qjit_gguf_value *value, uint64_t max);

/* For JSON the kind, and of an array that of its elements and how many they are; in a table "string[32000]".
 */
void cli_gguf_put_kind(const struct cli *cli, cJSON *object, const qjit_gguf_value *value);

/* Replaces a member by what a table shows of it: as JSON writes it, so that no line end or control character
 * is in it, but a text without quotes, and max_chars bytes at most, cut between characters. `is_cut`: an
 * array of which these are not all elements. */
void cli_gguf_cut(cJSON *object, const char *name, int is_cut, size_t max_chars);

#endif
