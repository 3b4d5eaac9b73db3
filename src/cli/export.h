/* What `qjit export` writes, gathered before anything is written. */
#ifndef QJIT_CLI_EXPORT_H
#define QJIT_CLI_EXPORT_H

#include "cli.h"

/* One code object. */
struct export_object {
    qjit_object *object;
    const char *unit, *module, *arch;
    struct cli_list kernels; /* names of the unit's kernels */
    char *file;              /* stable, without a folder: UNIT.ARCH.hsaco */
};

struct export_set {
    struct export_object *objects; /* arch by arch as given, then in the order of `qjit list --kernels` */
    size_t n;
    char *compiler;                        /* identity of what made them */
    struct cli_list archs, units, modules; /* what the objects' texts point into */
};

/* What a command line chooses; members combine with "and". */
struct export_choice {
    struct cli_list archs, modules, units, kernels;
    int cached_only; /* leave out what the store does not have, instead of compiling it */
};

/* Gathers the code objects, compiled where need be, by as many workers as warm has: all of them or, with the
 * error said and an exit code other than CLI_OK, none. cli is open, with QJIT_FORBID_COMPILE if cached_only.
 * Finish with export_finish, whatever the result. */
int export_gather(struct cli *cli, struct export_set *out, const struct export_choice *choice);
void export_finish(struct export_set *set);

/* A C file and a Rust file with the bytes of all objects and a table to look them up by kernel and arch. To
 * be freed; *out_bytes is its length. */
char *export_c_source(const struct export_set *set, size_t *out_bytes);
char *export_rust_source(const struct export_set *set, size_t *out_bytes);

#endif
