/* Units and kernels live in chunks that never move; a count is published after what it counts. */
#include "registry/registry.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "registry/names.h"
#include "registry/unit.h"

enum { CHUNK = 1024, UNIT_CHUNKS = QJ_UNITS_MAX / CHUNK, KERNEL_CHUNKS = QJ_KERNELS_MAX / CHUNK };

struct qj_registry {
    _Atomic uint64_t counts;      /* units in the upper half, kernels in the lower: published together */
    struct qj_names kernel_names; /* aliases too */
    struct qj_unit **units[UNIT_CHUNKS];
    struct qj_kernel *kernels[KERNEL_CHUNKS];
    pthread_mutex_t adding; /* held by the one thread that changes any of this */
    struct qj_names unit_names;
};

uint32_t qj_registry_n_units(const struct qj_registry *registry)
{
    return (uint32_t)(atomic_load_explicit(&registry->counts, memory_order_acquire) >> 32);
}

uint32_t qj_registry_n_kernels(const struct qj_registry *registry)
{
    return (uint32_t)atomic_load_explicit(&registry->counts, memory_order_acquire);
}

const struct qj_unit *qj_registry_unit(const struct qj_registry *registry, uint32_t unit)
{
    return unit < qj_registry_n_units(registry) ? registry->units[unit / CHUNK][unit % CHUNK] : NULL;
}

const struct qj_kernel *qj_registry_kernel(const struct qj_registry *registry, qjit_kernel kernel)
{
    return kernel < qj_registry_n_kernels(registry) ? &registry->kernels[kernel / CHUNK][kernel % CHUNK]
                                                    : NULL;
}

bool qj_registry_find(const struct qj_registry *registry, qjit_kernel *out, const char *name)
{
    return qj_names_find(&registry->kernel_names, out, name, strlen(name));
}

/* Room for one more unit, `n_kernels` more kernels and `n_names` more names; nothing is visible yet. */
static qjit_status reserve(struct qj_registry *registry, size_t n_kernels, size_t n_names)
{
    const size_t unit = qj_registry_n_units(registry), end = qj_registry_n_kernels(registry) + n_kernels;
    if (unit >= QJ_UNITS_MAX || end > QJ_KERNELS_MAX)
        return qj_fail(QJIT_NO_MEMORY, "the registry is full: %zu units, %zu kernels", unit, end);
    bool good =
        qj_names_reserve(&registry->unit_names, 1) && qj_names_reserve(&registry->kernel_names, n_names);
    if (good && !registry->units[unit / CHUNK])
        good = (registry->units[unit / CHUNK] = calloc(CHUNK, sizeof(struct qj_unit *))) != NULL;
    for (size_t i = 0; good && i * CHUNK < end; i++)
        if (!registry->kernels[i])
            good = (registry->kernels[i] = calloc(CHUNK, sizeof(struct qj_kernel))) != NULL;
    return good ? QJIT_OK : qj_fail(QJIT_NO_MEMORY, "no memory to register a unit");
}

static void put_names(struct qj_registry *registry, const char *name, const char *aliases, uint32_t number)
{
    qj_names_put(&registry->kernel_names, name, strlen(name), number);
    for (const char *alias = aliases; *alias;) {
        const size_t n = strcspn(alias, " ");
        qj_names_put(&registry->kernel_names, alias, n, number);
        alias += n + (alias[n] == ' ');
    }
}

/* Kernel i of the unit to come; nobody sees it until publish. */
static void stage_kernel(struct qj_registry *registry, uint32_t i, const char *name, const char *aliases)
{
    const uint32_t number = qj_registry_n_kernels(registry) + i;
    registry->kernels[number / CHUNK][number % CHUNK] =
        (struct qj_kernel){.name = name, .aliases = aliases, .unit = qj_registry_n_units(registry)};
}

/* The unit and its staged kernels, for which there must be room; the registry owns `unit` from here on. */
static void publish(struct qj_registry *registry, struct qj_unit *unit)
{
    const uint32_t number = qj_registry_n_units(registry), first = qj_registry_n_kernels(registry);
    unit->first_kernel = first;
    registry->units[number / CHUNK][number % CHUNK] = unit;
    const uint64_t counts = ((uint64_t)number + 1) << 32 | (first + unit->n_kernels);
    atomic_store_explicit(&registry->counts, counts, memory_order_release);
    qj_names_put(&registry->unit_names, unit->name, strlen(unit->name), number);
    for (uint32_t i = 0; i < unit->n_kernels; i++) {
        const struct qj_kernel *kernel = qj_registry_kernel(registry, first + i);
        put_names(registry, kernel->name, kernel->aliases, first + i);
    }
}

static size_t n_words(const char *text)
{
    size_t n = *text != '\0';
    for (; *text; text++)
        n += *text == ' ';
    return n;
}

/* The built-in unit `row` and its kernels, which stand together in units.def. */
static qjit_status add_builtin(struct qj_registry *registry, uint32_t row)
{
    uint32_t first = 0, n = 0;
    size_t names = 0;
    while (first < qj_n_builtin_kernels && qj_builtin_kernels[first].unit != row)
        first++;
    for (; first + n < qj_n_builtin_kernels && qj_builtin_kernels[first + n].unit == row; n++)
        names += 1 + n_words(qj_builtin_kernels[first + n].aliases);
    qjit_status status = reserve(registry, n, names);
    if (status != QJIT_OK)
        return status;
    struct qj_unit *unit = qj_unit_create_builtin(&qj_builtin_units[row]);
    if (!unit)
        return qj_fail(QJIT_NO_MEMORY, "no memory for unit '%s'", qj_builtin_units[row].name);
    unit->n_kernels = n;
    for (uint32_t i = 0; i < n; i++)
        stage_kernel(registry, i, qj_builtin_kernels[first + i].name, qj_builtin_kernels[first + i].aliases);
    publish(registry, unit);
    return QJIT_OK;
}

qjit_status qj_registry_create(struct qj_registry **out)
{
    struct qj_registry *registry = calloc(1, sizeof *registry);
    if (!registry)
        return qj_fail(QJIT_NO_MEMORY, "no memory for the registry");
    pthread_mutex_init(&registry->adding, NULL);
    qjit_status status = QJIT_OK;
    for (uint32_t row = 0; status == QJIT_OK && row < qj_n_builtin_units; row++)
        status = add_builtin(registry, row);
    if (status == QJIT_OK)
        *out = registry;
    else
        qj_registry_destroy(registry);
    return status;
}

void qj_registry_destroy(struct qj_registry *registry)
{
    if (!registry)
        return;
    for (uint32_t i = 0; i < qj_registry_n_units(registry); i++)
        qj_unit_destroy(registry->units[i / CHUNK][i % CHUNK]);
    for (size_t i = 0; i < UNIT_CHUNKS; i++)
        free(registry->units[i]);
    for (size_t i = 0; i < KERNEL_CHUNKS; i++)
        free(registry->kernels[i]);
    qj_names_finish(&registry->kernel_names);
    qj_names_finish(&registry->unit_names);
    pthread_mutex_destroy(&registry->adding);
    free(registry);
}

/* Is any of the unit's names taken? Under `adding`. */
static qjit_status check_free(const struct qj_registry *registry, const struct qj_unit *unit,
                              const char *const *names)
{
    uint32_t found;
    if (qj_names_find(&registry->unit_names, &found, unit->name, strlen(unit->name)))
        return qj_fail(QJIT_EXISTS, "there is a unit '%s' already", unit->name);
    for (uint32_t i = 0; i < unit->n_kernels; i++)
        if (qj_registry_find(registry, &found, names[i]))
            return qj_fail(QJIT_EXISTS, "there is a kernel '%s' already", names[i]);
    return QJIT_OK;
}

bool qj_registry_find_unit(const struct qj_registry *registry, uint32_t *out, const char *name)
{
    return qj_names_find(&registry->unit_names, out, name, strlen(name));
}

/* Takes `unit` over, whatever comes of it. */
static qjit_status add(struct qj_registry *registry, uint32_t *out_unit, struct qj_unit *unit,
                       const char *const *names)
{
    qjit_status status;
    if (unit->n_kernels == 0) {
        status = qj_fail(QJIT_INVALID_ARGUMENT, "unit '%s' names no kernel", unit->name);
        qj_unit_destroy(unit);
        return status;
    }
    pthread_mutex_lock(&registry->adding);
    status = check_free(registry, unit, names);
    if (status == QJIT_OK)
        status = reserve(registry, unit->n_kernels, unit->n_kernels);
    if (status == QJIT_OK) {
        if (out_unit)
            *out_unit = qj_registry_n_units(registry);
        for (uint32_t i = 0; i < unit->n_kernels; i++)
            stage_kernel(registry, i, names[i], "");
        publish(registry, unit);
    } else {
        qj_unit_destroy(unit);
    }
    pthread_mutex_unlock(&registry->adding);
    return status;
}

qjit_status qj_registry_add(struct qj_registry *registry, uint32_t *out_unit, const qjit_source *source)
{
    struct qj_unit *unit = NULL;
    const char *const *names = NULL;
    const qjit_status status = qj_unit_create(&unit, &names, source);
    return status == QJIT_OK ? add(registry, out_unit, unit, names) : status;
}

qjit_status qj_registry_add_bare(struct qj_registry *registry, uint32_t *out_unit, const char *name,
                                 const char *const *kernels, size_t n_kernels)
{
    struct qj_unit *unit = NULL;
    const char *const *names = NULL;
    const qjit_source bare = {
        .struct_size = sizeof bare, .name = name, .kernels = kernels, .n_kernels = n_kernels};
    const qjit_status status = qj_unit_create_bare(&unit, &names, &bare);
    return status == QJIT_OK ? add(registry, out_unit, unit, names) : status;
}
