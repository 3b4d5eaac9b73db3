#include "compile/plan_options.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#include "compile/plan.h"

/* How an allowed option goes on after its name. */
enum tail {
    NOTHING, /* as it is */
    NUMBER,  /* decimal digits */
    WORD,    /* letters, digits, '-', '+', '.', '=', '_' : no comma, no path */
    TOGGLE   /* -fNAME and -fno-NAME */
};

static const struct {
    const char *name;
    enum tail tail;
} allowed[] = {
    /* language and diagnostics */
    {"-std=", WORD},
    {"-W", WORD},
    {"-w", NOTHING},
    {"-pedantic", NOTHING},
    {"-ferror-limit=", NUMBER},
    {"-ftemplate-depth=", NUMBER},
    {"-ftemplate-backtrace-limit=", NUMBER},
    {"-fconstexpr-depth=", NUMBER},
    {"-fconstexpr-steps=", NUMBER},
    {"-fbracket-depth=", NUMBER},
    {"signed-char", TOGGLE},
    {"char8_t", TOGGLE},
    {"strict-aliasing", TOGGLE},
    {"wrapv", TOGGLE},
    {"exceptions", TOGGLE},
    {"rtti", TOGGLE},
    /* optimiser */
    {"-O0", NOTHING},
    {"-O1", NOTHING},
    {"-O2", NOTHING},
    {"-O3", NOTHING},
    {"-Os", NOTHING},
    {"-Oz", NOTHING},
    {"-Ofast", NOTHING},
    {"unroll-loops", TOGGLE},
    {"vectorize", TOGGLE},
    {"slp-vectorize", TOGGLE},
    {"inline", TOGGLE},
    {"inline-functions", TOGGLE},
    {"inline-hint-functions", TOGGLE},
    {"omit-frame-pointer", TOGGLE},
    /* floating point */
    {"fast-math", TOGGLE},
    {"finite-math-only", TOGGLE},
    {"associative-math", TOGGLE},
    {"reciprocal-math", TOGGLE},
    {"signed-zeros", TOGGLE},
    {"trapping-math", TOGGLE},
    {"rounding-math", TOGGLE},
    {"math-errno", TOGGLE},
    {"honor-nans", TOGGLE},
    {"honor-infinities", TOGGLE},
    {"approx-func", TOGGLE},
    {"unsafe-math-optimizations", TOGGLE},
    {"-ffp-contract=", WORD},
    {"-ffp-model=", WORD},
    {"-fdenormal-fp-math=", WORD},
    {"gpu-flush-denormals-to-zero", TOGGLE},
    {"cuda-flush-denormals-to-zero", TOGGLE},
    {"gpu-approx-transcendentals", TOGGLE},
    {"cuda-approx-transcendentals", TOGGLE},
    {"hip-fp32-correctly-rounded-divide-sqrt", TOGGLE},
    /* target: what does not change the arch */
    {"-mwavefrontsize64", NOTHING},
    {"-mno-wavefrontsize64", NOTHING},
    {"-mcumode", NOTHING},
    {"-mno-cumode", NOTHING},
    {"-mtgsplit", NOTHING},
    {"-mno-tgsplit", NOTHING},
    {"-munsafe-fp-atomics", NOTHING},
    {"-mno-unsafe-fp-atomics", NOTHING},
    {"-mcode-object-version=", NUMBER},
    {"--gpu-max-threads-per-block=", NUMBER},
    {"-nogpulib", NOTHING},
};

static const char reproducible[] = "its output differs from run to run";
static const char arch_given[] = "the arch is given with the call, and there is one";
static const char includes[] = "the worker sees no files; give headers with the source";
static const char programs[] = "it reaches past the compiler's own options";
static const char files[] = "it writes files";

/* The refused ones that people will try, by how they begin. */
static const struct {
    const char *start, *reason;
} refused[] = {
    {"-g", "debug information names a temporary directory, so that no two objects are alike"},
    {"--offload-arch", arch_given},
    {"--gpu-architecture", arch_given},
    {"-mcpu", arch_given},
    {"-march", arch_given},
    {"-mxnack", "it is part of the arch: gfx90a:xnack+"},
    {"-mno-xnack", "it is part of the arch: gfx90a:xnack-"},
    {"-msramecc", "it is part of the arch: gfx90a:sramecc+"},
    {"-mno-sramecc", "it is part of the arch: gfx90a:sramecc-"},
    {"-fgpu-rdc", reproducible},
    {"-I", includes},
    {"-include", includes},
    {"-isystem", includes},
    {"-iquote", includes},
    {"--include", includes},
    {"-Xclang", programs},
    {"-mllvm", programs},
    {"-fplugin", "it loads a library into the compiler"},
    {"-fpass-plugin", "it loads a library into the compiler"},
    {"-Wl,", programs},
    {"-Wa,", programs},
    {"-Wp,", programs},
    {"-X", programs},
    {"@", "options from files are not read"},
    {"-o", files},
    {"-save-temps", files},
    {"--save-temps", files},
    {"-M", files},
    {"-fprofile", files},
    {"-ftime-trace", files},
    {"-D", "it must be -DNAME or -DNAME=value, in one piece"},
    {"-U", "it must be -UNAME, in one piece"},
};

static bool starts(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

static bool is_number(const char *text)
{
    size_t n = strspn(text, "0123456789");
    return n > 0 && n < 10 && text[n] == '\0';
}

static bool is_word(const char *text)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-+.=_";
    return *text && text[strspn(text, letters)] == '\0';
}

/* -DNAME, -DNAME=value, -UNAME. The value may be anything that is one line. */
static bool is_macro(const char *option)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789";
    const char *name = option + 2;
    size_t n = strspn(name, letters);
    if (n == 0 || isdigit((unsigned char)*name)) {
        return false;
    }
    const char *value = name + n;
    if (*value != '\0' && (option[1] == 'U' || *value != '=')) {
        return false;
    }
    for (; *value; value++) {
        if (iscntrl((unsigned char)*value)) {
            return false;
        }
    }
    return true;
}

static bool is_toggle(const char *option, const char *name)
{
    return starts(option, "-f") &&
           (strcmp(option + 2, name) == 0 || (starts(option, "-fno-") && strcmp(option + 5, name) == 0));
}

bool qj_plan_option_allowed(const char *option)
{
    if (starts(option, "-D") || starts(option, "-U")) {
        return is_macro(option);
    }
    for (size_t i = 0; i < sizeof allowed / sizeof *allowed; i++) {
        const char *name = allowed[i].name;
        const char *rest = starts(option, name) ? option + strlen(name) : NULL;
        bool fits = false;
        switch (allowed[i].tail) {
        case NOTHING:
            fits = rest && *rest == '\0';
            break;
        case NUMBER:
            fits = rest && is_number(rest);
            break;
        case WORD:
            fits = rest && is_word(rest);
            break;
        case TOGGLE:
            fits = is_toggle(option, name);
            break;
        }
        if (fits) {
            return true;
        }
    }
    return false;
}

const char *qj_plan_option_reason(const char *option)
{
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        if (starts(option, refused[i].start)) {
            return refused[i].reason;
        }
    }
    return "it is not on the list of docs/options.md";
}

bool qj_plan_is_symbol(const char *name)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789";
    bool starts_with_digit = *name >= '0' && *name <= '9';
    return *name && !starts_with_digit && name[strspn(name, letters)] == '\0';
}
