/* Files that are damaged, or made to do harm. What is wrong is said; nothing is read outside
 * (AddressSanitizer watches: the copies are exactly as long as they say), and no count in a file decides how
 * much memory is taken. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "gguf_support.h"

/* A small file with a value of most kinds and three tensors. */
static size_t make_sample(struct made *made, unsigned version)
{
    made_start(made, version, 3, 5);
    made_entry(made, "general.alignment", 32);
    made_key(made, "s", 8);
    made_text(made, "text");
    made_key(made, "b", 9);
    made_u32(made, 7);
    made_length(made, 3);
    made_bytes(made, "\1\0\1", 3);
    made_key(made, "n", 9);
    made_u32(made, 9);
    made_length(made, 2);
    for (int i = 0; i < 2; i++) {
        made_u32(made, 8);
        made_length(made, 1);
        made_text(made, "x");
    }
    made_key(made, "f", 12);
    made_u64(made, 1);
    made_tensor(made, "one", 0, 5, 0);
    made_tensor(made, "two", 2, 64, 32);
    made_tensor(made, "three", 12, 256, 96);
    size_t n_header = made->buf.size;
    made_data(made, 32, 96 + 144);
    return n_header;
}

static qjit_status open_and_walk(const void *bytes, size_t n)
{
    qjit_gguf *gguf = NULL;
    void *copy = malloc(n ? n : 1);
    memcpy(copy, bytes, n);
    qjit_status status = qjit_gguf_open_bytes(&gguf, copy, n);
    if (status == QJIT_OK) {
        (void)gguf_walk(gguf);
    }
    qjit_gguf_close(gguf);
    free(copy);
    return status;
}

Test(gguf_hostile, cut_anywhere_is_refused)
{
    for (unsigned version = 1; version <= 3; version++) {
        struct made made;
        make_sample(&made, version);
        cr_assert_eq(open_and_walk(made.buf.bytes, made.buf.size), QJIT_OK, "%s", qjit_error_detail());
        for (size_t n = 0; n < made.buf.size; n++) {
            qjit_status status = open_and_walk(made.buf.bytes, n);
            const char *detail = qjit_error_detail();
            if (status != QJIT_BAD_FILE || !strstr(detail, "fetch it again")) {
                cr_assert_fail("cut at %zu: %s: %s", n, qjit_status_name(status), detail);
            }
        }
        made_finish(&made);
    }
}

/* Every other value of every byte of the header, one at a time: another sound file, or one clear line. */
Test(gguf_hostile, survives_any_changed_byte)
{
    for (unsigned version = 1; version <= 3; version++) {
        struct made made;
        size_t n_refused = 0, n_header = make_sample(&made, version);
        for (size_t i = 0; i < n_header * 255; i++) {
            char *byte = &made.buf.bytes[i / 255], before = *byte;
            *byte = (char)(before + 1 + i % 255);
            qjit_status status = open_and_walk(made.buf.bytes, made.buf.size);
            *byte = before;
            n_refused += status == QJIT_BAD_FILE;
            if (status != QJIT_OK && (status != QJIT_BAD_FILE || !*qjit_error_detail())) {
                cr_assert_fail("byte %zu: %s: %s", i / 255, qjit_status_name(status), qjit_error_detail());
            }
        }
        cr_assert(n_refused > n_header * 100, "%zu of %zu", n_refused, n_header * 255);
        made_finish(&made);
    }
}

static void bad_start(const char *bytes, size_t n, const char *words)
{
    struct made made = {.version = 3};
    made_bytes(&made, bytes, n);
    expect_bad(&made, words);
    made_finish(&made);
}

Test(gguf_hostile, what_is_no_gguf_is_named)
{
    bad_start("", 0, "is empty: fetch it again");
    bad_start("GG", 2, "ends within the header");
    bad_start("<!DOCTYPE html>", 15, "is no GGUF file: it begins with '<!DO' instead of 'GGUF'");
    bad_start("\x1b[1m....", 8, "begins with '?[1m'");
    bad_start("tjgg\3\0\0\0....", 12, "is of a format that came before GGUF: convert the model again");
    bad_start("GGUF\0\0\0\3........", 16, "is big endian, this machine is little endian: convert the model");
    bad_start("FUGG\0\0\0\3........", 16, "is big endian");
    bad_start("GGUF\4\0\0\0........", 16, "is GGUF version 4; versions 1 to 3 are read");
    bad_start("GGUF\0\0\0\0........", 16, "is GGUF version 0");
}

/* Counts and lengths far past what the file holds. */
Test(gguf_hostile, huge_counts_are_refused_at_once)
{
    static const uint64_t huge[] = {1000, 1ull << 32, 1ull << 60, UINT64_MAX};
    for (size_t i = 0; i < sizeof huge / sizeof *huge; i++) {
        struct made made;
        made_start(&made, 3, huge[i], 0);
        made_data(&made, 1, 100);
        expect_bad(&made, "tensors, more than its 124 bytes can hold");
        made_finish(&made);
        made_start(&made, 3, 0, huge[i]);
        made_data(&made, 1, 100);
        expect_bad(&made, "entries of metadata, more than its 124 bytes can hold");
        made_finish(&made);
        for (uint32_t kind = 0; kind < QJIT_GGUF_KIND_END; kind++) {
            made_start(&made, 3, 0, 1);
            made_key(&made, "key", 9);
            made_u32(&made, kind);
            made_length(&made, huge[i]);
            made_bytes(&made, (char[64]){0}, 64);
            expect_bad(&made, "ends within metadata 'key'");
            made_finish(&made);
        }
        made_start(&made, 3, 0, 1);
        made_length(&made, huge[i]);
        made_bytes(&made, "a key and more", 14);
        expect_bad(&made, "ends within the key of metadata entry 1");
        made_finish(&made);
    }
}

Test(gguf_hostile, bad_metadata_is_named)
{
    struct made made;
    made_start(&made, 3, 0, 2);
    made_entry(&made, "twice", 1);
    made_entry(&made, "twice", 2);
    expect_bad(&made, "has metadata 'twice' twice");
    made_finish(&made);
    made_start(&made, 3, 0, 1);
    made_key(&made, "k", 13);
    made_u64(&made, 0);
    expect_bad(&made, "metadata 'k' is of a kind that there is not");
    made_finish(&made);
    made_start(&made, 3, 0, 1);
    made_key(&made, "k", 9);
    made_u32(&made, 99);
    made_u64(&made, 0);
    expect_bad(&made, "metadata 'k' is of a kind that there is not");
    made_finish(&made);
    made_start(&made, 3, 0, 1);
    made_key(&made, "k\x1b[31m", 7);
    made_bytes(&made, "\2", 1);
    expect_bad(&made, "metadata 'k?[31m' has a bool that is neither 0 nor 1");
    made_finish(&made);
    made_start(&made, 3, 0, 1);
    made_entry(&made, "", 1);
    expect_bad(&made, "the key of metadata entry 1 is empty");
    made_finish(&made);
    made_start(&made, 3, 0, 1);
    made_length(&made, 2);
    made_bytes(&made, "a\0\4\0\0\0....", 10);
    expect_bad(&made, "the key of metadata entry 1 has a zero byte");
    made_finish(&made);
}

static void make_long_key(struct made *made, size_t n)
{
    made_start(made, 3, 0, 1);
    made_length(made, n);
    for (size_t i = 0; i < n; i++) {
        made_bytes(made, "k", 1);
    }
    made_u32(made, 4);
    made_u32(made, 1);
}

Test(gguf_hostile, names_have_a_longest_length)
{
    struct made made;
    make_long_key(&made, 65536);
    expect_bad(&made, "is longer than 65535 bytes");
    made_finish(&made);
    make_long_key(&made, 65535);
    cr_assert_eq(open_and_walk(made.buf.bytes, made.buf.size), QJIT_OK, "%s", qjit_error_detail());
    made.buf.bytes[made.buf.size - 8] = 13; /* the kind: the message does not take the whole key */
    expect_bad(&made, "kkk...' is of a kind that there is not");
    cr_assert(strlen(qjit_error_detail()) < 400);
    made_finish(&made);
}

static void make_deep(struct made *made, unsigned depth)
{
    made_start(made, 3, 0, 1);
    made_key(made, "deep", 9);
    for (unsigned i = 1; i < depth; i++) {
        made_u32(made, 9);
        made_length(made, 1);
    }
    made_u32(made, 4);
    made_length(made, 0);
}

Test(gguf_hostile, arrays_in_arrays_have_a_deepest_depth)
{
    struct made made;
    make_deep(&made, QJIT_GGUF_MAX_DEPTH);
    cr_assert_eq(open_and_walk(made.buf.bytes, made.buf.size), QJIT_OK, "%s", qjit_error_detail());
    made_finish(&made);
    make_deep(&made, QJIT_GGUF_MAX_DEPTH + 1);
    expect_bad(&made, "metadata 'deep' has arrays in arrays, more than 8 deep");
    made_finish(&made);
    make_deep(&made, 1 << 20);
    expect_bad(&made, "metadata 'deep' has arrays in arrays, more than 8 deep");
    made_finish(&made);
}

Test(gguf_hostile, bad_alignment_is_refused)
{
    static const uint32_t bad[] = {0, 3, 24, 0xffffffff};
    struct made made;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        made_start(&made, 3, 0, 1);
        made_entry(&made, "general.alignment", bad[i]);
        expect_bad(&made, "'general.alignment' is no uint32 that is a power of two");
        made_finish(&made);
    }
    made_start(&made, 3, 0, 1);
    made_key(&made, "general.alignment", 8);
    made_text(&made, "32");
    expect_bad(&made, "'general.alignment' is no uint32 that is a power of two");
    made_finish(&made);
    made_start(&made, 3, 1, 1);
    made_entry(&made, "general.alignment", 1u << 31);
    made_tensor(&made, "t", 0, 4, 0);
    made_data(&made, 32, 64);
    expect_bad(&made, "tensor 't' needs 16 bytes at offset 0, but there are 0 bytes of data");
    made_finish(&made);
}

static void bad_tensor(uint32_t type, uint64_t width, uint64_t offset, const char *words)
{
    struct made made;
    made_start(&made, 3, 2, 0);
    made_tensor(&made, "good", 0, 16, 0);
    made_tensor(&made, "bad", type, width, offset);
    made_data(&made, 32, 256);
    expect_bad(&made, words);
    made_finish(&made);
}

Test(gguf_hostile, bad_tensors_are_named)
{
    bad_tensor(43, 32, 64, "tensor 'bad': type 43 is unknown: it is damaged, or newer than this qjit");
    bad_tensor(4, 32, 64,
               "tensor 'bad': type 4, 'Q4_2', is no longer part of ggml: quantise the model again");
    bad_tensor(2, 31, 64, "'bad' has a width that is no multiple of the elements in a block of its type");
    bad_tensor(0, 1ull << 63, 64, "'bad' has dimensions whose product is more than 2^63 - 1");
    bad_tensor(0, (1ull << 63) - 1, 64, "'bad' has more than 2^63 - 1 bytes");
    bad_tensor(24, (1ull << 63) - 1, 64, "tensor 'bad' needs 9223372036854775807 bytes at offset 64");
    bad_tensor(0, 16, 48, "'bad' is at offset 48, no multiple of the alignment, 32");
    bad_tensor(0, 16, 224, "tensor 'bad' needs 64 bytes at offset 224, but there are 256 bytes of data");
    bad_tensor(0, 16, 1ull << 40, "tensor 'bad' needs 64 bytes at offset 1099511627776");
    bad_tensor(0, 16, UINT64_MAX - 31, "tensor 'bad' needs 64 bytes at offset 18446744073709551584");
    bad_tensor(0, 0, 512, "tensor 'bad' needs 0 bytes at offset 512");
    bad_tensor(0, 16, 32, "tensors 'good' and 'bad' overlap");
    bad_tensor(0, 16, 0, "overlap");
}

static void bad_dims(uint32_t n_dims, const uint64_t *dims, const char *words)
{
    struct made made;
    made_start(&made, 3, 1, 0);
    made_text(&made, "t");
    made_u32(&made, n_dims);
    for (uint32_t i = 0; i < n_dims && i < 8; i++) {
        made_length(&made, dims[i]);
    }
    made_u32(&made, 24);
    made_u64(&made, 0);
    made_data(&made, 32, 64);
    expect_bad(&made, words);
    made_finish(&made);
}

Test(gguf_hostile, dimensions_are_multiplied_with_care)
{
    bad_dims(5, (uint64_t[]){1, 1, 1, 1, 1}, "tensor 't' has more than 4 dimensions");
    bad_dims(UINT32_MAX, (uint64_t[8]){1}, "tensor 't' has more than 4 dimensions");
    /* 2^64 would be 0, 2^63 below zero. */
    bad_dims(2, (uint64_t[]){1ull << 32, 1ull << 32}, "product is more than 2^63 - 1");
    bad_dims(2, (uint64_t[]){1ull << 32, 1ull << 31}, "product is more than 2^63 - 1");
    bad_dims(4, (uint64_t[]){1ull << 62, 4, 1ull << 62, 4}, "product is more than 2^63 - 1");
    bad_dims(3, (uint64_t[]){1, UINT64_MAX, 1}, "product is more than 2^63 - 1");
}

Test(gguf_hostile, two_tensors_of_one_name_are_refused)
{
    struct made made;
    made_start(&made, 3, 2, 0);
    made_tensor(&made, "same", 0, 8, 0);
    made_tensor(&made, "same", 0, 8, 32);
    made_data(&made, 32, 64);
    expect_bad(&made, "has two tensors called 'same'");
    made_finish(&made);
}

/* 64 MiB that say they hold 2^22 entries, of which the first is bad: opening takes no memory for the others.
 */
Test(gguf_hostile, memory_is_in_proportion_to_what_was_read)
{
    enum { N = 64 << 20 };
    struct made made;
    qjit_gguf *gguf = NULL;
    struct rusage before, after;
    made_start(&made, 3, 0, 1 << 22);
    made_entry(&made, "", 1);
    uint8_t *bytes = calloc(N, 1);
    memcpy(bytes, made.buf.bytes, made.buf.size);
    cr_assert_eq(getrusage(RUSAGE_SELF, &before), 0);
    cr_assert_eq(qjit_gguf_open_bytes(&gguf, bytes, N), QJIT_BAD_FILE);
    cr_assert_eq(getrusage(RUSAGE_SELF, &after), 0);
    cr_assert(after.ru_maxrss - before.ru_maxrss < 4096, "%ld KiB", after.ru_maxrss - before.ru_maxrss);
    free(bytes);
    made_finish(&made);
}
