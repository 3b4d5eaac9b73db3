/* qjit gguf --check: every tensor dequantised on the device and on the host, and compared. */
#ifndef QJIT_CLI_GGUF_CHECK_H
#define QJIT_CLI_GGUF_CHECK_H

#include "cli.h"

#include <qjit/gguf.h>

/* Says what it finds, and gives CLI_FAILED if a tensor differs or the check could not be done. */
int cli_gguf_check(struct cli *cli, const qjit_gguf *gguf);

#endif
