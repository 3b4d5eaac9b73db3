#include "compile/pool.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/status.h"
#include "compile/checked.h"
#include "compile/message.h"
#include "compile/scratch.h"
#include "compile/verdict.h"
#include "compile/wire.h"
#include "compile/worker.h"

struct qj_pool {
    struct qj_pool_options options;
    char *worker, *compiler, *temp_dir; /* what options points to */
    char **environment;
    atomic_bool swept;
    pthread_mutex_t mutex; /* of what follows; never held while a worker runs */
    pthread_cond_t freed;
    uint32_t n_busy;
    struct qj_worker *idle; /* most recently used first: its memory is the warmest */
};

/* The worker's path as it is from any directory; the child starts in another one. */
static char *absolute(const char *path)
{
    if (path[0] == '/') {
        return strdup(path);
    }
    char *here = getcwd(NULL, 0);
    char *joined = here ? qj_fs_join(here, path) : NULL;
    free(here);
    return joined;
}

qjit_status qj_pool_create(struct qj_pool **out, const struct qj_pool_options *options)
{
    struct qj_pool *pool = calloc(1, sizeof *pool);
    if (!pool) {
        return qj_fail(QJIT_NO_MEMORY, "no memory for the worker pool");
    }
    pool->options = *options;
    pool->worker = absolute(options->worker);
    pool->compiler = options->compiler ? strdup(options->compiler) : NULL;
    pool->temp_dir = strdup(options->temp_dir ? options->temp_dir : "/tmp");
    pool->environment = qj_child_environment(options->library_path);
    (void)pthread_mutex_init(&pool->mutex, NULL);
    (void)pthread_cond_init(&pool->freed, NULL);
    if (!pool->worker || !pool->temp_dir || !pool->environment || (options->compiler && !pool->compiler)) {
        qj_pool_destroy(pool);
        return qj_fail(QJIT_NO_MEMORY, "no memory for the worker pool");
    }
    pool->options.worker = pool->worker;
    pool->options.compiler = pool->compiler;
    pool->options.temp_dir = pool->temp_dir;
    pool->options.library_path = NULL; /* is in the environment now */
    pool->options.n_workers = options->n_workers ? options->n_workers : 1;
    *out = pool;
    return QJIT_OK;
}

void qj_pool_destroy(struct qj_pool *pool)
{
    if (!pool) {
        return;
    }
    /* First tell all of them to die, then wait for each: taking down 100 MB of libraries takes milliseconds.
     */
    for (struct qj_worker *worker = pool->idle; worker; worker = worker->next) {
        qj_child_kill(&worker->child);
    }
    for (struct qj_worker *worker = pool->idle, *next; worker; worker = next) {
        next = worker->next;
        qj_worker_destroy(worker, NULL);
    }
    (void)pthread_cond_destroy(&pool->freed);
    (void)pthread_mutex_destroy(&pool->mutex);
    free(pool->worker);
    free(pool->compiler);
    free(pool->temp_dir);
    free(pool->environment);
    free(pool);
}

/* Waits for a free place. Returns an idle worker that is well, or NULL: start one. */
static struct qj_worker *take_place(struct qj_pool *pool)
{
    (void)pthread_mutex_lock(&pool->mutex);
    while (pool->n_busy >= pool->options.n_workers) {
        (void)pthread_cond_wait(&pool->freed, &pool->mutex);
    }
    pool->n_busy++;
    struct qj_worker *worker = pool->idle;
    if (worker) {
        pool->idle = worker->next;
    }
    (void)pthread_mutex_unlock(&pool->mutex);
    if (worker && !qj_worker_is_well(worker)) {
        qj_log(pool->options.log, QJIT_LOG_INFO, "an idle worker had ended; a new one takes its place");
        qj_worker_destroy(worker, NULL);
        worker = NULL;
    }
    return worker;
}

/* worker: NULL if it did not survive. */
static void free_place(struct qj_pool *pool, struct qj_worker *worker)
{
    (void)pthread_mutex_lock(&pool->mutex);
    pool->n_busy--;
    if (worker) {
        worker->next = pool->idle;
        pool->idle = worker;
    }
    (void)pthread_cond_signal(&pool->freed);
    (void)pthread_mutex_unlock(&pool->mutex);
}

static void put_request(struct qj_buf *out, const struct qj_pool *pool, const struct qj_worker *worker,
                        const struct qj_plan *plan)
{
    const struct qj_pool_options *options = &pool->options;
    if (!worker->ready) {
        const struct qj_hello hello = {.kind = options->where->kind,
                                       .runtime = options->where->runtime,
                                       .rtc = options->where->rtc,
                                       .comgr = options->where->comgr,
                                       .directory = worker->scratch.path,
                                       .parent = (uint64_t)getpid(),
                                       .max_bytes = options->max_bytes,
                                       .confirm = options->compiler != NULL};
        qj_message_put_hello(out, &hello);
    }
    if (plan) {
        qj_message_put_job(out, plan, options->timeout_ms);
    } else {
        qj_message_put_archs(out);
    }
}

/* A request under way. */
struct request {
    struct qj_pool *pool;
    struct qj_subject subject;
    struct qj_worker *worker;
    struct qj_buf out;
    size_t sent;
    uint64_t deadline_us;
};

static void tidy_tail(struct qj_buf *out, const struct request *request)
{
    const struct qj_worker *worker = request->worker;
    qj_verdict_tidy(out, qj_buf_text(&worker->tail), worker->scratch.path,
                    request->subject.source_name ? request->subject.source_name : "");
}

/* The worker is done for: ends it and words why. */
static qjit_status give_up(struct request *request, enum qj_exchange exchange, const char *wrong)
{
    enum { DYING_MS = 1000 }; /* between closing its channel and being gone */
    struct qj_worker *worker = request->worker;
    struct qj_buf log = {0};
    struct qj_child_end end;
    tidy_tail(&log, request);
    bool was_ready = worker->ready;
    if (exchange == QJ_EXCHANGE_ENDED && !qj_child_wait(&worker->child, DYING_MS)) {
        exchange = QJ_EXCHANGE_BAD;
        wrong = "a closed channel";
    }
    qj_worker_destroy(worker, &end);
    request->worker = NULL;
    qjit_status status =
        qj_verdict_no_answer(&request->subject, exchange, was_ready, wrong, &end, qj_buf_text(&log));
    qj_buf_finish(&log);
    return status ? status : QJIT_WORKER_BAD_REPLY; /* never OK: the worker is gone */
}

/* Receives one frame of the wanted type. On failure the worker is gone. */
static qjit_status get_frame(struct request *request, struct qj_frame *frame, enum qj_wire_type type)
{
    enum qj_exchange exchange =
        qj_worker_exchange(request->worker, &request->out, &request->sent, frame, request->deadline_us);
    if (exchange == QJ_EXCHANGE_FRAME && frame->type != type) {
        exchange = QJ_EXCHANGE_BAD;
        frame->wrong = "a frame that was not asked for";
    }
    return exchange == QJ_EXCHANGE_FRAME ? QJIT_OK : give_up(request, exchange, frame->wrong);
}

/* Takes the READY of a new worker: does it compile with the libraries that were found for the key? */
static qjit_status get_ready(struct request *request)
{
    const char *compiler = request->pool->options.compiler;
    struct qj_frame frame;
    struct qj_ready ready;
    qjit_status status = get_frame(request, &frame, QJ_WIRE_READY);
    if (status) {
        goto out;
    }
    if (!qj_message_ready(&ready, qj_buf_text(&frame.body), frame.body.size)) {
        status = give_up(request, QJ_EXCHANGE_BAD, NULL);
        goto out;
    }
    if (ready.status) {
        struct qj_buf log = {0};
        tidy_tail(&log, request);
        status = qj_fail_with_log(ready.status, ready.detail, qj_buf_text(&log));
        qj_buf_finish(&log);
    } else if (compiler && strcmp(compiler, ready.identity) != 0) {
        status = qj_fail(
            QJIT_COMPILER_NOT_FOUND,
            "the worker loaded another compiler (%s) than was found (%s): take ROCm directories out of "
            "LD_LIBRARY_PATH, or set ROCM_PATH to the one meant",
            ready.identity, compiler);
    }
    request->worker->ready = true;
    if (status) {
        qj_worker_destroy(request->worker, NULL);
        request->worker = NULL;
    }
out:
    qj_buf_finish(&frame.body);
    return status;
}

/* Sends the request to a worker, a new one if need be, and gets a frame of the wanted type. The worker of a
 * failed one is gone; else it is the caller's to give back. */
static qjit_status begin_request(struct request *request, struct qj_frame *frame, const struct qj_plan *plan,
                                 enum qj_wire_type type)
{
    struct qj_pool *pool = request->pool;
    const struct qj_pool_options *options = &pool->options;
    *frame = (struct qj_frame){0};
    request->worker = take_place(pool);
    request->deadline_us = qj_clock_us() + (uint64_t)options->timeout_ms * 1000;
    if (!request->worker) {
        qjit_status status =
            qj_worker_create(&request->worker, options->worker, pool->environment, options->temp_dir);
        if (status) {
            return status;
        }
    }
    request->worker->tail.size = 0;
    put_request(&request->out, pool, request->worker, plan);
    if (request->out.failed) {
        qj_worker_destroy(request->worker, NULL);
        request->worker = NULL;
        return qj_fail(QJIT_NO_MEMORY, "no memory to send the source to a worker");
    }
    if (!atomic_exchange(&pool->swept, true)) {
        qj_scratch_sweep(options->temp_dir);
    }
    qjit_status status = request->worker->ready ? QJIT_OK : get_ready(request);
    return status ? status : get_frame(request, frame, type);
}

static void end_request(struct request *request, struct qj_frame *frame)
{
    free_place(request->pool, request->worker);
    qj_buf_finish(&frame->body);
    qj_buf_finish(&request->out);
}

/* Takes the answer to a job. */
static qjit_status get_answer(struct request *request, struct qj_compiled *out, const struct qj_frame *frame,
                              const struct qj_plan *plan)
{
    struct qj_answer answer;
    if (!qj_message_answer(&answer, qj_buf_text(&frame->body), frame->body.size)) {
        return give_up(request, QJ_EXCHANGE_BAD, NULL);
    }
    struct qj_buf log = {0};
    qj_verdict_tidy(&log, answer.log, request->worker->scratch.path, plan->source_name);
    if (answer.status) { /* 5.2 and 5.7 print the errors of inline assembly and log nothing of them */
        tidy_tail(&log, request);
    }
    qjit_status status = answer.status ? qj_verdict_answer(&request->subject, &answer, qj_buf_text(&log))
                                       : qj_compiled_init(out, plan, &answer, qj_buf_text(&log));
    qj_buf_finish(&log);
    return status;
}

qjit_status qj_pool_compile(struct qj_pool *pool, struct qj_compiled *out, const struct qj_plan *plan)
{
    struct request request = {.pool = pool,
                              .subject = {.unit = plan->unit,
                                          .source_name = plan->source_name,
                                          .arch = plan->arch,
                                          .program = pool->worker,
                                          .timeout_ms = pool->options.timeout_ms,
                                          .max_bytes = pool->options.max_bytes}};
    struct qj_frame frame;
    *out = (struct qj_compiled){0};
    qjit_status status = begin_request(&request, &frame, plan, QJ_WIRE_ANSWER);
    if (!status) {
        status = get_answer(&request, out, &frame, plan);
    }
    end_request(&request, &frame);
    return status;
}

qjit_status qj_pool_archs(struct qj_pool *pool, char **out)
{
    struct request request = {.pool = pool,
                              .subject = {.program = pool->worker,
                                          .timeout_ms = pool->options.timeout_ms,
                                          .max_bytes = pool->options.max_bytes}};
    struct qj_frame frame;
    const char *archs;
    qjit_status status = begin_request(&request, &frame, NULL, QJ_WIRE_ARCH_LIST);
    if (!status && !qj_message_arch_list(&archs, qj_buf_text(&frame.body), frame.body.size)) {
        status = give_up(&request, QJ_EXCHANGE_BAD, NULL);
    }
    if (!status) {
        char *copy = strdup(archs);
        if (copy) {
            *out = copy;
        } else {
            status = qj_fail(QJIT_NO_MEMORY, "no memory for the list of archs");
        }
    }
    end_request(&request, &frame);
    return status;
}
