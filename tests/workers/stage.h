/* A pool whose worker can be swapped while it lives, and a look at what a worker left behind. */
#ifndef TESTS_WORKERS_STAGE_H
#define TESTS_WORKERS_STAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "compile/plan.h"
#include "compile/pool.h"

struct stage {
    struct qj_pool *pool;
    struct qj_plan plan;
    struct qj_hip_where where;
    struct qj_unit unit;
    char temp[64]; /* where the private directories go */
    int n_fds;     /* open when the stage was set */
};

/* Sets a pool of n workers with a deadline, and a plan for the arch "elf-test". The worker is hostile program
 * `behaviour`. */
void stage_init(struct stage *out, const char *behaviour, uint32_t n_workers, uint32_t timeout_ms);

/* From now on new workers are of this kind. */
void stage_cast(struct stage *stage, const char *behaviour);

/* Destroys the pool. NULL if no process, descriptor or directory is left; else which. */
const char *stage_finish(struct stage *stage);

#endif
