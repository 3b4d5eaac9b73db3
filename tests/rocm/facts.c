/* facts HIPRTC-LIBRARY COMGR-LIBRARY [HIP-LIBRARY]: what this hipRTC does by itself, without qjit between,
 * where versions differ. Prints a line for each fact: what was done, a tab, what came of it. Each is tried in
 * a process of its own, since some end it. Run by scripts/rocm-matrix, which puts the answers side by side
 * into docs/compatibility.md. */
#include <dlfcn.h>
#include <elf.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hip/types.h"

#define QJ_HIP_FUNCTION(need, ret, name, params) static ret(*name##_) params;
#include "hip/functions.def"
#undef QJ_HIP_FUNCTION

static const char *comgr_path;

static void open_libraries(const char *rtc, const char *runtime)
{
    void *comgr = dlopen(comgr_path, RTLD_NOW | RTLD_GLOBAL);
    void *library = comgr ? dlopen(rtc, RTLD_NOW) : NULL;
    void *other = runtime ? dlopen(runtime, RTLD_NOW) : NULL;
    if (!library) {
        (void)fprintf(stderr, "%s\n", dlerror());
        exit(1);
    }
#define QJ_HIP_FUNCTION(need, ret, name, params)                                                             \
    {                                                                                                        \
        void *symbol = dlsym(library, #name);                                                                \
        symbol = symbol || !other ? symbol : dlsym(other, #name);                                            \
        memcpy(&name##_, &symbol, sizeof symbol);                                                            \
    }
#include "hip/functions.def"
#undef QJ_HIP_FUNCTION
}

/* ---- compiling ------------------------------------------------------------------------------- */

struct attempt {
    const char *source, *options[4];
    int n_options;
};
static const char empty_kernel[] = "extern \"C\" __global__ void k() {}";

/* The result of hiprtcCompileProgram; log and object, malloc'ed, "" and NULL where there is none. */
static int compile(char **log, unsigned char **object, const struct attempt *attempt)
{
    hiprtcProgram program;
    size_t n = 0;
    *log = calloc(1, 1);
    *object = NULL;
    int result = hiprtcCreateProgram_(&program, attempt->source, "x.hip", 0, NULL, NULL);
    if (result) {
        return result;
    }
    const char *options[4];
    memcpy(options, attempt->options, sizeof options);
    result = hiprtcCompileProgram_(program, attempt->n_options, options);
    if (hiprtcGetProgramLogSize_(program, &n) == 0 && n > 1) {
        free(*log);
        *log = calloc(1, n + 1);
        (void)hiprtcGetProgramLog_(program, *log);
    }
    if (result == 0 && hiprtcGetCodeSize_(program, &n) == 0 && n > sizeof(Elf64_Ehdr)) {
        *object = malloc(n);
        (void)hiprtcGetCode_(program, (char *)*object);
    }
    return result;
}

static void print_first_line(const char *text)
{
    const char *name = strstr(text, "/input/"); /* after the temporary directory */
    name = name && name < text + strcspn(text, "\n") ? name + strlen("/input/") : text;
    printf("%.*s", (int)strcspn(name, "\n"), name);
}

static void tell_outcome(const struct attempt *attempt)
{
    char *log;
    unsigned char *object;
    int result = compile(&log, &object, attempt);
    printf("code %d%s", result, object ? ", an object" : "");
    if (*log) {
        printf(", log: ");
        print_first_line(log);
    } else if (result) {
        printf(", no log");
    }
}

/* ---- the facts ------------------------------------------------------------------------------- */

static void versions(void)
{
    int major = -1, minor = -1, version = -1, n = 0;
    (void)hiprtcVersion_(&major, &minor);
    printf("%d.%d", major, minor);
    if (hipRuntimeGetVersion_) {
        (void)hipRuntimeGetVersion_(&version);
        printf("; %d", version);
        printf("; hipGetDeviceCount without a GPU: %d", hipGetDeviceCount_(&n));
        printf(", hipInit: %d", hipInit_(0));
    }
}

static void clang(void)
{
    enum { FIRST = 13, LAST = 30 };
    for (int major = FIRST; major <= LAST; major++) {
        char source[160], *log;
        unsigned char *object;
        (void)snprintf(source, sizeof source, "#if __clang_major__ != %d\n#error\n#endif\n%s", major,
                       empty_kernel);
        const struct attempt attempt = {source, {"--offload-arch=gfx1030"}, 1};
        if (compile(&log, &object, &attempt) == 0) {
            printf("%d", major);
            return;
        }
    }
}

static void code_object(void)
{
    static const struct attempt attempt = {empty_kernel, {"--offload-arch=gfx90a:xnack-"}, 1};
    char *log;
    unsigned char *object;
    int result = compile(&log, &object, &attempt);
    if (object) {
        Elf64_Ehdr header;
        memcpy(&header, object, sizeof header);
        printf("version %d, e_flags 0x%x", header.e_ident[EI_ABIVERSION] + 2, header.e_flags);
    } else {
        printf("code %d", result);
    }
}

static void texts(void)
{
    static const int codes[] = {5, 6, 10, 100};
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        const char *text = hiprtcGetErrorString_(codes[i]);
        printf("%s%d %s", i ? ", " : "", codes[i], text ? text : "NULL");
    }
}

static void unknown_arch(void)
{
    tell_outcome(&(struct attempt){empty_kernel, {"--offload-arch=gfx9999"}, 1});
}
static void unsupported_feature(void)
{
    tell_outcome(&(struct attempt){empty_kernel, {"--offload-arch=gfx1030:xnack+"}, 1});
}
static void two_archs(void)
{
    tell_outcome(&(struct attempt){empty_kernel, {"--offload-arch=gfx1030", "--offload-arch=gfx90a"}, 2});
}
static void no_arch(void)
{
    tell_outcome(&(struct attempt){empty_kernel, {NULL}, 0});
}
static void broken_source(void)
{
    tell_outcome(
        &(struct attempt){"extern \"C\" __global__ void k() { x = 1; }", {"--offload-arch=gfx1030"}, 1});
}
static void empty_source(void)
{
    tell_outcome(&(struct attempt){"", {"--offload-arch=gfx1030"}, 1});
}
static void unknown_option(void)
{
    tell_outcome(&(struct attempt){empty_kernel, {"--offload-arch=gfx1030", "--nonsense"}, 2});
}
static void inline_assembly(void)
{
    tell_outcome(&(struct attempt){
        "extern \"C\" __global__ void k() { asm volatile(\"nonsense\"); }", {"--offload-arch=gfx1030"}, 1});
}
static void no_temp(void)
{
    (void)setenv("TMPDIR", "/nowhere", 1);
    tell_outcome(&(struct attempt){empty_kernel, {"--offload-arch=gfx1030"}, 1});
}
static void predeclared(void)
{
    tell_outcome(&(struct attempt){
        "extern \"C\" __global__ void k(uint32_t *x) { *x = 1; }", {"--offload-arch=gfx1030"}, 1});
}
static void stdint_header(void)
{
    tell_outcome(
        &(struct attempt){"#include <stdint.h>\nextern \"C\" __global__ void k(uint32_t *x) { *x = 1; }",
                          {"--offload-arch=gfx1030"},
                          1});
}
static void generic(void)
{
    tell_outcome(&(struct attempt){
        "extern \"C\" __global__ void k(int *x) { *x = threadIdx.x; }", {"--offload-arch=gfx11-generic"}, 1});
}

static void comgr_cache(void)
{
    struct stat info;
    char home[PATH_MAX], path[PATH_MAX];
    const char *temp = getenv("TMPDIR");
    (void)snprintf(home, sizeof home, "%s/facts-XXXXXX", temp ? temp : "/tmp");
    if (!mkdtemp(home)) {
        return;
    }
    (void)setenv("HOME", home, 1);
    (void)unsetenv("XDG_CACHE_HOME");
    (void)unsetenv("AMD_COMGR_CACHE");
    tell_outcome(&(struct attempt){empty_kernel, {"--offload-arch=gfx1030"}, 1});
    (void)snprintf(path, sizeof path, "%.4000s/.cache/comgr", home);
    printf(", %s", stat(path, &info) == 0 ? "and leaves files in ~/.cache/comgr" : "and leaves nothing");
}

static const struct {
    const char *name;
    void (*tell)(void);
} facts[] = {
    {"`hiprtcVersion`; `hipRuntimeGetVersion`", versions},
    {"clang", clang},
    {"code object for `gfx90a:xnack-`", code_object},
    {"`hiprtcGetErrorString`", texts},
    {"arch `gfx9999`", unknown_arch},
    {"arch `gfx1030:xnack+`, which has no such feature", unsupported_feature},
    {"two archs", two_archs},
    {"no arch, no GPU", no_arch},
    {"`threadIdx` for `gfx11-generic`", generic},
    {"a source with an error", broken_source},
    {"an empty source", empty_source},
    {"option `--nonsense`", unknown_option},
    {"assembly that is none", inline_assembly},
    {"`TMPDIR=/nowhere`", no_temp},
    {"`uint32_t` without a header", predeclared},
    {"`#include <stdint.h>`", stdint_header},
    {"comgr's own cache, not turned off", comgr_cache},
};

static void try(size_t i)
{
    (void)fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        (void)freopen("/dev/null", "w", stderr);
        facts[i].tell();
        (void)fflush(stdout);
        _exit(0);
    }
    int status = 0;
    (void)waitpid(pid, &status, 0);
    if (WIFSIGNALED(status)) {
        printf("the process dies (SIG%s)", sigabbrev_np(WTERMSIG(status)));
    } else if (WEXITSTATUS(status)) {
        printf("the process ends (exit %d)", WEXITSTATUS(status));
    }
}

int main(int n, char **arguments)
{
    if (n < 3) {
        (void)fprintf(stderr, "usage: facts HIPRTC-LIBRARY COMGR-LIBRARY [HIP-LIBRARY]\n");
        return 2;
    }
    comgr_path = arguments[2];
    if (!getenv("AMD_COMGR_CACHE")) {
        (void)setenv("AMD_COMGR_CACHE", "0", 1);
    }
    open_libraries(arguments[1], n > 3 ? arguments[3] : NULL);
    for (size_t i = 0; i < sizeof facts / sizeof *facts; i++) {
        printf("%s\t", facts[i].name);
        try(i);
        printf("\n");
    }
    return 0;
}
