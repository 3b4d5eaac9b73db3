/* A libFuzzer target: any bytes are a row of the store or are refused. A row that is taken is written again:
 * what comes out must say the same. Then its payload, unpacked where the row says so.
 *
 * An input is two bytes of settings, two bytes with the length of the record, the record, the payload. The
 * settings say which checksums are made right first: no fuzzer would find one, and behind them is what reads
 * bytes. */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "cache/internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

enum {
    MEND_RECORD = 1,
    MEND_PAYLOAD = 2,
    MEND_LENGTH = 4,
    AT_STORED = QJ_SUM_BYTES + 16,
    AT_PAYLOAD_SUM = QJ_SUM_BYTES + 40 + 3 * QJ_DIGEST_BYTES,
    OBJECT_MAX = 16 << 20 /* an honest row may ask for more than the fuzzer lets it have */
};

static void need(int holds)
{
    if (!holds) {
        __builtin_trap();
    }
}

static void mend(uint8_t *record, size_t n_record, const uint8_t *payload, size_t n_payload, int settings)
{
    if (settings & MEND_LENGTH && n_record >= AT_STORED + 8) {
        for (int i = 0; i < 8; i++) {
            record[AT_STORED + i] = (uint8_t)((uint64_t)n_payload >> (8 * i));
        }
    }
    if (settings & MEND_PAYLOAD && n_record >= AT_PAYLOAD_SUM + QJ_SUM_BYTES) {
        struct qj_sum sum = qj_payload_sum(payload, n_payload);
        memcpy(record + AT_PAYLOAD_SUM, sum.bytes, sizeof sum);
    }
    if (settings & MEND_RECORD && n_record >= QJ_SUM_BYTES) {
        struct qj_sum sum = qj_payload_sum(record + QJ_SUM_BYTES, n_record - QJ_SUM_BYTES);
        memcpy(record, sum.bytes, sizeof sum);
    }
}

/* Twice over: bytes past the last text are let through and not written again. */
static void write_again(const struct qj_row *row, const struct qj_payload *payload)
{
    struct qj_buf first = {0}, second = {0};
    struct qj_row read;
    struct qj_payload read_payload;
    void *memory = NULL;
    qj_record_write(&first, row, payload);
    need(!first.failed);
    need(qj_record_read(&read, &read_payload, &memory, first.bytes, first.size) == QJ_ROW_OK);
    need(strcmp(read.unit, row->unit) == 0 && strcmp(read.log, row->log) == 0);
    qj_record_write(&second, &read, &read_payload);
    need(second.size == first.size && memcmp(second.bytes, first.bytes, first.size) == 0);
    free(memory);
    qj_buf_finish(&first);
    qj_buf_finish(&second);
}

static void read_object(const struct qj_row *row, const struct qj_payload *payload, const uint8_t *bytes,
                        size_t n)
{
    static volatile uint8_t sink;
    void *object = NULL;
    int code;
    if (row->stored_bytes != n || row->object_bytes > OBJECT_MAX) {
        return; /* the store looks at the first before it calls */
    }
    enum qj_row_result result = qj_payload_read(&object, &code, row, payload, bytes, NULL);
    need(result != QJ_ROW_NO_MEMORY && (result == QJ_ROW_OK) == (object != NULL));
    for (uint64_t i = 0; object && i < row->object_bytes; i++) {
        sink = (uint8_t)(sink ^ ((const uint8_t *)object)[i]);
    }
    free(object);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct qj_row row;
    struct qj_payload payload;
    void *memory = NULL;
    if (n < 4) {
        return 0;
    }
    size_t n_record = bytes[2] | (size_t)bytes[3] << 8;
    n_record = n_record <= n - 4 ? n_record : n - 4;
    size_t n_payload = n - 4 - n_record;
    uint8_t *record = malloc(n_record + 1), *stored = malloc(n_payload + 1);
    need(record && stored);
    memcpy(record, bytes + 4, n_record);
    memcpy(stored, bytes + 4 + n_record, n_payload);
    mend(record, n_record, stored, n_payload, bytes[0]);
    enum qj_row_result result = qj_record_read(&row, &payload, &memory, record, n_record);
    need(result != QJ_ROW_NO_MEMORY && (result == QJ_ROW_OK) == (memory != NULL));
    if (result == QJ_ROW_OK) {
        write_again(&row, &payload);
        read_object(&row, &payload, stored, n_payload);
    }
    free(memory);
    free(record);
    free(stored);
    return 0;
}
