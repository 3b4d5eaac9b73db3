/* What a compiled kernel object and libqjit_hip_cpu.so share. Part of the prelude: it is compiled into every
 * object, so it includes nothing and stays plain. Change it: change QJ_CPU_ABI. */
#ifndef QJ_CPU_ABI_H
#define QJ_CPU_ABI_H

#define QJ_CPU_ABI 1u

/* One thread of a block, as its code sees it. */
struct qj_cpu_dim {
    unsigned int x, y, z;
};
struct qj_cpu_thread {
    struct qj_cpu_dim thread, block, block_dim, grid_dim;
    unsigned int lane; /* in its wavefront */
    unsigned int wave; /* in its block */
};

/* Where the threads of a wavefront meet. SHUFFLE: value is what this lane offers, argument the lane it wants;
 * the rest: value is the vote. */
enum qj_cpu_wave_op { QJ_CPU_SHUFFLE, QJ_CPU_BALLOT, QJ_CPU_SYNC_WAVE };

/* Where the threads of a block meet; the vote of the last three is over the threads that are there. */
enum qj_cpu_barrier_op { QJ_CPU_BARRIER, QJ_CPU_BARRIER_COUNT, QJ_CPU_BARRIER_AND, QJ_CPU_BARRIER_OR };

/* What a checked object says about each access. */
enum qj_cpu_access { QJ_CPU_READ = 0, QJ_CPU_WRITE = 1, QJ_CPU_ATOMIC = 2 };

/* The library's half, called through this table: an object has no undefined symbol of ours. `site` tells one
 * place in the code from another. */
struct qj_cpu_runtime {
    unsigned int abi;
    int (*barrier)(const void *site, int op, int vote);
    unsigned long long (*wave)(const void *site, int op, unsigned long long value, unsigned int argument);
    void (*access)(const void *address, unsigned long n, int kind);
    void (*fail)(int error, const char *what, const char *file, unsigned int line);
    int (*print)(const char *format, __builtin_va_list arguments);
};

/* Section ".qjit_cpu" of an object, filled after linking. checksum: XXH3 of the file with this field zero. */
struct qj_cpu_note {
    char magic[8]; /* QJITCPU */
    unsigned int abi;
    unsigned int note_bytes;
    char arch[48];
    unsigned long long file_bytes;
    unsigned long long checksum;
};

/* Section ".qjit_kernels": one for each kernel; its thunk is the function symbol __qj_launch_<index>. */
enum { QJ_CPU_PARAMS_MAX = 64 };
struct qj_cpu_kernel {
    unsigned int index, n_params;
    unsigned int max_threads; /* of its launch bounds; 0: none */
    unsigned int reserved;
    unsigned short bytes[QJ_CPU_PARAMS_MAX], align[QJ_CPU_PARAMS_MAX];
};

/* Section ".qjit_names": { unsigned index; char name[], NUL }, packed; the symbol of kernel or expression
 * `index`. Indices from QJ_CPU_EXPRESSION on are name expressions, in the order they were added. */
enum { QJ_CPU_EXPRESSION = 1 << 20 };

#endif
