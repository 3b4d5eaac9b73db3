/* One thread that does what qjit_get_function_if_ready must not wait for. */
#ifndef QJ_BACKGROUND_H
#define QJ_BACKGROUND_H

#include <stdbool.h>
#include <stdint.h>

#include <qjit/qjit.h>

struct qj_background;

/* Starts no thread yet. */
qjit_status qj_background_create(struct qj_background **out, qjit_context *context);

/* Drops what is queued, waits for what is under way. */
void qj_background_destroy(struct qj_background *background);

/* Queues a kernel; the thread then calls qjit_get_function_by_id. */
qjit_status qj_background_push(struct qj_background *background, uint32_t device, qjit_kernel kernel);

#endif
