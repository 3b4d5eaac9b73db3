#include "hip/device.h"
#include "hip_fixture.h"

static struct qj_hip open_fake(const char *path)
{
    struct qj_hip_where where = find(search_for(path, NULL));
    struct qj_hip hip = {0};
    cr_assert_eq(qj_hip_open_runtime(&hip, &where), QJIT_OK, "%s", qjit_error_detail());
    qj_hip_where_finish(&where);
    return hip;
}

static void expect_device(const struct qj_hip *hip, uint32_t ordinal, const char *arch, uint32_t wavefront)
{
    qjit_device device = {.struct_size = sizeof device};
    char name[32];
    cr_assert_eq(qj_device_get(&device, hip, ordinal), QJIT_OK, "%s", qjit_error_detail());
    (void)snprintf(name, sizeof name, "Fake GPU %u", ordinal);
    cr_assert_str_eq(device.name, name);
    cr_assert_str_eq(device.arch, arch);
    cr_assert_eq(device.wavefront, wavefront);
    cr_assert_eq(device.n_cus, 36);
    cr_assert_eq(device.lds_bytes, 65536);
    cr_assert_eq(device.max_workgroup, 1024);
    cr_assert_eq(device.memory_bytes, UINT64_C(16) << 30);
    cr_assert_eq(device.struct_size, sizeof device);
}

Test(device, is_read_in_the_layout_of_hip_6)
{
    struct qj_hip hip = open_fake(FAKE);
    setenv("FAKE_HIP_FAIL", "hipGetDeviceProperties:0", 1); /* is not asked */
    expect_device(&hip, 0, "gfx1030", 32);
}

Test(device, is_read_in_the_layout_before)
{
    struct qj_hip hip = open_fake(FAKE_OLD);
    expect_device(&hip, 0, "gfx1030", 32);
}

Test(device, archs_are_canonical)
{
    struct qj_hip hip = open_fake(FAKE);
    uint32_t n;
    setenv("FAKE_HIP_DEVICES", "4", 1);
    setenv("FAKE_HIP_ARCH", "gfx90a:xnack-:sramecc+,gfx1100,gfx9-4-generic", 1);
    cr_assert_eq(qj_device_count(&n, &hip), QJIT_OK);
    cr_assert_eq(n, 4);
    expect_device(&hip, 0, "gfx90a:sramecc+:xnack-", 64);
    expect_device(&hip, 1, "gfx1100", 32);
    setenv("FAKE_HIP_ARCH", "cpu-x86_64-w32", 1);
    expect_device(&hip, 2, "cpu-x86_64-w32", 64);
    setenv("FAKE_HIP_ARCH", "sm_90", 1);
    expect_device(&hip, 3, "sm_90", 64);
}

Test(device, count_is_none_without_devices)
{
    struct qj_hip hip = open_fake(FAKE);
    qjit_device device = {.struct_size = sizeof device};
    uint32_t n = 7;
    setenv("FAKE_HIP_DEVICES", "0", 1);
    cr_assert_eq(qj_device_count(&n, &hip), QJIT_OK);
    cr_assert_eq(n, 0);
    cr_assert_eq(qj_device_get(&device, &hip, 0), QJIT_NO_DEVICE);
    expect_detail("no device 0");
}

Test(device, that_is_not_there_is_none)
{
    struct qj_hip hip = open_fake(FAKE);
    qjit_device device = {.struct_size = sizeof device};
    cr_assert_eq(qj_device_get(&device, &hip, 1), QJIT_NO_DEVICE);
    expect_detail("no device 1: HIP sees 1");
}

Test(device, failures_are_hips)
{
    struct qj_hip hip = open_fake(FAKE);
    qjit_device device = {.struct_size = sizeof device};
    uint32_t n;
    setenv("FAKE_HIP_FAIL", "hipGetDeviceCount:1:3", 1);
    cr_assert_eq(qj_device_count(&n, &hip), QJIT_HIP_FAILED);
    expect_detail("hipGetDeviceCount: ");
    setenv("FAKE_HIP_FAIL", "hipGetDevicePropertiesR0600:0:101", 1);
    cr_assert_eq(qj_device_get(&device, &hip, 0), QJIT_HIP_FAILED);
    expect_detail("hipGetDevicePropertiesR0600: ");
    expect_detail("101");
}

Test(device, of_an_unknown_layout_is_refused)
{
    struct qj_hip hip = open_fake(FAKE);
    qjit_device device = {.struct_size = sizeof device};
    setenv("FAKE_HIP_LAYOUT", "unknown", 1);
    cr_assert_eq(qj_device_get(&device, &hip, 0), QJIT_HIP_FAILED);
    expect_detail("another hipDeviceProp_t");
    unsetenv("FAKE_HIP_LAYOUT");
    setenv("FAKE_HIP_ARCH", "nonsense", 1);
    cr_assert_eq(qj_device_get(&device, &hip, 0), QJIT_HIP_FAILED);
    setenv("FAKE_HIP_ARCH", "gfx", 1);
    cr_assert_eq(qj_device_get(&device, &hip, 0), QJIT_HIP_FAILED);
    setenv("FAKE_HIP_ARCH", "", 1);
    expect_device(&hip, 0, "gfx1030", 32);
}
