/* Reads the objects that compile.cpp makes. Bytes are untrusted: every offset is checked. */
#ifndef QJ_HIP_CPU_IMAGE_H
#define QJ_HIP_CPU_IMAGE_H

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "abi.h"

namespace hipcpu {

struct Symbol {
    uint64_t value, n;
    unsigned type;
    bool defined;
};

/* The sections and symbols of any x86-64 ELF. */
class Elf {
  public:
    enum Result { OK, DAMAGED, FOREIGN };
    /* Keeps no reference to the bytes. FOREIGN: an ELF, but not for this machine. */
    Result read(const unsigned char *bytes, size_t n);

    struct Range {
        uint64_t offset = 0, n = 0;
        bool there = false;
    };
    Range section(const std::string &name) const;
    std::map<std::string, Symbol> symbols;
    uint64_t tls_file_bytes = 0, tls_bytes = 0;
    uint64_t tls_zero_offset = 0; /* where the part without contents begins in it: the LDS */
    /* [begin, end) of the writable segments, relative to the load address */
    std::vector<std::pair<uint64_t, uint64_t>> data, code;

  private:
    std::map<std::string, Range> sections_;
    Result read_sections(const unsigned char *bytes, size_t n, uint64_t tls_begin);
    Result read_symbols(const unsigned char *bytes, size_t n, uint64_t table, uint64_t n_table,
                        uint64_t names, uint64_t n_names);
};

/* How long the ELF whose first 64 bytes are given says it is; 0: it is none. */
size_t elf_bytes(const unsigned char *header);

struct Kernel {
    qj_cpu_kernel info;
    std::string name;
    uint64_t thunk; /* relative to the load address */
};

/* A whole object of ours. */
struct Image {
    Elf elf;
    std::string arch;
    std::vector<Kernel> kernels;
    std::map<unsigned, std::string> names; /* by index */
    enum Result { OK, DAMAGED, FOREIGN };
    /* check: the note must have been filled in, and its checksum be right. */
    Result read(const unsigned char *bytes, size_t n, bool check);
};

/* The checksum of a file whose note lies at `note`, as if its checksum field were zero. */
uint64_t image_checksum(const unsigned char *bytes, size_t n, uint64_t note);

} // namespace hipcpu

#endif
