#include "options.h"

#include <errno.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/sized.h"
#include "base/status.h"

static const uint64_t GIB = 1u << 30;

/* NULL as well if set but empty, and always in setuid programs. */
static const char *variable(const char *name)
{
    const char *value = secure_getenv(name);
    return value && *value ? value : NULL;
}

static qjit_status parse_count(uint32_t *out, const char *name, const char *text)
{
    char *end;
    errno = 0;
    unsigned long value = strtoul(text, &end, 10);
    if (*end || errno || value < 1 || value > 1024 || *text == '-') {
        return qj_fail(QJIT_INVALID_ARGUMENT, "%s is '%s': give a number from 1 to 1024", name, text);
    }
    *out = (uint32_t)value;
    return QJIT_OK;
}

/* "500M", "2GiB", "1073741824". */
static qjit_status parse_size(uint64_t *out, const char *name, const char *text)
{
    static const char units[] = "KMGT";
    char *end;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    unsigned shift = 0;
    const char *unit = *end ? strchr(units, *end & ~0x20) : NULL;
    if (unit) {
        shift = 10 * (unsigned)(unit - units + 1);
        end++;
        end += strncmp(end, "iB", 2) == 0 ? 2 : *end == 'B' ? 1 : 0;
    }
    if (*end || errno || end == text || *text == '-' || value == 0 || value > UINT64_MAX >> shift) {
        return qj_fail(QJIT_INVALID_ARGUMENT, "%s is '%s': give a size such as 500M or 2G", name, text);
    }
    *out = (uint64_t)value << shift;
    return QJIT_OK;
}

static qjit_status parse_flag(uint32_t *flags, uint32_t flag, const char *name, const char *text)
{
    if (strcmp(text, "1") != 0 && strcmp(text, "0") != 0) {
        return qj_fail(QJIT_INVALID_ARGUMENT, "%s is '%s': give 1 or 0", name, text);
    }
    *flags |= *text == '1' ? flag : 0;
    return QJIT_OK;
}

static qjit_status read_numbers(struct qj_options *out, bool env)
{
    const char *text;
    qjit_status status = QJIT_OK;
    if (env && !out->n_jobs && (text = variable("QJIT_JOBS"))) {
        status = parse_count(&out->n_jobs, "QJIT_JOBS", text);
    }
    if (status == QJIT_OK && env && !out->cache_max_bytes && (text = variable("QJIT_CACHE_MAX_SIZE"))) {
        status = parse_size(&out->cache_max_bytes, "QJIT_CACHE_MAX_SIZE", text);
    }
    if (status == QJIT_OK && env && (text = variable("QJIT_FORBID_COMPILE"))) {
        status = parse_flag(&out->flags, QJIT_FORBID_COMPILE, "QJIT_FORBID_COMPILE", text);
    }
    if (status == QJIT_OK && env && (text = variable("QJIT_GENERIC_ARCH"))) {
        status = parse_flag(&out->flags, QJIT_GENERIC_ARCH, "QJIT_GENERIC_ARCH", text);
    }
    if (!out->n_jobs) {
        long online = sysconf(_SC_NPROCESSORS_ONLN);
        out->n_jobs = online > 0 && online <= 1024 ? (uint32_t)online : 1;
    }
    out->cache_max_bytes = out->cache_max_bytes ? out->cache_max_bytes : GIB;
    out->worker_max_bytes = out->worker_max_bytes ? out->worker_max_bytes : 4 * GIB;
    out->compile_timeout_ms = out->compile_timeout_ms ? out->compile_timeout_ms : 120000;
    return status;
}

/* The first given of: the option, the variable. A copy; NULL if neither. */
static char *choose(const char *option, bool env, const char *name)
{
    const char *text = option && *option ? option : env ? variable(name) : NULL;
    return text ? strdup(text) : NULL;
}

static char *default_cache_dir(const char **reason)
{
    const char *base = variable("XDG_CACHE_HOME");
    if (base && *base == '/') {
        return qj_fs_join(base, "qjit");
    }
    struct passwd user, *found;
    char memory[4096];
    const char *home = variable("HOME");
    if (!home) {
        home = getpwuid_r(geteuid(), &user, memory, sizeof memory, &found) == 0 && found ? user.pw_dir : NULL;
    }
    if (!home || *home != '/') {
        *reason = "there is no home directory: set QJIT_CACHE_DIR";
        return NULL;
    }
    return qj_fs_join(home, ".cache/qjit");
}

/* The worker is installed with the library: beside it, in libexec, or in the bin of the build tree. */
static char *default_worker(void)
{
    static const char *const places[] = {"qjit-worker", "../libexec/qjit/qjit-worker",
                                         "../../libexec/qjit/qjit-worker", "../bin/qjit-worker"};
    char *library = qj_fs_path_of_code((const void *)(uintptr_t)default_worker);
    char *found = NULL;
    if (library) {
        *strrchr(library, '/') = '\0';
        for (size_t i = 0; i < sizeof places / sizeof *places && !found; i++) {
            char *path = qj_fs_join(library, places[i]);
            if (path && qj_fs_exists(path)) {
                found = path;
            } else {
                free(path);
            }
        }
    }
    free(library);
    return found;
}

static qjit_status read_trust(struct qj_options *out, const char *given, bool env)
{
    const char *keys = given && *given ? given : env ? variable("QJIT_TRUST") : NULL;
    qjit_status status = keys ? qj_trust_add(&out->trust, keys) : QJIT_OK;
    if (status == QJIT_OK && keys && !out->trust.n_keys) {
        status = qj_fail(QJIT_INVALID_ARGUMENT, "'%s' names no key to trust", keys);
    }
    if (status == QJIT_INVALID_ARGUMENT) {
        qj_fail_add("named by %s", given && *given ? "the option trust" : "QJIT_TRUST");
    }
    return status;
}

static void read_paths(struct qj_options *out, const qjit_options *given, bool env)
{
    out->hip = choose(given->hip, env, "QJIT_HIP");
    out->hip = out->hip ? out->hip : strdup("rocm");
    out->worker = choose(given->worker, env, "QJIT_WORKER");
    out->worker = out->worker ? out->worker : default_worker();
    out->temp_dir = choose(NULL, true, "TMPDIR");
    out->temp_dir = out->temp_dir ? out->temp_dir : strdup("/tmp");
    out->rocm_path = choose(NULL, true, "ROCM_PATH");
    out->library_path = choose(NULL, true, "LD_LIBRARY_PATH");
    out->shipped = choose(given->shipped, env, "QJIT_SHIPPED");
    out->no_cache_dir = "";
    if (out->flags & QJIT_NO_STORE) {
        out->no_cache_dir = "the context was asked to keep no store";
        return;
    }
    out->cache_dir = choose(given->cache_dir, env, "QJIT_CACHE_DIR");
    if (!out->cache_dir) {
        out->cache_dir = default_cache_dir(&out->no_cache_dir);
    }
}

qjit_status qj_options_init(struct qj_options *out, const qjit_options *options)
{
    qjit_options given = {.struct_size = sizeof given};
    if (options) {
        qjit_status status = qj_sized_read(&given, sizeof given, options, "qjit_options");
        if (status != QJIT_OK) {
            return status;
        }
    }
    if (given.n_jobs > 1024) {
        return qj_fail(QJIT_INVALID_ARGUMENT, "n_jobs is %u: give a number from 1 to 1024", given.n_jobs);
    }
    bool env = !(given.flags & QJIT_IGNORE_ENV);
    *out = (struct qj_options){
        .flags = given.flags,
        .n_jobs = given.n_jobs,
        .compile_timeout_ms = given.compile_timeout_ms,
        .cache_max_bytes = given.cache_max_bytes,
        .worker_max_bytes = given.worker_max_bytes,
        .log = {given.log, given.log_payload, given.log_level ? given.log_level : QJIT_LOG_WARNING},
    };
    qjit_status status = read_numbers(out, env);
    if (status == QJIT_OK) {
        status = read_trust(out, given.trust, env);
    }
    if (status == QJIT_OK) {
        read_paths(out, &given, env);
        if (!out->hip || !out->temp_dir) {
            status = qj_fail(QJIT_NO_MEMORY, "out of memory");
        }
    }
    if (status != QJIT_OK) {
        qj_options_finish(out);
    }
    return status;
}

void qj_options_finish(struct qj_options *options)
{
    free(options->hip);
    free(options->cache_dir);
    free(options->worker);
    free(options->rocm_path);
    free(options->library_path);
    free(options->temp_dir);
    free(options->shipped);
    qj_trust_finish(&options->trust);
    *options = (struct qj_options){0};
}
