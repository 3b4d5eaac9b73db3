/* What `export`, `import` and `merge` share: rows to and from bundles. */
#ifndef QJIT_CLI_BUNDLE_H
#define QJIT_CLI_BUNDLE_H

#include "cli.h"

/* What goes into a bundle; members combine with "and". */
struct bundle_choice {
    struct cli_list archs, modules, units;
    const char *sign; /* path of a secret key, or NULL */
};

/* Writes what the context's store has to path and says so. cli is open. An enum cli_exit. */
int bundle_write(struct cli *cli, const char *path, const struct bundle_choice *choice);

/* Takes the rows of a file into the context's store; what came of it goes to *out as an object, also where
 * rows were refused, which is said and makes it CLI_FAILED. Where there is an error it is said and *out is
 * NULL. */
int bundle_read(struct cli *cli, cJSON **out, const char *path, const char *trust);

#endif
