/* A libFuzzer target: any bytes are a frame of worker or library, or are refused. What is read lies inside
 * the frame; what can be written again is, and must be the same frame. */
#include <stdlib.h>
#include <string.h>

#include "compile/message.h"
#include "compile/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void need(int holds)
{
    if (!holds) {
        __builtin_trap();
    }
}

static void need_text(const char *text, const uint8_t *body, size_t n)
{
    const uint8_t *at = (const uint8_t *)text;
    need(at >= body && at < body + n && memchr(at, 0, (size_t)(body + n - at)) != NULL);
}

static void need_same(struct qj_buf *frame, const uint8_t *body, size_t n)
{
    need(!frame->failed && frame->size == QJ_WIRE_HEADER_BYTES + n);
    need(memcmp(frame->bytes + QJ_WIRE_HEADER_BYTES, body, n) == 0);
    qj_buf_finish(frame);
}

static void read_hello(const uint8_t *body, size_t n)
{
    struct qj_hello hello;
    struct qj_buf frame = {0};
    if (qj_message_hello(&hello, body, n)) {
        need_text(hello.runtime, body, n);
        need_text(hello.directory, body, n);
        qj_message_put_hello(&frame, &hello);
        need(!frame.failed && frame.size == QJ_WIRE_HEADER_BYTES + n); /* a bool has many spellings */
        qj_buf_finish(&frame);
    }
}

static void read_job(const uint8_t *body, size_t n)
{
    struct qj_job job;
    if (qj_message_job(&job, body, n)) {
        need_text(job.source, body, n);
        for (size_t i = 0; i < job.n_options; i++) {
            need_text(job.options[i], body, n);
        }
        for (size_t i = 0; i < job.n_kernels; i++) {
            need_text(job.kernels[i], body, n);
        }
        for (size_t i = 0; i < job.n_headers; i++) {
            need_text(job.header_names[i], body, n);
            need_text(job.header_texts[i], body, n);
        }
    }
    qj_job_finish(&job);
}

static void read_answer(const uint8_t *body, size_t n)
{
    struct qj_answer answer;
    struct qj_buf frame = {0};
    if (qj_message_answer(&answer, body, n)) {
        need_text(answer.log, body, n);
        need(answer.n_bytes == 0 || ((const uint8_t *)answer.object >= body &&
                                     (const uint8_t *)answer.object + answer.n_bytes <= body + n));
        qj_message_put_answer(&frame, &answer);
        need_same(&frame, body, n);
    }
}

static void read_small(uint32_t type, const uint8_t *body, size_t n)
{
    struct qj_ready ready;
    const char *archs;
    struct qj_buf frame = {0};
    if (type == QJ_WIRE_READY && qj_message_ready(&ready, body, n)) {
        qj_message_put_ready(&frame, &ready);
        need_same(&frame, body, n);
    }
    if (type == QJ_WIRE_ARCH_LIST && qj_message_arch_list(&archs, body, n)) {
        qj_message_put_arch_list(&frame, archs);
        need_same(&frame, body, n);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    uint32_t type = 0;
    size_t length = 0;
    if (n < QJ_WIRE_HEADER_BYTES || qj_wire_header(bytes, &type, &length)) {
        return 0;
    }
    need(qj_wire_limit(type) != 0 && length <= qj_wire_limit(type));
    size_t n_body = n - QJ_WIRE_HEADER_BYTES; /* as much as there is, whatever the header says */
    uint8_t *body = malloc(n_body + 1);
    need(body != NULL);
    memcpy(body, bytes + QJ_WIRE_HEADER_BYTES, n_body);
    switch (type) {
    case QJ_WIRE_HELLO:
        read_hello(body, n_body);
        break;
    case QJ_WIRE_JOB:
        read_job(body, n_body);
        break;
    case QJ_WIRE_ANSWER:
        read_answer(body, n_body);
        break;
    default:
        read_small(type, body, n_body);
    }
    free(body);
    return 0;
}
