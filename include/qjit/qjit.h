/* qjit: HIP kernels compiled for the GPU at hand on first use, kept on disk, handed out as functions.
 *
 * Reading order: status and errors, context, devices, registry, get a function, warm, own sources, own
 * code objects, compile, cache. Beside this one: bundle.h, code objects carried along; gguf.h, model files;
 * blocks.h, blocks of quantised numbers on the host; ops.h, from weights to results; model.h, what a model
 * asks of a device.
 *
 * Conventions that hold for every call here
 *   - Outputs come first and are called `out`. Unless a call says otherwise, *out is untouched on failure.
 *   - Calls return a qjit_status. QJIT_OK is 0, every failure is negative. The library never prints,
 *     exits or aborts.
 *   - Option structs begin with `struct_size` and only grow at the end. Start from the _INIT macro;
 *     a member left zero means the default.
 *   - Strings returned by const pointer belong to the library and live as long as the context, unless
 *     the call says otherwise. Strings passed in are copied.
 *   - A context may be used from any number of threads at once. Create and destroy it from one.
 *   - Nothing here may be called from a signal handler. After fork() the child must not use the
 *     parent's contexts.
 */
#ifndef QJIT_QJIT_H
#define QJIT_QJIT_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define QJIT_API __attribute__((visibility("default")))

#define QJIT_VERSION_MAJOR  0
#define QJIT_VERSION_MINOR  1
#define QJIT_VERSION_PATCH  0
#define QJIT_VERSION_STRING "0.1.0"

/* The version of the library that is loaded, as major * 10000 + minor * 100 + patch. */
QJIT_API unsigned qjit_version(void);

/* ---- status and errors ---------------------------------------------------------------------- */

/* One list: name, value, short text. The values are stable. */
#define QJIT_STATUS_MAP(X)                                                                                   \
    X(OK, 0, "success")                                                                                      \
    X(INVALID_ARGUMENT, -1, "invalid argument")                                                              \
    X(NO_MEMORY, -2, "out of memory")                                                                        \
    X(NOT_FOUND, -3, "not found")                                                                            \
    X(NOT_READY, -4, "not ready yet")                                                                        \
    X(EXISTS, -5, "name already taken")                                                                      \
    X(IO, -6, "input or output failed")                                                                      \
    X(CACHE_UNUSABLE, -7, "store cannot be used")                                                            \
    X(BAD_FILE, -8, "file is damaged or not of the kind asked for")                                          \
    X(HIP_NOT_FOUND, -10, "no HIP library found")                                                            \
    X(HIP_UNUSABLE, -11, "HIP library cannot be used")                                                       \
    X(HIP_FAILED, -12, "HIP call failed")                                                                    \
    X(NO_DEVICE, -13, "no such device")                                                                      \
    X(LOAD_FAILED, -14, "code object cannot be loaded")                                                      \
    X(COMPILER_NOT_FOUND, -20, "no run-time compiler found")                                                 \
    X(ARCH_UNKNOWN, -21, "compiler does not know this arch")                                                 \
    X(COMPILE_FAILED, -22, "source does not compile")                                                        \
    X(COMPILE_CRASHED, -23, "compiler crashed")                                                              \
    X(COMPILE_EXITED, -24, "compiler exited without an answer")                                              \
    X(COMPILE_TIMEOUT, -25, "compiler ran out of time")                                                      \
    X(COMPILE_NO_MEMORY, -26, "compiler ran out of memory")                                                  \
    X(COMPILE_FORBIDDEN, -27, "compiling is forbidden")                                                      \
    X(WORKER_BAD_REPLY, -28, "worker gave a bad reply")                                                      \
    X(WORKER_NOT_STARTED, -29, "worker cannot be started")                                                   \
    X(OBJECT_REFUSED, -30, "code object is not what was asked for")

typedef enum qjit_status {
#define QJIT_STATUS_ENUM(name, value, text) QJIT_##name = value,
    QJIT_STATUS_MAP(QJIT_STATUS_ENUM)
#undef QJIT_STATUS_ENUM
} qjit_status;

/* "QJIT_COMPILE_FAILED"; "unknown status" for a value that is none. Never NULL. */
QJIT_API const char *qjit_status_name(qjit_status status);

/* "source does not compile"; never NULL. */
QJIT_API const char *qjit_status_text(qjit_status status);

/* One line saying what the last failed call of this thread ran into and, where there is something to do,
 * what to do. Empty if none failed. Read it right after the failure: a later call may replace it.
 * Valid until this thread's next qjit call. */
QJIT_API const char *qjit_error_detail(void);

/* The whole compile log that belongs to qjit_error_detail(), with the paths of temporary directories
 * taken out; empty if there is none. Same life as qjit_error_detail(). */
QJIT_API const char *qjit_error_log(void);

/* ---- context -------------------------------------------------------------------------------- */

typedef struct qjit_context qjit_context;

enum qjit_log_level { QJIT_LOG_ERROR = 1, QJIT_LOG_WARNING = 2, QJIT_LOG_INFO = 3, QJIT_LOG_DEBUG = 4 };

/* Receives one line without a line end. Called from any thread that uses the context. */
typedef void (*qjit_log_fn)(void *payload, enum qjit_log_level level, const char *line);

enum qjit_flags {
    QJIT_FORBID_COMPILE = 1u << 0, /* a miss fails with QJIT_COMPILE_FORBIDDEN */
    QJIT_NO_STORE = 1u << 1,       /* no file: code objects live in memory until qjit_destroy */
    QJIT_IGNORE_ENV = 1u << 2,     /* read no QJIT_* environment variable (always so in setuid programs) */
    /* Compile for the generic target of its family (gfx11-generic) where the compiler does not know an arch,
     * but knows that; the code uses what the whole family has, and is keyed and stored as the generic
     * target's. Else, and without this flag, QJIT_ARCH_UNKNOWN. */
    QJIT_GENERIC_ARCH = 1u << 3
};

typedef struct qjit_options {
    size_t struct_size;
    uint32_t flags;           /* enum qjit_flags */
    uint32_t n_jobs;          /* worker processes at most; 0: $QJIT_JOBS, else the processors online */
    const char *hip;          /* "rocm", "cpu", "cuda" or a path to a library; NULL: $QJIT_HIP, else "rocm" */
    const char *cache_dir;    /* NULL: $QJIT_CACHE_DIR, else $XDG_CACHE_HOME/qjit, else ~/.cache/qjit */
    const char *worker;       /* path of qjit-worker; NULL: $QJIT_WORKER, else beside the library */
    uint64_t cache_max_bytes; /* size limit of the store; 0: $QJIT_CACHE_MAX_SIZE, else 1 GiB */
    uint64_t worker_max_bytes;   /* address space of one worker; 0: 4 GiB */
    uint32_t compile_timeout_ms; /* deadline of one unit; 0: 120,000 */
    uint32_t reserved;
    qjit_log_fn log; /* NULL: nothing is logged, unless $QJIT_LOG asks the command to */
    void *log_payload;
    enum qjit_log_level log_level; /* 0: QJIT_LOG_WARNING */
    /* Stores that came with an application or an image, looked in after the store and never written: paths of
     * files, or of directories that hold *.qjit and store.sqlite, with ':' between them. Each is left out,
     * with a warning, where it is missing, damaged or writable by others. NULL: $QJIT_SHIPPED, else none. */
    const char *shipped;
    /* Public keys, or paths of files of them, with ':' between: a row of a shipped store is then used only if
     * one of them has signed it. NULL: $QJIT_TRUST, else none has to be signed. */
    const char *trust;
} qjit_options;

#define QJIT_OPTIONS_INIT                                                                                    \
    {                                                                                                        \
        sizeof(qjit_options), 0, 0, NULL, NULL, NULL, 0, 0, 0, 0, NULL, NULL, (enum qjit_log_level)0, NULL,  \
            NULL                                                                                             \
    }

/* Creates a context. Loads no HIP library and starts no process: those wait until something needs them.
 * A store that cannot be opened is no error: the context works in memory and logs a warning
 * (qjit_cache_stat says so).
 * options may be NULL. Fails with QJIT_INVALID_ARGUMENT (an option or variable that makes no sense),
 * QJIT_NO_MEMORY. */
QJIT_API qjit_status qjit_create(qjit_context **out, const qjit_options *options);

/* Unloads every module, ends the workers, writes the counters. Functions handed out become invalid; no call
 * on this context may be under way. NULL is fine. */
QJIT_API void qjit_destroy(qjit_context *context);

/* ---- devices -------------------------------------------------------------------------------- */

typedef struct qjit_device {
    size_t struct_size;
    char name[256];         /* what the driver calls it */
    char arch[128];         /* with features: gfx90a:sramecc+:xnack- */
    uint32_t wavefront;     /* threads in a wavefront: 32 or 64 */
    uint32_t n_cus;         /* compute units */
    uint32_t lds_bytes;     /* LDS per workgroup */
    uint32_t max_workgroup; /* threads in a workgroup at most */
    uint64_t memory_bytes;
} qjit_device;

/* The number of devices, 0 where there is none. Loads the HIP library.
 * Fails with QJIT_HIP_NOT_FOUND, QJIT_HIP_UNUSABLE. */
QJIT_API qjit_status qjit_device_count(qjit_context *context, uint32_t *out);

/* Facts of device `device` (HIP's ordinal). out->struct_size must be set.
 * Fails with QJIT_NO_DEVICE and as qjit_device_count. */
QJIT_API qjit_status qjit_device_info(qjit_context *context, qjit_device *out, uint32_t device);

/* The archs that the run-time compiler of this machine knows, as it reports them. `each` gets one at a
 * time and stops the listing by returning non-zero. Needs no GPU.
 * Fails with QJIT_COMPILER_NOT_FOUND and the worker's failures. */
QJIT_API qjit_status qjit_each_arch(qjit_context *context, int (*each)(void *payload, const char *arch),
                                    void *payload);

/* ---- registry ------------------------------------------------------------------------------- */

/* Names a kernel within one context: dense from 0, fixed once given, not to be stored across processes. */
typedef uint32_t qjit_kernel;

typedef struct qjit_kernel_info {
    const char *name;
    const char *module;  /* candle's module: "quantized" ...; "app" for application sources */
    const char *unit;    /* what is compiled and cached together */
    const char *aliases; /* other accepted spellings, separated by one space; "" if none */
} qjit_kernel_info;

/* How many kernels there are, the application's own included. */
QJIT_API uint32_t qjit_kernel_count(const qjit_context *context);

/* The kernel called `name` (an alias will do). Fails with QJIT_NOT_FOUND. Takes no lock. */
QJIT_API qjit_status qjit_find_kernel(const qjit_context *context, qjit_kernel *out, const char *name);

/* Fails with QJIT_NOT_FOUND. */
QJIT_API qjit_status qjit_get_kernel_info(const qjit_context *context, qjit_kernel_info *out,
                                          qjit_kernel kernel);

/* ---- get a function ------------------------------------------------------------------------- */

/* A hipFunction_t. */
typedef void *qjit_function;

/* The loaded function of `kernel` on `device`, compiled first if it must be. A hit in the process is one
 * acquire load: no lock, no system call. The current HIP device of the calling thread is left as it was.
 * The function is valid until qjit_destroy.
 * A unit that failed for good (compile error, crash, time or memory) fails again at once, with the same
 * status and text, without another try.
 * Fails with every status from QJIT_HIP_NOT_FOUND to QJIT_OBJECT_REFUSED, QJIT_NOT_FOUND, QJIT_NO_MEMORY. */
QJIT_API qjit_status qjit_get_function(qjit_context *context, qjit_function *out, uint32_t device,
                                       const char *name);
QJIT_API qjit_status qjit_get_function_by_id(qjit_context *context, qjit_function *out, uint32_t device,
                                             qjit_kernel kernel);

/* As qjit_get_function_by_id, but never waits: QJIT_NOT_READY means that the work has been handed to a
 * background thread and that asking again later will do. Lets an application start on a fallback. */
QJIT_API qjit_status qjit_get_function_if_ready(qjit_context *context, qjit_function *out, uint32_t device,
                                                qjit_kernel kernel);

/* The address of a HIP function ("hipMalloc") in the HIP library that this context uses, for programs that
 * link none: one binary then runs on whatever `hip` chooses. Only functions that qjit itself uses are offered
 * (docs/hip.md lists them); cast to the prototype of HIP's documentation.
 * Fails with QJIT_NOT_FOUND (not among them, or not in that library), QJIT_HIP_NOT_FOUND, QJIT_HIP_UNUSABLE.
 */
QJIT_API qjit_status qjit_get_hip_symbol(qjit_context *context, void (**out)(void), const char *name);

/* ---- warm: compile ahead -------------------------------------------------------------------- */

enum qjit_warm_outcome { QJIT_WARM_COMPILED = 1, QJIT_WARM_CACHED = 2, QJIT_WARM_FAILED = 3 };

typedef struct qjit_warm_event {
    const char *unit;
    const char *arch;
    enum qjit_warm_outcome outcome;
    qjit_status status; /* of this unit */
    const char *detail; /* one line; "" unless it failed */
    const char *log;    /* compile log; "" if none */
    uint32_t compile_us;
    uint32_t n_done; /* this one included */
    uint32_t n_total;
} qjit_warm_event;

/* One call at a time, from whichever thread finished the unit. Non-zero stops the warm-up after the units
 * under way. */
typedef int (*qjit_warm_fn)(void *payload, const qjit_warm_event *event);

typedef struct qjit_warm_options {
    size_t struct_size;
    const char *const *archs; /* with or without features; n_archs 0: those of the devices present */
    size_t n_archs;
    const char *const *modules; /* only these modules; n_modules 0: all */
    size_t n_modules;
    const char *const *kernels; /* only the units of these kernels (names or aliases); n_kernels 0: all */
    size_t n_kernels;
    qjit_warm_fn progress; /* may be NULL */
    void *payload;
} qjit_warm_options;

typedef struct qjit_warm_result {
    size_t struct_size;
    uint32_t n_archs, n_units; /* n_units: unit and arch pairs asked for */
    uint32_t n_compiled, n_cached, n_failed;
    double seconds;
} qjit_warm_result;

/* Sees to it that the chosen units are in the store, by up to n_jobs workers at once. Loads no module and
 * needs no GPU when archs are given. A unit that fails does not stop the others: the call then returns the
 * first failure's status, out is filled in all the same. out may be NULL.
 * Fails with QJIT_NOT_FOUND (no such module or kernel), QJIT_ARCH_UNKNOWN (other archs are still done),
 * QJIT_NO_DEVICE (no arch given and no GPU here) and the compile failures. */
QJIT_API qjit_status qjit_warm(qjit_context *context, qjit_warm_result *out,
                               const qjit_warm_options *options);

/* ---- own sources ---------------------------------------------------------------------------- */

typedef struct qjit_header {
    const char *name; /* as in #include "name": letters, digits, '.', '_', '-', and '/' between parts */
    const char *text;
} qjit_header;

enum qjit_source_flags {
    QJIT_SOURCE_SMALL_RUNTIME = 1u << 0 /* qjit's small run-time header instead of hipRTC's own: compiles
                                           several times faster, offers what docs/dialect.md lists */
};

/* A translation unit of the application's. Everything is copied. */
typedef struct qjit_source {
    size_t struct_size;
    const char *name; /* of the unit; letters, digits, '.', '_', '-' */
    const char *text; /* HIP C++ */
    const qjit_header *headers;
    size_t n_headers;
    const char *const *defines; /* "NAME" or "NAME=value" */
    size_t n_defines;
    const char *const *options; /* from the allow-list of docs/options.md, "-O3" and the like */
    size_t n_options;
    const char *const *kernels; /* extern "C" names, or name expressions such as "scale<float>" */
    size_t n_kernels;
    uint32_t flags; /* enum qjit_source_flags */
    uint32_t reserved;
} qjit_source;

/* Adds the source's kernels to the registry of this context; their first id goes to *out (may be NULL) and
 * the others follow in the order given. They are compiled, cached and loaded like qjit's own. Fails with
 * QJIT_EXISTS (a kernel or unit of that name is there), QJIT_INVALID_ARGUMENT. */
QJIT_API qjit_status qjit_add_source(qjit_context *context, qjit_kernel *out, const qjit_source *source);

/* ---- own code objects ------------------------------------------------------------------------ */

/* A code object of the application's, for one unit and one arch. */
typedef struct qjit_prebuilt {
    size_t struct_size;
    const char *unit;  /* a unit that there is, built in or added, or a new one: then as a source's name */
    const void *bytes; /* borrowed: stays where it is until qjit_destroy, as a constant of the program does */
    size_t n_bytes;
    const char *arch; /* NULL: what the code object says; archs that are not gfx*: must be given */
    /* A unit that there is: its kernels' names in the code object, in order, where they are not called the
     * same (name expressions); NULL: they are. A new unit: the kernels it offers; NULL: all of the code
     * object. */
    const char *const *symbols;
    size_t n_symbols;
} qjit_prebuilt;

/* Adds a code object, to be loaded on every device that it fits: the same processor, and every feature that
 * its arch names set as the device has it (gfx90a serves gfx90a:sramecc+:xnack-, gfx90a:xnack+ does not);
 * code for a generic target serves its family. Of several that fit, the one that names most is taken. Where
 * one fits, neither store nor compiler is asked, for it was added for that: whether it was made of the source
 * that this library has is the application's affair. If the driver will not load it, a warning is logged and
 * the next one that fits, the store or the compiler serves. A unit that had none loads as before; a new unit
 * has no source, so that a device which no object fits is QJIT_NOT_FOUND. Add objects before their kernels
 * are first asked for: a unit that is loaded stays as it is. qjit_warm, qjit_get_object and qjit_explain do
 * not see them.
 *
 * The unit's first kernel goes to *out (may be NULL), the others follow. Checked at once: the ELF, its arch,
 * that it holds the kernels. Fails with QJIT_OBJECT_REFUSED, QJIT_EXISTS (the unit has one for that arch; or
 * a new unit's kernel is another unit's), QJIT_INVALID_ARGUMENT, QJIT_NO_MEMORY. */
QJIT_API qjit_status qjit_add_object(qjit_context *context, qjit_kernel *out, const qjit_prebuilt *prebuilt);

/* ---- compile to bytes ------------------------------------------------------------------------ */

/* Register and memory use of one kernel, from the code object's own metadata. */
typedef struct qjit_kernel_usage {
    const char *name; /* as in the code object */
    uint32_t vgprs, sgprs, agprs;
    uint32_t lds_bytes;     /* static LDS per workgroup */
    uint32_t scratch_bytes; /* private segment per work-item: 0 when nothing spills */
    uint32_t wavefront_size;
    uint32_t max_workgroup;
    uint32_t kernarg_bytes;
    uint32_t n_args; /* explicit ones */
} qjit_kernel_usage;

/* A code object for one arch. */
typedef struct qjit_object {
    const void *bytes; /* ELF */
    size_t n_bytes;
    const char *log;                  /* the compiler's warnings; "" if none */
    const qjit_kernel_usage *kernels; /* n_kernels 0 for archs that are not gfx*: their objects do not tell */
    size_t n_kernels;
    uint32_t compile_us; /* what compiling took when it was compiled */
    uint32_t from_store; /* 1 if nothing had to be compiled */
    char key[65];        /* hexadecimal */
} qjit_object;

/* The code object that holds `kernel` for `arch`, from the store or compiled now. Needs no GPU. Free with
 * qjit_object_destroy. Fails as qjit_get_function, without the HIP and load failures. */
QJIT_API qjit_status qjit_get_object(qjit_context *context, qjit_object **out, qjit_kernel kernel,
                                     const char *arch);

/* Compiles a source that is in no registry; the store serves and keeps it too. If source->n_kernels is 0
 * every kernel that the code object turns out to hold is wanted. */
QJIT_API qjit_status qjit_compile(qjit_context *context, qjit_object **out, const qjit_source *source,
                                  const char *arch);

QJIT_API void qjit_object_destroy(qjit_object *object);

/* ---- cache ----------------------------------------------------------------------------------- */

typedef struct qjit_cache_stat {
    size_t struct_size;
    const char *path;          /* of the store; "" if in memory only */
    const char *memory_reason; /* why it is in memory only; "" if it is not */
    uint64_t n_entries;
    uint64_t object_bytes; /* of all code objects, as loaded */
    uint64_t stored_bytes; /* of the same, as stored */
    uint64_t file_bytes;
    /* since the store was made, this context's included */
    uint64_t n_hits, n_misses, n_refused, n_compiles, n_failed;
    uint64_t compile_us;
    /* hits by where the code object was: in the store's file, in a store in memory, in a shipped store;
     * together n_hits. And loads of what qjit_add_object was given, which no store is asked for. */
    uint64_t n_store_hits, n_memory_hits, n_shipped_hits, n_added_hits;
    /* misses by why: nothing there for this unit and arch; only what another compiler made; what this
     * compiler made of another source or with other options; a row that was damaged or no code object for its
     * arch. Of a large store only the first 4,096 rows are looked at, and what is not among them counts as
     * not there. */
    uint64_t n_absent, n_other_compiler, n_other_source, n_damaged;
    uint64_t n_evicted;        /* rows that made room for others */
    uint64_t n_waits, wait_us; /* for others that were compiling */
    uint64_t saved_us;         /* what compiling the objects of all hits had taken */
} qjit_cache_stat;

/* Hits in the process (qjit_get_function of what is loaded) are counted nowhere: they cost one load. A store
 * that cannot be written forgets its counters with the context. */
QJIT_API qjit_status qjit_get_cache_stat(qjit_context *context, qjit_cache_stat *out);

/* The same, with what this context alone has counted. */
QJIT_API qjit_status qjit_get_context_stat(qjit_context *context, qjit_cache_stat *out);

/* A row of the store. Pointers are valid during the callback only. */
typedef struct qjit_cache_row {
    const char *key; /* 64 hexadecimal digits */
    const char *unit, *module, *arch;
    const char *compiler; /* compiler identity: role=build-id, separated by one space */
    const char *options;  /* separated by one space */
    const char *kernels;  /* separated by one space */
    uint64_t object_bytes, stored_bytes;
    uint32_t compile_us;
    int stale; /* 1: made by another compiler than this machine's; 0 also when that is not known */
    int64_t created, used; /* seconds since 1970; used is kept by the day */
} qjit_cache_row;

QJIT_API qjit_status qjit_each_cache_row(qjit_context *context,
                                         int (*each)(void *payload, const qjit_cache_row *row),
                                         void *payload);

/* Which rows; members combine with "and". All zero: every row. */
typedef struct qjit_cache_filter {
    size_t struct_size;
    const char *arch; /* with features: just those; without: every feature combination */
    const char *unit;
    const char *module;
    int64_t older_than_s; /* not used for this many seconds */
    int stale;            /* made by another compiler than this machine's */
} qjit_cache_filter;

/* Removes rows and gives their space back; their number goes to *out (may be NULL). filter may be NULL.
 * Modules already loaded stay. Fails with QJIT_COMPILER_NOT_FOUND if `stale` is asked for and there is no
 * compiler to compare with, QJIT_CACHE_UNUSABLE. */
QJIT_API qjit_status qjit_clear_cache(qjit_context *context, uint64_t *out, const qjit_cache_filter *filter);

/* Removes rows, least recently used first, until the store takes at most max_bytes (0: what the options say),
 * and gives the space back; their number goes to *out (may be NULL). Fails with QJIT_CACHE_UNUSABLE. */
QJIT_API qjit_status qjit_shrink_cache(qjit_context *context, uint64_t *out, uint64_t max_bytes);

/* A row that verifying has removed. Pointers are valid during the callback only. */
typedef struct qjit_cache_fault {
    const char *unit, *arch, *kernels; /* "" where the damage leaves them unknown */
    const char *reason;
} qjit_cache_fault;

/* Reads every row of the store, checks its checksum and its code object against its arch, and removes what is
 * wrong, which `each` is then told. How many rows there were goes to *out. Modules already loaded stay. Fails
 * with QJIT_CACHE_UNUSABLE and QJIT_NO_MEMORY. */
QJIT_API qjit_status qjit_verify_cache(qjit_context *context, uint64_t *out,
                                       void (*each)(void *payload, const qjit_cache_fault *fault),
                                       void *payload);

/* What the key of `kernel` for `arch` is made of, one ingredient at a time, in the order in which they enter
 * it. `stored` is the same ingredient of the nearest row in the store (same unit; most ingredients alike), or
 * NULL if there is none: where it differs is why there is no hit. A last line called "key" holds the digest,
 * and "stored" of it the row's. */
typedef struct qjit_ingredient {
    const char *name; /* "arch" "source" "headers" "options" "kernels" "compiler" "format" "key" */
    const char *value;
    const char *stored;
    int differs;
} qjit_ingredient;

QJIT_API qjit_status qjit_explain(qjit_context *context, qjit_kernel kernel, const char *arch,
                                  int (*each)(void *payload, const qjit_ingredient *ingredient),
                                  void *payload);

/* ---- doctor ---------------------------------------------------------------------------------- */

enum qjit_health { QJIT_HEALTH_OK = 0, QJIT_HEALTH_NOTE = 1, QJIT_HEALTH_BAD = 2 };

typedef struct qjit_finding {
    const char *subject; /* "hip" "compiler" "devices" "worker" "store" ... */
    enum qjit_health health;
    const char *found;
    const char *advice; /* what to do; "" if nothing */
} qjit_finding;

/* Looks at everything qjit depends on. Always QJIT_OK unless out of memory: what is wrong is a finding. */
QJIT_API qjit_status qjit_examine(qjit_context *context,
                                  int (*each)(void *payload, const qjit_finding *finding), void *payload);

#ifdef __cplusplus
}
#endif

#endif
