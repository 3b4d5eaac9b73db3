#include "hip_cuda/options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What becomes of an option. cuda: what stands for it, NULL: nothing does and nothing is lost by that. */
struct rule {
    const char *hip, *cuda;
};

static const struct rule exact[] = {
    {"-O0", "--ptxas-options=-O0"},
    {"-O1", "--ptxas-options=-O1"},
    {"-O2", "--ptxas-options=-O2"},
    {"-O3", NULL}, /* the default */
    {"-O", NULL},
    {"-Os", "--ptxas-options=-O2"},
    {"-Oz", "--ptxas-options=-O2"},
    {"-Ofast", "--use_fast_math"},
    {"-ffast-math", "--use_fast_math"},
    {"-fno-fast-math", NULL},
    {"-ffp-contract=off", "--fmad=false"},
    {"-ffp-contract=on", "--fmad=true"},
    {"-ffp-contract=fast", "--fmad=true"},
    {"-ffp-contract=fast-honor-pragmas", "--fmad=true"},
    {"-fgpu-flush-denormals-to-zero", "--ftz=true"},
    {"-fcuda-flush-denormals-to-zero", "--ftz=true"},
    {"-fno-gpu-flush-denormals-to-zero", "--ftz=false"},
    {"-fno-cuda-flush-denormals-to-zero", "--ftz=false"},
    {"-fhip-fp32-correctly-rounded-divide-sqrt", NULL},
    {"-fno-hip-fp32-correctly-rounded-divide-sqrt", "--prec-div=false"},
    {"-g", "--generate-line-info"},
    {"-ggdb", "--generate-line-info"},
    {"-gline-tables-only", "--generate-line-info"},
    {"-w", "--disable-warnings"},
    /* of AMD's compiler alone, or about how it prints */
    {"-mcumode", NULL},
    {"-mno-cumode", NULL},
    {"-mtgsplit", NULL},
    {"-mno-tgsplit", NULL},
    {"-mno-wavefrontsize64", NULL},
    {"-munsafe-fp-atomics", NULL},
    {"-mno-unsafe-fp-atomics", NULL},
    {"-nogpulib", NULL},
    {"-nogpuinc", NULL},
    {"-fno-gpu-rdc", NULL},
    {"-fcolor-diagnostics", NULL},
    {"-fno-color-diagnostics", NULL},
    {"-fno-caret-diagnostics", NULL},
    {"-v", NULL},
};

static const struct rule prefixes[] = {
    {"-mcode-object-version=", NULL},
    {"--gpu-max-threads-per-block=", NULL},
    {"-ferror-limit=", NULL},
    {"-ftemplate-depth=", NULL},
    {"-fconstexpr-steps=", NULL},
    {"-fconstexpr-depth=", NULL},
    {"-fgpu-default-stream=", NULL},
    {"--hip-version=", NULL},
    {"--rocm-path=", NULL},
    {"--hip-device-lib-path=", NULL},
    {"--rocm-device-lib-path=", NULL},
    {"-W", NULL},
};

/* Dropped together with the argument that follows. */
static const char *const pairs[] = {"-mllvm", "-Xclang", "-x", "-target"};

static const struct rule refused[] = {
    {"-mwavefrontsize64", "wavefronts of this arch have 32 lanes"},
    {"-fgpu-rdc", "relocatable device code is not supported"},
    {"-include", "files are not read; give headers with the program"},
};

void qj_nvrtc_options_add(struct qj_nvrtc_options *out, const char *first, const char *second)
{
    size_t n = strlen(first) + strlen(second) + 1;
    char *item = out->n < QJ_OPTIONS_MAX ? malloc(n) : NULL;
    if (item == NULL) {
        snprintf(out->error, sizeof out->error, "there are too many options, or too little memory");
        return;
    }
    snprintf(item, n, "%s%s", first, second);
    out->items[out->n++] = item;
}

static bool starts_with(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* "sm_90", or with a letter for features that only this arch has: "sm_90a". */
static bool is_arch(const struct qj_nvrtc *nvrtc, const char *arch)
{
    char *end;
    if (!starts_with(arch, "sm_") || arch[3] < '1' || arch[3] > '9') {
        return false;
    }
    long number = strtol(arch + 3, &end, 10);
    if (end[0] != '\0' && ((end[0] != 'a' && end[0] != 'f') || end[1] != '\0')) {
        return false;
    }
    for (int i = 0; i < nvrtc->n_archs; i++) {
        if (nvrtc->archs[i] == number) {
            return true;
        }
    }
    return false;
}

static void add_arch(struct qj_nvrtc_options *out, const struct qj_nvrtc *nvrtc, const char *arch)
{
    if (is_arch(nvrtc, arch)) {
        qj_nvrtc_options_add(out, "--gpu-architecture=", arch);
        return;
    }
    size_t used =
        (size_t)snprintf(out->error, sizeof out->error, "arch '%.64s' is none of NVRTC %d.%d's:", arch,
                         nvrtc->major, nvrtc->minor);
    for (int i = 0; i < nvrtc->n_archs && used < sizeof out->error; i++) {
        used += (size_t)snprintf(out->error + used, sizeof out->error - used, " sm_%d", nvrtc->archs[i]);
    }
}

static bool add_from_tables(struct qj_nvrtc_options *out, const char *option)
{
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        if (strcmp(option, refused[i].hip) == 0) {
            snprintf(out->error, sizeof out->error, "option '%s' cannot be used: %s", option,
                     refused[i].cuda);
            return true;
        }
    }
    for (size_t i = 0; i < sizeof exact / sizeof *exact; i++) {
        if (strcmp(option, exact[i].hip) == 0) {
            if (exact[i].cuda != NULL) {
                qj_nvrtc_options_add(out, exact[i].cuda, "");
            }
            return true;
        }
    }
    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++) {
        if (starts_with(option, prefixes[i].hip)) {
            return true;
        }
    }
    return false;
}

static bool is_pair(const char *option)
{
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        if (strcmp(option, pairs[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* Translates options[*at], and moves *at on where it takes the next one too. */
static void translate(struct qj_nvrtc_options *out, const struct qj_nvrtc *nvrtc, int n,
                      const char *const *options, int *at)
{
    const char *option = options[*at], *next = *at + 1 < n ? options[*at + 1] : NULL;
    const char *value = strchr(option, '=');
    bool is_macro = option[0] == '-' && option[1] != '\0' && strchr("DUI", option[1]) != NULL;
    if (option[0] == '\0') {
        return;
    }
    if (starts_with(option, "--offload-arch=") || starts_with(option, "--gpu-architecture=") ||
        starts_with(option, "-arch=")) {
        add_arch(out, nvrtc, value + 1);
    } else if (starts_with(option, "-std=") || starts_with(option, "--std=")) {
        qj_nvrtc_options_add(out, "--std=c++",
                             starts_with(value, "=gnu++") ? value + 6
                             : starts_with(value, "=c++") ? value + 4
                                                          : value);
    } else if (is_macro && option[2] != '\0') {
        qj_nvrtc_options_add(out, option, "");
    } else if (is_macro && next != NULL) {
        qj_nvrtc_options_add(out, option, next);
        ++*at;
    } else if (is_pair(option) && next != NULL) {
        ++*at;
    } else if (!add_from_tables(out, option)) {
        snprintf(out->error, sizeof out->error, "option '%.400s' is not known", option);
    }
}

static int count_archs(const struct qj_nvrtc_options *options)
{
    int n = 0;
    for (int i = 0; i < options->n; i++) {
        n += starts_with(options->items[i], "--gpu-architecture=");
    }
    return n;
}

bool qj_nvrtc_options_init(struct qj_nvrtc_options *out, const struct qj_nvrtc *nvrtc, int n,
                           const char *const *options, const char *default_arch)
{
    *out = (struct qj_nvrtc_options){.n = 0};
    for (int i = 0; i < n && out->error[0] == '\0'; i++) {
        if (options[i] != NULL) {
            translate(out, nvrtc, n, options, &i);
        }
    }
    if (out->error[0] == '\0' && count_archs(out) == 0) {
        if (default_arch != NULL) {
            add_arch(out, nvrtc, default_arch);
        } else {
            snprintf(out->error, sizeof out->error,
                     "there is no device, and no --offload-arch names an arch");
        }
    } else if (out->error[0] == '\0' && count_archs(out) > 1) {
        snprintf(out->error, sizeof out->error, "--offload-arch is given more than once");
    }
    return out->error[0] == '\0';
}

void qj_nvrtc_options_finish(struct qj_nvrtc_options *options)
{
    for (int i = 0; i < options->n; i++) {
        free(options->items[i]);
    }
    options->n = 0;
}
