#include <fcntl.h>
#include <glob.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hip_cuda/nvrtc.h"

static pthread_once_t once = PTHREAD_ONCE_INIT;
static struct qj_nvrtc_files files;
static bool is_found;
static char reason[4352] =
    "no NVRTC found: looked for libnvrtc.so.13 and libnvrtc.so.12 in LD_LIBRARY_PATH, the "
    "loader's places, /usr/local/cuda*/lib64 and beside Python's packages; install "
    "nvidia-cuda-nvrtc or set QJIT_HIP_CUDA_NVRTC to its path";

/* The last match of a pattern: later names are newer versions. */
static bool match(char out[static 4096], const char *pattern)
{
    glob_t found = {0};
    bool any = glob(pattern, 0, NULL, &found) == 0 && found.gl_pathc > 0 &&
               realpath(found.gl_pathv[found.gl_pathc - 1], out) != NULL;
    globfree(&found);
    return any;
}

/* A file of this name, or one that matches it, below a directory that may be none. */
static bool look(const char *directory, const char *below, const char *name)
{
    char pattern[4096];
    return directory != NULL && directory[0] == '/' &&
           snprintf(pattern, sizeof pattern, "%s%s%s", directory, below, name) < (int)sizeof pattern &&
           match(files.nvrtc, pattern);
}

static bool look_in_list(const char *list, const char *name)
{
    char directory[4096];
    bool found = false;
    for (const char *at = list; at != NULL && !found;) {
        size_t n = strcspn(at, ":");
        snprintf(directory, sizeof directory, "%.*s", (int)(n < 4000 ? n : 4000), at);
        found = look(directory, "/", name);
        at = at[n] == ':' ? at + n + 1 : NULL;
    }
    return found;
}

/* ld.so.cache holds the libraries' paths as strings, each with a NUL before and behind. */
static bool look_in_cache(const char *name)
{
    char wanted[64];
    bool found = false;
    struct stat info;
    int fd = open("/etc/ld.so.cache", O_RDONLY | O_CLOEXEC);
    size_t n = fd >= 0 && fstat(fd, &info) == 0 && info.st_size > 0 ? (size_t)info.st_size : 0;
    char *text = n > 0 ? mmap(NULL, n, PROT_READ, MAP_PRIVATE, fd, 0) : MAP_FAILED;
    size_t n_wanted = (size_t)snprintf(wanted, sizeof wanted, "/%s", name) + 1;
    const char *at = text != MAP_FAILED ? memmem(text, n, wanted, n_wanted) : NULL;
    if (at != NULL) {
        const char *start = at;
        while (start > text && start[-1] != '\0' && at - start < 3900) {
            start--;
        }
        found = start[0] == '/' && realpath(start, files.nvrtc) != NULL;
    }
    if (text != MAP_FAILED) {
        munmap(text, n);
    }
    if (fd >= 0) {
        close(fd);
    }
    return found;
}

static bool look_in_packages(const char *name)
{
    static const char below[] = "/lib/python3*/*-packages/nvidia/*/lib/";
    return look(secure_getenv("VIRTUAL_ENV"), below, name) ||
           look(secure_getenv("CONDA_PREFIX"), below, name) ||
           look(secure_getenv("HOME"), "/.local/lib/python3*/site-packages/nvidia/*/lib/", name) ||
           look("/usr/local", below, name) || look("/usr", below, name);
}

static bool look_everywhere(const char *name)
{
    return look_in_list(secure_getenv("LD_LIBRARY_PATH"), name) || look_in_cache(name) ||
           look_in_list("/lib/x86_64-linux-gnu:/usr/lib/x86_64-linux-gnu:/lib64:/usr/lib64:/lib:/usr/lib",
                        name) ||
           look("/usr/local", "/cuda*/lib64/", name) || look_in_packages(name);
}

static void find_builtins(void)
{
    char pattern[4352];
    const char *slash = strrchr(files.nvrtc, '/'), *major = strrchr(files.nvrtc, '.');
    snprintf(pattern, sizeof pattern, "%.*s/libnvrtc-builtins.so%s.*", (int)(slash - files.nvrtc),
             files.nvrtc, major);
    if (!match(files.builtins, pattern)) {
        snprintf(pattern, sizeof pattern, "%.*s/libnvrtc-builtins.so.*", (int)(slash - files.nvrtc),
                 files.nvrtc);
        if (!match(files.builtins, pattern)) {
            files.builtins[0] = '\0';
        }
    }
}

static void find_once(void)
{
    const char *named = secure_getenv("QJIT_HIP_CUDA_NVRTC");
    if (named != NULL && named[0] != '\0') {
        is_found = realpath(named, files.nvrtc) != NULL;
        if (!is_found) {
            snprintf(reason, sizeof reason, "QJIT_HIP_CUDA_NVRTC names '%.4000s', which is not there", named);
        }
    } else {
        is_found = look_everywhere("libnvrtc.so.13") || look_everywhere("libnvrtc.so.12");
    }
    if (is_found) {
        find_builtins();
    }
}

const struct qj_nvrtc_files *qj_nvrtc_find(const char **why)
{
    pthread_once(&once, find_once);
    *why = is_found ? "" : reason;
    return is_found ? &files : NULL;
}
