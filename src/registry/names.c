/* Open addressing, at most half full. A slot is taken by the release store of its name, and never changes
 * again; growing publishes a bigger table, and the smaller ones stay until the end, since a reader may be in
 * one. */
#include "registry/names.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

struct slot {
    _Atomic(const char *) name; /* NULL: free */
    uint64_t hash;
    size_t n_bytes;
    uint32_t number;
};

struct qj_names_table {
    struct qj_names_table *older;
    size_t mask; /* number of slots - 1 */
    struct slot slots[];
};

/* The name's slot, or the free one where it would go; `there` says which it was when it was read. A free one
 * may be another name's by now: only the thread that changes the map may look into it. */
static struct slot *slot_of(bool *there, struct qj_names_table *table, const char *name, size_t n_bytes,
                            uint64_t hash)
{
    for (size_t i = (size_t)hash & table->mask;; i = (i + 1) & table->mask) {
        struct slot *slot = &table->slots[i];
        const char *taken = atomic_load_explicit(&slot->name, memory_order_acquire);
        *there = taken != NULL;
        if (!taken || (slot->hash == hash && slot->n_bytes == n_bytes && memcmp(taken, name, n_bytes) == 0))
            return slot;
    }
}

static void fill(struct qj_names_table *table, const struct slot *from, const char *name)
{
    bool there;
    struct slot *slot = slot_of(&there, table, name, from->n_bytes, from->hash);
    if (there)
        return;
    slot->hash = from->hash;
    slot->n_bytes = from->n_bytes;
    slot->number = from->number;
    atomic_store_explicit(&slot->name, name, memory_order_release);
}

bool qj_names_find(const struct qj_names *names, uint32_t *out, const char *name, size_t n_bytes)
{
    struct qj_names_table *table = atomic_load_explicit(&names->table, memory_order_acquire);
    if (!table)
        return false;
    bool there;
    const struct slot *slot = slot_of(&there, table, name, n_bytes, XXH3_64bits(name, n_bytes));
    if (there)
        *out = slot->number;
    return there;
}

bool qj_names_reserve(struct qj_names *names, size_t n_more)
{
    struct qj_names_table *old = atomic_load_explicit(&names->table, memory_order_relaxed);
    const size_t needed = 2 * (names->n + n_more);
    size_t n_slots = old ? old->mask + 1 : 64;
    if (old && needed <= n_slots)
        return true;
    while (n_slots < needed)
        n_slots *= 2;
    struct qj_names_table *table = calloc(1, sizeof *table + n_slots * sizeof table->slots[0]);
    if (!table)
        return false;
    table->mask = n_slots - 1;
    table->older = old;
    for (size_t i = 0; old && i <= old->mask; i++) {
        const char *name = atomic_load_explicit(&old->slots[i].name, memory_order_relaxed);
        if (name)
            fill(table, &old->slots[i], name);
    }
    atomic_store_explicit(&names->table, table, memory_order_release);
    return true;
}

void qj_names_put(struct qj_names *names, const char *name, size_t n_bytes, uint32_t number)
{
    struct qj_names_table *table = atomic_load_explicit(&names->table, memory_order_relaxed);
    assert(table && 2 * (names->n + 1) <= table->mask + 1);
    struct slot slot = {.hash = XXH3_64bits(name, n_bytes), .n_bytes = n_bytes, .number = number};
    fill(table, &slot, name);
    names->n++;
}

void qj_names_finish(struct qj_names *names)
{
    struct qj_names_table *table = atomic_load_explicit(&names->table, memory_order_relaxed);
    while (table) {
        struct qj_names_table *older = table->older;
        free(table);
        table = older;
    }
    atomic_store_explicit(&names->table, NULL, memory_order_relaxed);
    names->n = 0;
}
