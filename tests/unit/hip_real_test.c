/* The HIP of this machine, if it has one: found without loading it, opened, identified; and that a copy of
 * its compiler with another build-id is another compiler. Exits 77 where there is none. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/fs.h"
#include "hip/device.h"
#include "hip/identity.h"

enum { ROUNDS = 200, LIBRARY_BYTES_MAX = 512 << 20, SKIPPED = 77 };

#define EXPECT(condition)                                                                                    \
    do {                                                                                                     \
        if (!(condition)) {                                                                                  \
            fprintf(stderr, "%s:%d: not so: %s (%s)\n", __FILE__, __LINE__, #condition,                      \
                    qjit_error_detail());                                                                    \
            exit(1);                                                                                         \
        }                                                                                                    \
    } while (0)

static struct qj_hip_search machine(const char *which)
{
    return (struct qj_hip_search){which, getenv("ROCM_PATH"), getenv("LD_LIBRARY_PATH"), NULL};
}

static void measure(void)
{
    const struct qj_hip_search search = machine("rocm");
    char identity[QJ_IDENTITY_MAX];
    uint64_t find_us = UINT64_MAX, identity_us = UINT64_MAX;
    for (int i = 0; i < ROUNDS; i++) {
        struct qj_hip_where where;
        uint64_t start = qj_clock_us();
        EXPECT(qj_hip_find(&where, &search) == QJIT_OK);
        uint64_t middle = qj_clock_us();
        EXPECT(qj_identity_get(identity, &where) == QJIT_OK);
        uint64_t end = qj_clock_us();
        find_us = middle - start < find_us ? middle - start : find_us;
        identity_us = end - middle < identity_us ? end - middle : identity_us;
        qj_hip_where_finish(&where);
    }
    printf("best of %d: qj_hip_find %llu us, qj_identity_get %llu us\n", ROUNDS, (unsigned long long)find_us,
           (unsigned long long)identity_us);
}

/* Writes a copy of hipRTC's library whose build-id differs in one bit, as a rebuilt compiler's would. */
static void copy_changed(const char *to, const char *from, const char *identity)
{
    struct qj_buf bytes = {0};
    unsigned char id[4];
    for (size_t i = 0; i < sizeof id; i++) {
        EXPECT(sscanf(identity + strlen("hiprtc=") + 2 * i, "%2hhx", &id[i]) == 1);
    }
    EXPECT(qj_fs_read(&bytes, from, LIBRARY_BYTES_MAX) == 0);
    char *at = memmem(bytes.bytes, bytes.size, id, sizeof id);
    EXPECT(at != NULL);
    *at = (char)(*at ^ 1);
    FILE *file = fopen(to, "wb");
    EXPECT(file && fwrite(bytes.bytes, 1, bytes.size, file) == bytes.size && fclose(file) == 0);
    qj_buf_finish(&bytes);
}

static void expect_another_identity(const struct qj_hip_where *where, const char *identity)
{
    static const char copy[] = "./libamdhip64-copy.so";
    const struct qj_hip_search search = machine(copy);
    struct qj_hip_where changed;
    char other[QJ_IDENTITY_MAX];
    copy_changed(copy, where->rtc, identity);
    EXPECT(qj_hip_find(&changed, &search) == QJIT_OK);
    EXPECT(changed.comgr && strcmp(changed.comgr, where->comgr) == 0);
    EXPECT(qj_identity_get(other, &changed) == QJIT_OK);
    EXPECT(strcmp(other, identity) != 0);
    EXPECT(strcmp(strchr(other, ' '), strchr(identity, ' ')) == 0); /* comgr and LLVM are the same */
    qj_hip_where_finish(&changed);
    (void)unlink(copy);
}

int main(void)
{
    const struct qj_hip_search search = machine("rocm");
    struct qj_hip_where where;
    struct qj_hip hip = {0};
    char identity[QJ_IDENTITY_MAX], loaded[QJ_IDENTITY_MAX];
    if (qj_hip_find(&where, &search) != QJIT_OK || !where.rtc || !where.runtime) {
        printf("skipped: %s\n", qjit_error_detail());
        return SKIPPED;
    }
    EXPECT(qj_identity_get(identity, &where) == QJIT_OK);
    printf("%s\n%s\n%s\n%s\n", where.runtime, where.rtc, where.comgr, identity);
    EXPECT(strncmp(identity, "hiprtc=", 7) == 0 && strstr(identity, " comgr=") && !strstr(identity, "none-"));
    measure();
    if (strcmp(where.rtc, where.runtime) == 0) {
        expect_another_identity(&where, identity);
    }
    EXPECT(qj_hip_open_rtc(&hip, &where) == QJIT_OK);
    EXPECT(qj_identity_loaded(loaded, &where) == QJIT_OK);
    EXPECT(strcmp(loaded, identity) == 0);
    int major = 0, minor = 0;
    EXPECT(hip.hiprtcVersion(&major, &minor) == QJ_HIPRTC_SUCCESS && major > 0);
    uint32_t n_devices;
    EXPECT(qj_hip_open_runtime(&hip, &where) == QJIT_OK);
    EXPECT(qj_device_count(&n_devices, &hip) == QJIT_OK);
    for (uint32_t i = 0; i < n_devices; i++) {
        qjit_device device = {.struct_size = sizeof device};
        EXPECT(qj_device_get(&device, &hip, i) == QJIT_OK);
        printf("device %u: %s, %s\n", i, device.arch, device.name);
    }
    printf("hipRTC %d.%d, %u devices\n", major, minor, n_devices);
    qj_hip_where_finish(&where);
    return 0;
}
