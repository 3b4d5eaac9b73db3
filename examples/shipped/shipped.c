/* A program that carries code objects for the archs its makers knew, and leaves the others to the compiler:
 * every object that qjit export wrote is added, and one qjit_get_function serves both.
 *
 *     qjit export --c-array objects.c --arch gfx1030,gfx90a --kernel quantize_q8_1
 *     cc examples/shipped/shipped.c objects.c -I. -Iinclude -o shipped -Lbuild/lib -lqjit
 *     ./shipped quantize_q8_1 */
#define QJIT_EMBEDDED_DECLARE
#include "objects.c"

#include <qjit/qjit.h>
#include <stdio.h>

static int fail(const char *what)
{
    fprintf(stderr, "shipped: %s: %s\n", what, qjit_error_detail());
    return 1;
}

/* Adding reads the object's headers and copies nothing: its bytes are constants of this program. */
static int add_all(qjit_context *qjit)
{
    for (size_t i = 0; i < qjit_n_embedded_objects; i++) {
        const struct qjit_embedded *embedded = &qjit_embedded_objects[i];
        qjit_prebuilt prebuilt = {
            .struct_size = sizeof prebuilt,
            .unit = embedded->unit,
            .bytes = embedded->bytes,
            .n_bytes = embedded->n_bytes,
            .arch = embedded->arch,
        };
        if (qjit_add_object(qjit, NULL, &prebuilt) != QJIT_OK) {
            return fail(embedded->unit);
        }
    }
    return 0;
}

int main(int argc, char **argv)
{
    qjit_context *qjit;
    qjit_function function;
    qjit_cache_stat stat = {.struct_size = sizeof stat};
    if (argc != 2 || qjit_create(&qjit, NULL) != QJIT_OK) {
        return fail("usage: shipped KERNEL");
    }
    if (add_all(qjit) || qjit_get_function(qjit, &function, 0, argv[1]) != QJIT_OK ||
        qjit_get_context_stat(qjit, &stat) != QJIT_OK) {
        return fail(argv[1]);
    }
    printf("%s: %s\n", argv[1],
           stat.n_added_hits ? "shipped with this program"
           : stat.n_compiles ? "compiled now"
                             : "from the store");
    qjit_destroy(qjit);
    return 0;
}
