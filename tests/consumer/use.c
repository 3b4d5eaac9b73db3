/* The smallest program that shows the library linked right: its version, a name looked up, an error worded.
 */
#include <qjit/bundle.h>
#include <qjit/gguf.h>
#include <qjit/qjit.h>
#include <stdio.h>
#include <string.h>

int main(void)
{
    qjit_options options = QJIT_OPTIONS_INIT;
    options.flags = QJIT_NO_STORE;
    qjit_context *context;
    qjit_kernel kernel;
    if (qjit_version() != QJIT_VERSION_MAJOR * 10000 + QJIT_VERSION_MINOR * 100 + QJIT_VERSION_PATCH ||
        qjit_create(&context, &options) != QJIT_OK ||
        qjit_find_kernel(context, &kernel, "quantize_q8_1") != QJIT_OK) {
        printf("failed: %s\n", qjit_error_detail());
        return 1;
    }
    int refused = qjit_find_kernel(context, &kernel, "no_such_kernel") == QJIT_NOT_FOUND &&
                  strstr(qjit_error_detail(), "no_such_kernel") != NULL;
    refused = refused && qjit_import_cache(context, NULL, "no_such_file", NULL) == QJIT_BAD_FILE;
    qjit_destroy(context);
    qjit_gguf *gguf;
    refused = refused && qjit_gguf_open_bytes(&gguf, "no model", 8) == QJIT_BAD_FILE &&
              strstr(qjit_error_detail(), "no GGUF file") != NULL;
    return !refused;
}
