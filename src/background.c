#include "background.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#include "base/status.h"

struct wish {
    struct wish *next;
    uint32_t device;
    qjit_kernel kernel;
};

struct qj_background {
    qjit_context *context;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    pthread_t thread;
    bool running, stopping;
    struct wish *first, **last;
};

qjit_status qj_background_create(struct qj_background **out, qjit_context *context)
{
    struct qj_background *background = calloc(1, sizeof *background);
    if (!background) {
        return qj_fail(QJIT_NO_MEMORY, "out of memory");
    }
    background->context = context;
    background->last = &background->first;
    (void)pthread_mutex_init(&background->lock, NULL);
    (void)pthread_cond_init(&background->changed, NULL);
    *out = background;
    return QJIT_OK;
}

/* The next wish, to be freed; NULL when it is time to stop. */
static struct wish *pop(struct qj_background *background)
{
    (void)pthread_mutex_lock(&background->lock);
    while (!background->first && !background->stopping) {
        (void)pthread_cond_wait(&background->changed, &background->lock);
    }
    struct wish *wish = background->stopping ? NULL : background->first;
    if (wish) {
        background->first = wish->next;
        background->last = background->first ? background->last : &background->first;
    }
    (void)pthread_mutex_unlock(&background->lock);
    return wish;
}

static void *run(void *payload)
{
    struct qj_background *background = payload;
    for (struct wish *wish; (wish = pop(background));) {
        qjit_function function; /* its slot remembers what came of it */
        (void)qjit_get_function_by_id(background->context, &function, wish->device, wish->kernel);
        free(wish);
    }
    return NULL;
}

/* The application's signals are for the application's threads. */
static int start(struct qj_background *background)
{
    sigset_t all, before;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&background->thread, NULL, run, background);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return error;
}

qjit_status qj_background_push(struct qj_background *background, uint32_t device, qjit_kernel kernel)
{
    struct wish *wish = malloc(sizeof *wish);
    if (!wish) {
        return qj_fail(QJIT_NO_MEMORY, "out of memory");
    }
    *wish = (struct wish){NULL, device, kernel};
    qjit_status status = QJIT_OK;
    (void)pthread_mutex_lock(&background->lock);
    if (!background->running) {
        background->running = start(background) == 0;
    }
    if (background->running) {
        *background->last = wish;
        background->last = &wish->next;
        (void)pthread_cond_signal(&background->changed);
    } else {
        free(wish);
        status = qj_fail(QJIT_NO_MEMORY, "cannot start a thread");
    }
    (void)pthread_mutex_unlock(&background->lock);
    return status;
}

void qj_background_destroy(struct qj_background *background)
{
    if (!background) {
        return;
    }
    (void)pthread_mutex_lock(&background->lock);
    background->stopping = true;
    bool running = background->running;
    (void)pthread_cond_signal(&background->changed);
    (void)pthread_mutex_unlock(&background->lock);
    if (running) {
        (void)pthread_join(background->thread, NULL);
    }
    for (struct wish *wish = background->first, *next; wish; wish = next) {
        next = wish->next;
        free(wish);
    }
    (void)pthread_cond_destroy(&background->changed);
    (void)pthread_mutex_destroy(&background->lock);
    free(background);
}
