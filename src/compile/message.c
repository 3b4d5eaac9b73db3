#include "compile/message.h"

#include <stdlib.h>
#include <string.h>

#include "compile/wire.h"

/* Texts that are no sources: paths, options, names, one line of words. */
enum { TEXT_MAX = 1 << 20, HEADERS_MAX = 1 << 16, KERNELS_MAX = 1 << 16 };

static struct qj_wire_reader reader_of(const void *body, size_t n)
{
    return (struct qj_wire_reader){.at = body, .left = n};
}

void qj_message_put_hello(struct qj_buf *out, const struct qj_hello *hello)
{
    size_t begin = qj_wire_begin(out, QJ_WIRE_HELLO);
    qj_wire_put_u32(out, hello->kind);
    qj_wire_put_text(out, hello->runtime);
    qj_wire_put_text(out, hello->rtc);
    qj_wire_put_text(out, hello->comgr);
    qj_wire_put_text(out, hello->directory);
    qj_wire_put_u64(out, hello->parent);
    qj_wire_put_u64(out, hello->max_bytes);
    qj_wire_put_u32(out, hello->confirm);
    qj_wire_end(out, begin);
}

bool qj_message_hello(struct qj_hello *out, const void *body, size_t n)
{
    struct qj_wire_reader reader = reader_of(body, n);
    out->kind = qj_wire_u32(&reader);
    out->runtime = qj_wire_text(&reader, TEXT_MAX);
    out->rtc = qj_wire_text(&reader, TEXT_MAX);
    out->comgr = qj_wire_text(&reader, TEXT_MAX);
    out->directory = qj_wire_text(&reader, TEXT_MAX);
    out->parent = qj_wire_u64(&reader);
    out->max_bytes = qj_wire_u64(&reader);
    out->confirm = qj_wire_u32(&reader) != 0;
    return qj_wire_done(&reader);
}

static void put_texts(struct qj_buf *out, const char *const *texts, size_t n)
{
    qj_wire_put_u32(out, (uint32_t)n);
    for (size_t i = 0; i < n; i++) {
        qj_wire_put_text(out, texts[i]);
    }
}

/* A count and that many texts; the array is the caller's to free. */
static const char **texts_of(struct qj_wire_reader *reader, size_t *out_n, size_t max)
{
    *out_n = qj_wire_count(reader, max);
    const char **texts = calloc(*out_n + 1, sizeof *texts);
    if (!texts) {
        reader->failed = true;
        return NULL;
    }
    for (size_t i = 0; i < *out_n; i++) {
        texts[i] = qj_wire_text(reader, QJ_WIRE_SOURCE_MAX);
    }
    return texts;
}

void qj_message_put_job(struct qj_buf *out, const struct qj_plan *plan, uint32_t timeout_ms)
{
    size_t begin = qj_wire_begin(out, QJ_WIRE_JOB);
    qj_wire_put_text(out, plan->arch);
    qj_wire_put_u32(out, timeout_ms);
    qj_wire_put_bytes(out, plan->source, plan->source_bytes);
    put_texts(out, plan->options, plan->n_options);
    put_texts(out, plan->kernels, plan->n_kernels);
    for (int part = 0; part < 2; part++) { /* all names, then all texts */
        qj_wire_put_u32(out, (uint32_t)plan->n_headers);
        for (size_t i = 0; i < plan->n_headers; i++) {
            qj_wire_put_text(out, part ? plan->headers[i].text : plan->headers[i].name);
        }
    }
    qj_wire_end(out, begin);
}

bool qj_message_job(struct qj_job *out, const void *body, size_t n)
{
    struct qj_wire_reader reader = reader_of(body, n);
    *out = (struct qj_job){0};
    out->arch = qj_wire_text(&reader, TEXT_MAX);
    out->timeout_ms = qj_wire_u32(&reader);
    out->source = qj_wire_text(&reader, QJ_WIRE_SOURCE_MAX);
    out->options = texts_of(&reader, &out->n_options, QJ_PLAN_OPTIONS_MAX);
    out->kernels = texts_of(&reader, &out->n_kernels, KERNELS_MAX);
    out->header_names = texts_of(&reader, &out->n_headers, HEADERS_MAX);
    size_t n_texts;
    out->header_texts = texts_of(&reader, &n_texts, HEADERS_MAX);
    return qj_wire_done(&reader) && n_texts == out->n_headers;
}

void qj_job_finish(struct qj_job *job)
{
    free(job->options);
    free(job->kernels);
    free(job->header_names);
    free(job->header_texts);
    *job = (struct qj_job){0};
}

void qj_message_put_archs(struct qj_buf *out)
{
    qj_wire_end(out, qj_wire_begin(out, QJ_WIRE_ARCHS));
}

/* Statuses are negative; on the wire they are their absolute value. */
static void put_status(struct qj_buf *out, qjit_status status)
{
    qj_wire_put_u32(out, (uint32_t) - (int)status);
}

static qjit_status status_of(struct qj_wire_reader *reader, const qjit_status *allowed, size_t n)
{
    uint32_t value = qj_wire_u32(reader);
    for (size_t i = 0; i < n; i++) {
        if (value == (uint32_t) - (int)allowed[i]) {
            return allowed[i];
        }
    }
    reader->failed = true;
    return QJIT_WORKER_BAD_REPLY;
}

void qj_message_put_ready(struct qj_buf *out, const struct qj_ready *ready)
{
    size_t begin = qj_wire_begin(out, QJ_WIRE_READY);
    put_status(out, ready->status);
    qj_wire_put_text(out, ready->detail);
    qj_wire_put_text(out, ready->identity);
    qj_wire_end(out, begin);
}

bool qj_message_ready(struct qj_ready *out, const void *body, size_t n)
{
    static const qjit_status allowed[] = {QJIT_OK, QJIT_HIP_NOT_FOUND, QJIT_HIP_UNUSABLE,
                                          QJIT_COMPILER_NOT_FOUND, QJIT_NO_MEMORY};
    struct qj_wire_reader reader = reader_of(body, n);
    out->status = status_of(&reader, allowed, sizeof allowed / sizeof *allowed);
    out->detail = qj_wire_text(&reader, TEXT_MAX);
    out->identity = qj_wire_text(&reader, TEXT_MAX);
    return qj_wire_done(&reader);
}

void qj_message_put_answer(struct qj_buf *out, const struct qj_answer *answer)
{
    size_t begin = qj_wire_begin(out, QJ_WIRE_ANSWER);
    put_status(out, answer->status);
    qj_wire_put_text(out, answer->detail);
    qj_wire_put_text(out, answer->log);
    qj_wire_put_text(out, answer->kernels);
    qj_wire_put_bytes(out, answer->object ? answer->object : "", answer->n_bytes);
    qj_wire_put_u32(out, answer->compile_us);
    qj_wire_end(out, begin);
}

bool qj_message_answer(struct qj_answer *out, const void *body, size_t n)
{
    static const qjit_status allowed[] = {QJIT_OK, QJIT_COMPILE_FAILED, QJIT_ARCH_UNKNOWN,
                                          QJIT_COMPILE_NO_MEMORY};
    struct qj_wire_reader reader = reader_of(body, n);
    out->status = status_of(&reader, allowed, sizeof allowed / sizeof *allowed);
    out->detail = qj_wire_text(&reader, TEXT_MAX);
    out->log = qj_wire_text(&reader, QJ_WIRE_LOG_MAX);
    out->kernels = qj_wire_text(&reader, QJ_WIRE_LOG_MAX);
    out->object = qj_wire_bytes(&reader, &out->n_bytes, QJ_WIRE_OBJECT_MAX);
    out->compile_us = qj_wire_u32(&reader);
    return qj_wire_done(&reader);
}

void qj_message_put_arch_list(struct qj_buf *out, const char *archs)
{
    size_t begin = qj_wire_begin(out, QJ_WIRE_ARCH_LIST);
    qj_wire_put_text(out, archs);
    qj_wire_end(out, begin);
}

bool qj_message_arch_list(const char **out, const void *body, size_t n)
{
    struct qj_wire_reader reader = reader_of(body, n);
    *out = qj_wire_text(&reader, TEXT_MAX);
    return qj_wire_done(&reader);
}
