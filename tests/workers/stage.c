#include "workers/stage.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"

static const char source[] = "extern \"C\" __global__ void k(float *x) { *x = 1; }";
static const char *const kernels[] = {"k"};

static int count_entries(const char *path)
{
    DIR *directory = opendir(path);
    int n = 0;
    while (directory && readdir(directory)) {
        n++;
    }
    if (directory) {
        (void)closedir(directory);
    }
    return n;
}

static char *program_of(const char *behaviour)
{
    struct qj_buf path = {0};
    qj_buf_printf(&path, "%s/tests/hostile_%s", getenv("QJIT_BUILD"), behaviour);
    return path.bytes;
}

void stage_cast(struct stage *stage, const char *behaviour)
{
    char *program = program_of(behaviour), link[96];
    (void)snprintf(link, sizeof link, "%s.worker", stage->temp);
    (void)unlink(link);
    if (symlink(program, link) != 0) {
        abort();
    }
    free(program);
}

void stage_init(struct stage *out, const char *behaviour, uint32_t n_workers, uint32_t timeout_ms)
{
    *out = (struct stage){.where = {.kind = QJ_HIP_PATH, .rtc = (char *)(uintptr_t) "/nonexistent"},
                          .unit = {.name = "unit",
                                   .module = "app",
                                   .source_name = "unit.hip",
                                   .source = source,
                                   .source_bytes = sizeof source - 1,
                                   .n_kernels = 1},
                          .temp = "/tmp/qjit-stage-XXXXXX",
                          .n_fds = count_entries("/proc/self/fd")};
    if (!mkdtemp(out->temp)) {
        abort();
    }
    char link[96];
    (void)snprintf(link, sizeof link, "%s.worker", out->temp);
    stage_cast(out, behaviour);
    const struct qj_pool_options options = {.worker = link,
                                            .where = &out->where,
                                            .compiler = "test",
                                            .temp_dir = out->temp,
                                            .n_workers = n_workers,
                                            .timeout_ms = timeout_ms,
                                            .max_bytes = (uint64_t)4 << 30};
    if (qj_plan_init(&out->plan, &out->unit, kernels, "elf-test", "test") ||
        qj_pool_create(&out->pool, &options)) {
        abort();
    }
}

const char *stage_finish(struct stage *stage)
{
    qj_pool_destroy(stage->pool);
    qj_plan_finish(&stage->plan);
    char link[96];
    (void)snprintf(link, sizeof link, "%s.worker", stage->temp);
    (void)unlink(link);
    int n_fds = count_entries("/proc/self/fd");
    bool child_left = waitpid(-1, NULL, WNOHANG) >= 0 || errno != ECHILD;
    bool directory_left = rmdir(stage->temp) != 0;
    return child_left              ? "a process"
           : directory_left        ? "a directory"
           : n_fds != stage->n_fds ? "a descriptor"
                                   : NULL;
}
