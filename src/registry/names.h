/* A map from names to numbers that only grows. One thread at a time may change it; any number may look up
 * meanwhile, without a lock. */
#ifndef QJ_REGISTRY_NAMES_H
#define QJ_REGISTRY_NAMES_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct qj_names_table;

/* Zero-initialised is empty and valid. */
struct qj_names {
    _Atomic(struct qj_names_table *) table;
    size_t n;
};

bool qj_names_find(const struct qj_names *names, uint32_t *out, const char *name, size_t n_bytes);

/* Makes room for `n_more` names beyond those there are. False: out of memory, nothing has changed. */
bool qj_names_reserve(struct qj_names *names, size_t n_more);

/* There must be room. `name` must live as long as the map; it needs no NUL. A name that is there stays as it
 * is. */
void qj_names_put(struct qj_names *names, const char *name, size_t n_bytes, uint32_t number);

void qj_names_finish(struct qj_names *names);

#endif
