#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "flow/flow.h"

static const char kernel[] = "dequantize_block_q4_0_f32";

TestSuite(get_function, .init = flow_init);

Test(get_function, the_first_compiles_the_second_hits_the_process)
{
    qjit_context *context = flow_create(NULL);
    qjit_function first = NULL, second = NULL;
    cr_assert_eq(qjit_get_function(context, &first, 0, kernel), QJIT_OK, "%s", qjit_error_detail());
    cr_assert_eq(qjit_get_function(context, &second, 0, kernel), QJIT_OK);
    cr_assert_not_null(first);
    cr_assert_eq(first, second);
    qjit_cache_stat stat = flow_stat(context);
    cr_assert_eq(stat.n_compiles, 1);
    cr_assert_eq(stat.n_entries, 1);
    qjit_destroy(context);
}

Test(get_function, a_unit_is_compiled_once_for_all_its_kernels)
{
    qjit_context *context = flow_create(NULL);
    qjit_function first = NULL, second = NULL;
    cr_assert_eq(qjit_get_function(context, &first, 0, "mul_mat_vec_q4_0_q8_1_cuda5"), QJIT_OK, "%s",
                 qjit_error_detail());
    cr_assert_eq(qjit_get_function(context, &second, 0, "mul_mat_vec_q4_0_q8_1_cuda6"), QJIT_OK);
    cr_assert_neq(first, second);
    qjit_cache_stat stat = flow_stat(context);
    cr_assert_eq(stat.n_compiles, 1);
    cr_assert_eq(stat.n_entries, 1);
    qjit_destroy(context);
}

Test(get_function, the_next_process_hits_the_store)
{
    qjit_function function;
    qjit_context *context = flow_create(NULL);
    cr_assert_eq(qjit_get_function(context, &function, 0, kernel), QJIT_OK, "%s", qjit_error_detail());
    qjit_destroy(context);
    setenv("QJIT_FORBID_COMPILE", "1", 1);
    context = flow_create(NULL);
    cr_assert_eq(qjit_get_function(context, &function, 0, kernel), QJIT_OK, "%s", qjit_error_detail());
    cr_assert_eq(qjit_get_function(context, &function, 0, "quantize_q8_1"), QJIT_COMPILE_FORBIDDEN);
    cr_assert_not_null(strstr(qjit_error_detail(), "qjit warm --arch gfx1030"));
    qjit_cache_stat stat = flow_stat(context);
    cr_assert_eq(stat.n_compiles, 1);
    cr_assert_geq(stat.n_hits, 1);
    qjit_destroy(context);
}

Test(get_function, what_is_not_there_is_named)
{
    qjit_context *context = flow_create(NULL);
    qjit_function function;
    cr_assert_eq(qjit_get_function(context, &function, 0, "no_such_kernel"), QJIT_NOT_FOUND);
    cr_assert_not_null(strstr(qjit_error_detail(), "'no_such_kernel'"));
    cr_assert_eq(qjit_get_function(context, &function, 7, kernel), QJIT_NO_DEVICE);
    cr_assert_eq(qjit_get_function(context, &function, 4000000000u, kernel), QJIT_NO_DEVICE);
    cr_assert_eq(qjit_get_function_by_id(context, &function, 0, 4000000000u), QJIT_NOT_FOUND);
    qjit_destroy(context);
}

Test(get_function, a_stored_object_that_will_not_load_is_compiled_again_once)
{
    qjit_function function;
    qjit_context *context = flow_create(NULL);
    cr_assert_eq(qjit_get_function(context, &function, 0, kernel), QJIT_OK, "%s", qjit_error_detail());
    qjit_destroy(context);
    setenv("FAKE_HIP_FAIL", "hipModuleLoadData:2", 1); /* the library counts across contexts */
    context = flow_create(NULL);
    cr_assert_eq(qjit_get_function(context, &function, 0, kernel), QJIT_OK, "%s", qjit_error_detail());
    qjit_cache_stat stat = flow_stat(context);
    cr_assert_eq(stat.n_refused, 1);
    cr_assert_eq(stat.n_compiles, 2);
    qjit_destroy(context);
}

Test(get_function, a_fresh_object_that_will_not_load_is_an_error_that_is_remembered)
{
    qjit_function function;
    setenv("FAKE_HIP_FAIL", "hipModuleLoadData:1", 1);
    qjit_context *context = flow_create(NULL);
    cr_assert_eq(qjit_get_function(context, &function, 0, kernel), QJIT_LOAD_FAILED);
    char detail[512];
    (void)strncpy(detail, qjit_error_detail(), sizeof detail - 1);
    cr_assert_not_null(strstr(detail, "hipModuleLoadData"));
    cr_assert_eq(qjit_get_function(context, &function, 0, kernel), QJIT_LOAD_FAILED);
    cr_assert_eq(strcmp(detail, qjit_error_detail()), 0);
    qjit_destroy(context);
}

static void by_a_missing_worker(qjit_options *options)
{
    options->worker = "/nowhere/qjit-worker";
}

Test(get_function, a_worker_that_cannot_start_is_asked_for_again)
{
    qjit_function function;
    qjit_context *context = flow_create(by_a_missing_worker);
    cr_assert_eq(qjit_get_function(context, &function, 0, kernel), QJIT_WORKER_NOT_STARTED);
    cr_assert_not_null(strstr(qjit_error_detail(), "/nowhere/qjit-worker"));
    cr_assert_eq(qjit_get_function(context, &function, 0, kernel), QJIT_WORKER_NOT_STARTED);
    cr_assert_eq(flow_stat(context).n_compiles, 0);
    qjit_destroy(context);
}

static void wait_a_little(void)
{
    struct timespec pause = {0, 5000000};
    (void)nanosleep(&pause, NULL);
}

Test(get_function, if_ready_does_not_wait_but_gets_there, .timeout = 60)
{
    qjit_kernel id;
    qjit_function function = NULL;
    qjit_context *context = flow_create(NULL);
    cr_assert_eq(qjit_find_kernel(context, &id, kernel), QJIT_OK);
    cr_assert_eq(qjit_get_function_if_ready(context, &function, 0, id), QJIT_NOT_READY, "%s",
                 qjit_error_detail());
    qjit_status status;
    while ((status = qjit_get_function_if_ready(context, &function, 0, id)) == QJIT_NOT_READY) {
        wait_a_little();
    }
    cr_assert_eq(status, QJIT_OK, "%s", qjit_error_detail());
    cr_assert_not_null(function);
    qjit_destroy(context);
}

Test(get_function, if_ready_tells_a_failure, .timeout = 60)
{
    qjit_kernel id;
    qjit_function function = NULL;
    qjit_context *context = flow_create(by_a_missing_worker);
    cr_assert_eq(qjit_find_kernel(context, &id, kernel), QJIT_OK);
    qjit_status status;
    while ((status = qjit_get_function_if_ready(context, &function, 0, id)) == QJIT_NOT_READY) {
        wait_a_little();
    }
    cr_assert_eq(status, QJIT_WORKER_NOT_STARTED);
    qjit_destroy(context);
}

Test(get_function, a_context_can_go_while_work_is_queued)
{
    qjit_function function;
    qjit_context *context = flow_create(NULL);
    for (qjit_kernel id = 0; id < qjit_kernel_count(context); id++) {
        (void)qjit_get_function_if_ready(context, &function, 0, id);
    }
    qjit_destroy(context);
}

Test(get_function, two_devices_of_one_arch_compile_once)
{
    qjit_function first, second;
    setenv("FAKE_HIP_DEVICES", "2", 1);
    qjit_context *context = flow_create(NULL);
    uint32_t n = 0;
    cr_assert_eq(qjit_device_count(context, &n), QJIT_OK);
    cr_assert_eq(n, 2);
    cr_assert_eq(qjit_get_function(context, &first, 0, kernel), QJIT_OK, "%s", qjit_error_detail());
    cr_assert_eq(qjit_get_function(context, &second, 1, kernel), QJIT_OK, "%s", qjit_error_detail());
    cr_assert_neq(first, second);
    cr_assert_eq(flow_stat(context).n_compiles, 1);
    qjit_destroy(context);
}
