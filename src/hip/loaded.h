/* Libraries that this process has loaded. */
#ifndef QJ_HIP_LOADED_H
#define QJ_HIP_LOADED_H

#include <limits.h>
#include <stdbool.h>

#include "hip/elf_file.h"

/* The path of the first loaded library whose file name is `name` or begins with it and a dot. */
bool qj_loaded_find(char out[static PATH_MAX], const char *name);

/* The build-id, from memory, of the loaded library that came from the file `path`. False if none did, or if
 * it has none; *is_loaded tells the two apart. */
bool qj_loaded_build_id(char out[static QJ_BUILD_ID_MAX], bool *is_loaded, const char *path);

#endif
