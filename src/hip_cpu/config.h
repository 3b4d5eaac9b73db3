/* The environment of this library (docs/hip_cpu.md), read once. */
#ifndef QJ_HIP_CPU_CONFIG_H
#define QJ_HIP_CPU_CONFIG_H

#include <cstddef>
#include <string>

namespace hipcpu {

struct Config {
    unsigned wave;       /* QJIT_HIP_CPU_WAVE: 32 or 64 */
    unsigned devices;    /* QJIT_HIP_CPU_DEVICES */
    unsigned threads;    /* QJIT_HIP_CPU_THREADS: of the host, for the blocks of a grid */
    bool checked;        /* QJIT_HIP_CPU_CHECK */
    size_t memory_bytes; /* QJIT_HIP_CPU_MEMORY: of each device */
    size_t stack_bytes;  /* QJIT_HIP_CPU_STACK: of each thread of a block */
    std::string report;  /* QJIT_HIP_CPU_REPORT: a file that reports are appended to; empty: stderr */
    std::string clang;   /* QJIT_HIP_CPU_CLANG */
    std::string fail;    /* QJIT_HIP_CPU_FAIL */
    std::string arch;    /* of the devices, made of wave and checked */
};
const Config &config();

/* The archs there are; "" ends the list. */
extern const char *const archs[];
std::string arch_name(unsigned wave, bool checked);
/* False if `arch` is none of ours. */
bool arch_parse(const std::string &arch, unsigned *wave, bool *checked);

/* Writes one line to the report file or stderr. */
void report(const std::string &line);

} // namespace hipcpu

#endif
