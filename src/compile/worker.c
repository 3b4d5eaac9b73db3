#include "compile/worker.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/status.h"
#include "compile/wire.h"

qjit_status qj_worker_create(struct qj_worker **out, const char *program, char *const *environment,
                             const char *temp)
{
    struct qj_worker *worker = calloc(1, sizeof *worker);
    if (!worker) {
        return qj_fail(QJIT_NO_MEMORY, "no memory for a worker");
    }
    worker->child = (struct qj_child){.pidfd = -1, .channel = -1, .output = -1};
    worker->scratch.lock = -1;
    qjit_status status = qj_scratch_init(&worker->scratch, temp);
    if (!status) {
        status = qj_child_start(&worker->child, program, environment, &worker->scratch);
    }
    if (status) {
        qj_worker_destroy(worker, NULL);
        return status;
    }
    *out = worker;
    return QJIT_OK;
}

void qj_worker_destroy(struct qj_worker *worker, struct qj_child_end *out_end)
{
    if (!worker) {
        return;
    }
    struct qj_child_end end;
    qj_child_stop(&worker->child, &end);
    qj_scratch_finish(&worker->scratch);
    qj_buf_finish(&worker->tail);
    free(worker);
    if (out_end) {
        *out_end = end;
    }
}

/* What is printed is to be a text: a NUL would end it early, an escape would reach somebody's terminal. */
static void make_printable(char *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        unsigned char byte = (unsigned char)bytes[i];
        if ((byte < ' ' && byte != '\n' && byte != '\t') || byte == 0x7f) {
            bytes[i] = '?';
        }
    }
}

/* Reads what the worker has printed, so that it never waits for us; keeps the end of it. */
static void drain(struct qj_worker *worker)
{
    char chunk[1 << 14];
    enum { ROUNDS = 64 }; /* one that prints without end must not keep us from the clock */
    for (int i = 0; i < ROUNDS; i++) {
        ssize_t n = read(worker->child.output, chunk, sizeof chunk);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n == 0) {
            (void)close(worker->child.output); /* the other end is closed: nothing to poll any more */
            worker->child.output = -1;
        }
        if (n <= 0) {
            return;
        }
        make_printable(chunk, (size_t)n);
        struct qj_buf *tail = &worker->tail;
        if (tail->size + (size_t)n > 2 * (size_t)QJ_WORKER_TAIL_BYTES) {
            size_t keep = QJ_WORKER_TAIL_BYTES;
            memmove(tail->bytes, tail->bytes + tail->size - keep, keep);
            tail->size = keep;
        }
        qj_buf_append(tail, chunk, (size_t)n);
    }
}

bool qj_worker_is_well(struct qj_worker *worker)
{
    struct pollfd fd = {.fd = worker->child.channel, .events = POLLIN | POLLRDHUP};
    drain(worker);
    return poll(&fd, 1, 0) == 0 && !qj_child_has_ended(&worker->child);
}

/* A frame on its way in. */
struct receipt {
    uint8_t header[QJ_WIRE_HEADER_BYTES];
    size_t n_header;
    size_t length; /* of the body, once the header is there */
};

/* Reads at most the rest of this frame. Returns true when something final is known, then in *out. */
static bool receive(struct qj_worker *worker, struct receipt *receipt, struct qj_frame *frame,
                    enum qj_exchange *out)
{
    char chunk[1 << 16];
    for (;;) {
        bool in_header = receipt->n_header < sizeof receipt->header;
        size_t want =
            in_header ? sizeof receipt->header - receipt->n_header : receipt->length - frame->body.size;
        if (!in_header && want == 0) {
            *out = QJ_EXCHANGE_FRAME;
            return true;
        }
        ssize_t n =
            recv(worker->child.channel, chunk, want < sizeof chunk ? want : sizeof chunk, MSG_DONTWAIT);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            return false;
        }
        if (n <= 0) {
            frame->wrong = "half a frame";
            *out = receipt->n_header ? QJ_EXCHANGE_BAD : QJ_EXCHANGE_ENDED;
            return true;
        }
        if (in_header) {
            memcpy(receipt->header + receipt->n_header, chunk, (size_t)n);
            receipt->n_header += (size_t)n;
            if (receipt->n_header == sizeof receipt->header) {
                frame->wrong = qj_wire_header(receipt->header, &frame->type, &receipt->length);
            }
        } else {
            qj_buf_append(&frame->body, chunk, (size_t)n);
        }
        if (frame->wrong || frame->body.failed) {
            *out = frame->wrong ? QJ_EXCHANGE_BAD : QJ_EXCHANGE_NO_MEMORY;
            return true;
        }
    }
}

/* Sends as much as goes. A worker that reads no more is noticed by its end, not here. */
static void transmit(struct qj_worker *worker, const struct qj_buf *out, size_t *sent)
{
    while (*sent < out->size) {
        ssize_t n =
            send(worker->child.channel, out->bytes + *sent, out->size - *sent, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            *sent = errno == EAGAIN || errno == EWOULDBLOCK ? *sent : out->size;
            return;
        }
        *sent += (size_t)n;
    }
}

/* Milliseconds to wait in poll(). Without a pidfd the end of a worker whose channel somebody else holds open
 * is only seen by asking now and then. */
static int patience(const struct qj_worker *worker, uint64_t deadline_us)
{
    enum { ASK_MS = 100, LONG_MS = 60000 };
    uint64_t now = qj_clock_us();
    uint64_t left_ms = now >= deadline_us ? 0 : (deadline_us - now) / 1000 + 1;
    uint64_t most = worker->child.pidfd < 0 ? ASK_MS : LONG_MS;
    return (int)(left_ms < most ? left_ms : most);
}

enum qj_exchange qj_worker_exchange(struct qj_worker *worker, const struct qj_buf *out, size_t *sent,
                                    struct qj_frame *frame, uint64_t deadline_us)
{
    struct receipt receipt = {.n_header = 0};
    enum qj_exchange result;
    *frame = (struct qj_frame){0};
    for (;;) {
        transmit(worker, out, sent);
        struct pollfd fds[] = {
            {.fd = worker->child.channel, .events = (short)(POLLIN | (*sent < out->size ? POLLOUT : 0))},
            {.fd = worker->child.output, .events = POLLIN},
            {.fd = worker->child.pidfd, .events = POLLIN},
        };
        int n = poll(fds, sizeof fds / sizeof *fds, patience(worker, deadline_us));
        if (n < 0 && errno != EINTR) {
            return QJ_EXCHANGE_NO_MEMORY;
        }
        /* Ended is asked before the last look at the channel: what it sent before is then surely there. */
        bool ended = (worker->child.pidfd < 0 || fds[2].revents) && qj_child_has_ended(&worker->child);
        drain(worker);
        if (receive(worker, &receipt, frame, &result)) {
            drain(worker);
            return result;
        }
        if (ended) {
            frame->wrong = "half a frame";
            return receipt.n_header ? QJ_EXCHANGE_BAD : QJ_EXCHANGE_ENDED;
        }
        if (qj_clock_us() >= deadline_us) {
            return QJ_EXCHANGE_LATE;
        }
    }
}
