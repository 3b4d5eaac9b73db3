#include "compile/wire.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "compile/message.h"

static const char *const options[] = {"--offload-arch=gfx1030", "-O3"};
static const char *const kernels[] = {"k", "t<float>", ""};
static const qjit_header headers[] = {{"a.h", "text of a"}, {"sub/b.h", ""}};

static void put_job(struct qj_buf *out)
{
    struct qj_plan plan = {.arch = "gfx1030",
                           .source = "source",
                           .source_bytes = 6,
                           .headers = headers,
                           .n_headers = 2,
                           .options = {options[0], options[1]},
                           .n_options = 2,
                           .kernels = kernels,
                           .n_kernels = 3};
    qj_message_put_job(out, &plan, 1234);
}

static void put_answer(struct qj_buf *out)
{
    const struct qj_answer answer = {.status = QJIT_ARCH_UNKNOWN,
                                     .detail = "detail",
                                     .log = "log\nlog",
                                     .kernels = "a b",
                                     .object = "\0\1\2",
                                     .n_bytes = 3,
                                     .compile_us = 77};
    qj_message_put_answer(out, &answer);
}

static const char *body_of(const struct qj_buf *frame)
{
    return frame->bytes + QJ_WIRE_HEADER_BYTES;
}

static size_t body_size(const struct qj_buf *frame)
{
    return frame->size - QJ_WIRE_HEADER_BYTES;
}

Test(wire, header)
{
    struct qj_buf frame = {0};
    uint32_t type;
    size_t length;
    uint8_t header[QJ_WIRE_HEADER_BYTES];
    put_job(&frame);
    memcpy(header, frame.bytes, sizeof header);
    cr_assert_null(qj_wire_header(header, &type, &length));
    cr_assert_eq(type, QJ_WIRE_JOB);
    cr_assert_eq(length, body_size(&frame));
    header[3] = '2'; /* another version of the protocol */
    cr_assert_str_eq(qj_wire_header(header, &type, &length), "what is no frame");
    header[3] = '1';
    header[4] = 99;
    cr_assert_str_eq(qj_wire_header(header, &type, &length), "a frame of an unknown type");
    header[4] = QJ_WIRE_READY;
    header[10] = 0x11; /* more than 1 MiB */
    cr_assert_str_eq(qj_wire_header(header, &type, &length), "a frame that is too long");
    header[4] = QJ_WIRE_ANSWER;
    cr_assert_null(qj_wire_header(header, &type, &length));
    header[15] = 0xff;
    cr_assert_str_eq(qj_wire_header(header, &type, &length), "a frame that is too long");
    qj_buf_finish(&frame);
}

Test(wire, job_arrives_as_sent)
{
    struct qj_buf frame = {0};
    struct qj_job job;
    put_job(&frame);
    cr_assert(qj_message_job(&job, body_of(&frame), body_size(&frame)));
    cr_assert_str_eq(job.arch, "gfx1030");
    cr_assert_str_eq(job.source, "source");
    cr_assert_eq(job.timeout_ms, 1234);
    cr_assert_eq(job.n_options, 2);
    cr_assert_str_eq(job.options[1], "-O3");
    cr_assert_eq(job.n_kernels, 3);
    cr_assert_str_eq(job.kernels[1], "t<float>");
    cr_assert_str_eq(job.kernels[2], "");
    cr_assert_eq(job.n_headers, 2);
    cr_assert_str_eq(job.header_names[1], "sub/b.h");
    cr_assert_str_eq(job.header_texts[0], "text of a");
    qj_job_finish(&job);
    qj_buf_finish(&frame);
}

Test(wire, answer_arrives_as_sent)
{
    struct qj_buf frame = {0};
    struct qj_answer answer;
    put_answer(&frame);
    cr_assert(qj_message_answer(&answer, body_of(&frame), body_size(&frame)));
    cr_assert_eq(answer.status, QJIT_ARCH_UNKNOWN);
    cr_assert_str_eq(answer.log, "log\nlog");
    cr_assert_eq(answer.n_bytes, 3);
    cr_assert_arr_eq(answer.object, "\0\1\2", 3);
    cr_assert_eq(answer.compile_us, 77);
    qj_buf_finish(&frame);
}

Test(wire, hello_arrives_as_sent)
{
    struct qj_buf frame = {0};
    struct qj_hello sent = {.kind = QJ_HIP_PATH,
                            .rtc = "/a",
                            .directory = "/d",
                            .parent = 5,
                            .max_bytes = (uint64_t)1 << 40,
                            .confirm = true};
    struct qj_hello hello;
    qj_message_put_hello(&frame, &sent);
    cr_assert(qj_message_hello(&hello, body_of(&frame), body_size(&frame)));
    cr_assert_str_eq(hello.runtime, "");
    cr_assert_str_eq(hello.rtc, "/a");
    cr_assert_str_eq(hello.comgr, "");
    cr_assert_eq(hello.max_bytes, (uint64_t)1 << 40);
    cr_assert(hello.confirm && hello.kind == QJ_HIP_PATH && hello.parent == 5);
    qj_buf_finish(&frame);
}

/* A copy of just n bytes, so that a read past them is seen by AddressSanitizer. */
static bool reads(const void *bytes, size_t n, bool as_job)
{
    void *copy = malloc(n ? n : 1);
    memcpy(copy, bytes, n);
    struct qj_job job = {0};
    struct qj_answer answer;
    bool result = as_job ? qj_message_job(&job, copy, n) : qj_message_answer(&answer, copy, n);
    qj_job_finish(&job);
    free(copy);
    return result;
}

Test(wire, every_truncation_is_refused)
{
    for (int as_job = 0; as_job < 2; as_job++) {
        struct qj_buf frame = {0};
        (as_job ? put_job : put_answer)(&frame);
        for (size_t n = 0; n < body_size(&frame); n++) {
            cr_assert(!reads(body_of(&frame), n, as_job), "%zu bytes", n);
        }
        cr_assert(reads(body_of(&frame), body_size(&frame), as_job));
        qj_buf_append(&frame, "x", 1);
        cr_assert(!reads(body_of(&frame), body_size(&frame), as_job), "one byte more");
        qj_buf_finish(&frame);
    }
}

/* Whatever one byte becomes, nothing outside is read; a changed length is always noticed. */
Test(wire, changed_bytes_are_harmless)
{
    size_t n_refused = 0;
    for (int as_job = 0; as_job < 2; as_job++) {
        struct qj_buf frame = {0};
        (as_job ? put_job : put_answer)(&frame);
        char *body = frame.bytes + QJ_WIRE_HEADER_BYTES;
        for (size_t i = 0; i < body_size(&frame); i++) {
            char before = body[i];
            for (int value = 0; value < 256; value++) {
                body[i] = (char)value;
                n_refused += !reads(body, body_size(&frame), as_job);
            }
            body[i] = before;
        }
        qj_buf_finish(&frame);
    }
    cr_assert_gt(n_refused, 1000);
}

Test(wire, text_with_a_nul_inside)
{
    struct qj_buf body = {0};
    qj_wire_put_bytes(&body, "a\0b", 3);
    qj_wire_put_u32(&body, 7);
    struct qj_wire_reader reader = {.at = (uint8_t *)body.bytes, .left = body.size};
    cr_assert_str_eq(qj_wire_text(&reader, 100), "");
    cr_assert(reader.failed);
    cr_assert_eq(qj_wire_u32(&reader), 0, "stays failed");
    cr_assert(!qj_wire_done(&reader));
    qj_buf_finish(&body);
}

Test(wire, text_past_its_limit)
{
    struct qj_buf body = {0};
    qj_wire_put_text(&body, "12345");
    struct qj_wire_reader reader = {.at = (uint8_t *)body.bytes, .left = body.size};
    (void)qj_wire_text(&reader, 4);
    cr_assert(reader.failed);
    reader = (struct qj_wire_reader){.at = (uint8_t *)body.bytes, .left = body.size};
    cr_assert_str_eq(qj_wire_text(&reader, 5), "12345");
    cr_assert(qj_wire_done(&reader));
    qj_buf_finish(&body);
}

/* A count that the rest of the frame cannot hold must not become an allocation. */
Test(wire, count_that_cannot_be)
{
    uint8_t bytes[4 + 2 * QJ_WIRE_FIELD_MIN] = {3};
    struct qj_wire_reader reader = {.at = bytes, .left = sizeof bytes};
    cr_assert_eq(qj_wire_count(&reader, 100), 0);
    cr_assert(reader.failed);
    bytes[0] = 2;
    reader = (struct qj_wire_reader){.at = bytes, .left = sizeof bytes};
    cr_assert_eq(qj_wire_count(&reader, 100), 2);
    reader = (struct qj_wire_reader){.at = bytes, .left = sizeof bytes};
    cr_assert_eq(qj_wire_count(&reader, 1), 0);
    cr_assert(reader.failed);
}
