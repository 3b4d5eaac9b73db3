/* threads_test LIBRARY: threads that share weights and streams multiply at once, each its own numbers, and
 * share and give up memory meanwhile. Operators of one stream have one scratch memory: over the CPU library,
 * each result must be what one thread alone gets; over the recording library, which computes nothing, each
 * product must be launched right behind its quantising. A plain program, so that ThreadSanitizer can run it.
 */
#include <pthread.h>
#include <qjit/ops.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    N_THREADS = 8,
    N_ROUNDS = 10,
    N_PRODUCTS = 32, /* of a round, queued one after the other */
    N = 3,
    K = 512,
    BATCH = 2,
    N_OUT = N * BATCH,
    N_X = K * BATCH
};

static qjit_context *context;
static qjit_weights *weights;
static qjit_stream streams[2];
static unsigned n_streams;

struct multiplier {
    pthread_t thread;
    unsigned number;
    qjit_buffer *x, *all, *out[N_PRODUCTS];
    float wanted[N_PRODUCTS * N_OUT], got[N_PRODUCTS * N_OUT];
    int failed;
};

static int good(qjit_status status, const char *what)
{
    if (status != QJIT_OK) {
        (void)fprintf(stderr, "%s: %s\n", what, qjit_error_detail());
    }
    return status == QJIT_OK;
}

static int multiply(struct multiplier *it, float *got, qjit_stream stream)
{
    int is_good = good(qjit_buffer_fill_on(it->all, 0, 0, sizeof it->got, stream), "fill");
    for (unsigned i = 0; i < N_PRODUCTS && is_good; i++) {
        is_good = good(qjit_mul_mat(weights, it->out[i], it->x, BATCH, QJIT_PATH_MAT_VEC, stream), "mul_mat");
    }
    return is_good && good(qjit_buffer_download_on(it->all, got, 0, sizeof it->got, stream), "download") &&
           good(qjit_stream_wait(context, 0, stream), "wait");
}

static void *run(void *payload)
{
    struct multiplier *it = payload;
    for (unsigned i = 0; i < N_ROUNDS && !it->failed; i++) {
        qjit_weights *shared;
        qjit_buffer *bytes = NULL;
        it->failed = !good(qjit_weights_view_expert(weights, &shared, 0), "view") ||
                     !good(qjit_weights_view(shared, &bytes), "view") ||
                     !multiply(it, it->got, streams[(it->number + i) % n_streams]) ||
                     memcmp(it->got, it->wanted, sizeof it->got) != 0;
        qjit_buffer_destroy(bytes);
        qjit_weights_destroy(shared);
    }
    return NULL;
}

static int prepare(struct multiplier *it, unsigned number)
{
    static float x[N_X];
    for (unsigned i = 0; i < N_X; i++) {
        x[i] = (float)((i * (number + 3)) % 17) - 8;
    }
    it->number = number;
    int is_good = good(qjit_buffer_create(context, &it->x, 0, sizeof x), "x") &&
                  good(qjit_buffer_create(context, &it->all, 0, sizeof it->got), "out") &&
                  good(qjit_buffer_upload(it->x, 0, x, sizeof x), "upload");
    for (size_t i = 0; i < N_PRODUCTS && is_good; i++) {
        const size_t n = N_OUT * sizeof(float);
        is_good = good(qjit_buffer_view(it->all, &it->out[i], i * n, n), "view");
    }
    return is_good;
}

static int open_all(const char *name)
{
    static unsigned char blocks[N * K / 32 * 34];
    char library[4096], worker[4096];
    (void)snprintf(library, sizeof library, "%s/%s", getenv("QJIT_BUILD"), name);
    (void)snprintf(worker, sizeof worker, "%s/bin/qjit-worker", getenv("QJIT_BUILD"));
    qjit_options options = QJIT_OPTIONS_INIT;
    options.hip = library;
    options.worker = worker;
    for (size_t i = 0; i < sizeof blocks; i++) { /* Q8_0: a scale of 1, and quants */
        blocks[i] = i % 34 == 0 ? 0x00 : i % 34 == 1 ? 0x3c : (unsigned char)(i * 31 % 251);
    }
    return good(qjit_create(&context, &options), "create") &&
           good(qjit_stream_create(context, &streams[0], 0), "stream") &&
           good(qjit_stream_create(context, &streams[1], 0), "stream") &&
           good(qjit_weights_create(context, &weights, 0, QJIT_GGML_Q8_0, N, K, 1), "weights") &&
           good(qjit_weights_upload(weights, 0, N, blocks), "weights");
}

/* The recording library's log, all of one stream. */
static int is_in_turn(const char *path)
{
    char text[256];
    unsigned n = 0, n_wrong = 0;
    FILE *log = fopen(path, "re");
    while (log && fgets(text, sizeof text, log)) {
        if (strncmp(text, "hipModuleLaunchKernel ", 22) == 0) {
            n_wrong += strstr(text, n++ % 2 == 0 ? "quantize_q8_1" : "mul_mat_vec_q8_0_q8_1_cuda2") == NULL;
        }
    }
    if (log) {
        (void)fclose(log);
    }
    (void)printf("%u launches, %u out of turn\n", n, n_wrong);
    return n == 2 * N_THREADS * N_ROUNDS * N_PRODUCTS && n_wrong == 0;
}

static void close_all(struct multiplier *all)
{
    for (unsigned i = 0; i < N_THREADS; i++) {
        qjit_buffer_destroy(all[i].x);
        qjit_buffer_destroy(all[i].all);
        for (unsigned j = 0; j < N_PRODUCTS; j++) {
            qjit_buffer_destroy(all[i].out[j]);
        }
    }
    qjit_weights_destroy(weights);
    (void)qjit_stream_destroy(context, 0, streams[0]);
    (void)qjit_stream_destroy(context, 0, streams[1]);
    qjit_destroy(context);
}

int main(int argc, char **argv)
{
    static struct multiplier all[N_THREADS];
    static const char log[] = "calls.log";
    const int is_recording = argc == 2 && strstr(argv[1], "fake_hip") != NULL;
    int failed = argc != 2 || (is_recording && setenv("FAKE_HIP_LOG", log, 1) != 0) || !open_all(argv[1]);
    n_streams = is_recording ? 1 : 2;
    unsigned n_started = 0;
    for (unsigned i = 0; i < N_THREADS && !failed; i++) {
        failed = !prepare(&all[i], i);
    }
    if (!failed && !is_recording) { /* what one thread gets */
        for (unsigned i = 0; i < N_THREADS && !failed; i++) {
            failed = !multiply(&all[i], all[i].wanted, NULL) || all[i].wanted[0] == 0.0f;
        }
    }
    for (; n_started < N_THREADS && !failed; n_started++) {
        failed = pthread_create(&all[n_started].thread, NULL, run, &all[n_started]) != 0;
    }
    for (unsigned i = 0; i < n_started; i++) {
        (void)pthread_join(all[i].thread, NULL);
        failed |= all[i].failed;
    }
    (void)printf("%u threads, %d products each\n", n_started, N_ROUNDS * N_PRODUCTS);
    close_all(all);
    return failed || (is_recording && !is_in_turn(log));
}
