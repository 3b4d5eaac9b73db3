#include "image.h"

#include <cstring>
#include <elf.h>
#include <xxhash.h>

namespace hipcpu {

namespace {

bool inside(uint64_t offset, uint64_t n, uint64_t whole)
{
    return offset <= whole && n <= whole - offset;
}

template <class T> T at(const unsigned char *bytes, uint64_t offset)
{
    T out;
    memcpy(&out, bytes + offset, sizeof out);
    return out;
}

/* The string at `offset` of a table; "" if it is outside or has no end. */
std::string string_at(const unsigned char *table, uint64_t n, uint64_t offset)
{
    if (offset >= n)
        return "";
    const void *end = memchr(table + offset, 0, n - offset);
    return end ? reinterpret_cast<const char *>(table + offset) : "";
}

} // namespace

size_t elf_bytes(const unsigned char *header)
{
    auto head = at<Elf64_Ehdr>(header, 0);
    if (memcmp(head.e_ident, ELFMAG, SELFMAG) != 0 || head.e_ident[EI_CLASS] != ELFCLASS64)
        return 0;
    uint64_t n = head.e_shoff + uint64_t{head.e_shnum} * sizeof(Elf64_Shdr);
    return head.e_shoff > (uint64_t{1} << 31) ? 0 : n;
}

Elf::Range Elf::section(const std::string &name) const
{
    auto it = sections_.find(name);
    return it == sections_.end() ? Range{} : it->second;
}

Elf::Result Elf::read(const unsigned char *bytes, size_t n)
{
    if (n < sizeof(Elf64_Ehdr) || memcmp(bytes, ELFMAG, SELFMAG) != 0)
        return DAMAGED;
    auto head = at<Elf64_Ehdr>(bytes, 0);
    if (head.e_ident[EI_CLASS] != ELFCLASS64 || head.e_ident[EI_DATA] != ELFDATA2LSB ||
        head.e_machine != EM_X86_64)
        return FOREIGN;
    if (head.e_phnum && (head.e_phentsize != sizeof(Elf64_Phdr) ||
                         !inside(head.e_phoff, uint64_t{head.e_phnum} * sizeof(Elf64_Phdr), n)))
        return DAMAGED;
    uint64_t tls_begin = 0;
    for (unsigned i = 0; i < head.e_phnum; i++) {
        auto part = at<Elf64_Phdr>(bytes, head.e_phoff + i * sizeof(Elf64_Phdr));
        if (!inside(part.p_offset, part.p_filesz, n) || part.p_memsz > uint64_t{1} << 31 ||
            part.p_vaddr > uint64_t{1} << 40)
            return DAMAGED;
        if (part.p_type == PT_TLS) {
            tls_file_bytes = tls_zero_offset = part.p_filesz;
            tls_begin = part.p_vaddr;
            tls_bytes = part.p_memsz;
        }
        if (part.p_type == PT_LOAD)
            (part.p_flags & PF_W ? data : code).emplace_back(part.p_vaddr, part.p_vaddr + part.p_memsz);
    }
    Result result = read_sections(bytes, n, tls_begin);
    return tls_zero_offset < tls_file_bytes || tls_zero_offset > tls_bytes ? DAMAGED : result;
}

Elf::Result Elf::read_sections(const unsigned char *bytes, size_t n, uint64_t tls_begin)
{
    auto head = at<Elf64_Ehdr>(bytes, 0);
    if (head.e_shentsize != sizeof(Elf64_Shdr) || head.e_shstrndx >= head.e_shnum ||
        !inside(head.e_shoff, uint64_t{head.e_shnum} * sizeof(Elf64_Shdr), n))
        return DAMAGED;
    std::vector<Elf64_Shdr> all;
    for (unsigned i = 0; i < head.e_shnum; i++) {
        all.push_back(at<Elf64_Shdr>(bytes, head.e_shoff + i * sizeof(Elf64_Shdr)));
        if (all[i].sh_type != SHT_NOBITS && !inside(all[i].sh_offset, all[i].sh_size, n))
            return DAMAGED;
    }
    const Elf64_Shdr &strings = all[head.e_shstrndx];
    if (strings.sh_type == SHT_NOBITS)
        return DAMAGED;
    for (const Elf64_Shdr &it : all) {
        std::string name = string_at(bytes + strings.sh_offset, strings.sh_size, it.sh_name);
        if (it.sh_type != SHT_NOBITS && !name.empty())
            sections_[name] = Range{it.sh_offset, it.sh_size, true};
        if (it.sh_type == SHT_NOBITS && (it.sh_flags & SHF_TLS))
            tls_zero_offset = it.sh_addr - tls_begin;
        if (it.sh_type != SHT_SYMTAB)
            continue;
        if (it.sh_link >= all.size() || all[it.sh_link].sh_type == SHT_NOBITS)
            return DAMAGED;
        const Elf64_Shdr &names = all[it.sh_link];
        Result result = read_symbols(bytes, n, it.sh_offset, it.sh_size, names.sh_offset, names.sh_size);
        if (result != OK)
            return result;
    }
    return OK;
}

Elf::Result Elf::read_symbols(const unsigned char *bytes, size_t, uint64_t table, uint64_t n_table,
                              uint64_t names, uint64_t n_names)
{
    for (uint64_t i = 0; i + sizeof(Elf64_Sym) <= n_table; i += sizeof(Elf64_Sym)) {
        auto it = at<Elf64_Sym>(bytes, table + i);
        std::string name = string_at(bytes + names, n_names, it.st_name);
        unsigned type = ELF64_ST_TYPE(it.st_info);
        if (!name.empty() && type != STT_SECTION && type != STT_FILE)
            symbols[name] = Symbol{it.st_value, it.st_size, type, it.st_shndx != SHN_UNDEF};
    }
    return OK;
}

uint64_t image_checksum(const unsigned char *bytes, size_t n, uint64_t note)
{
    std::vector<unsigned char> copy(bytes, bytes + n);
    memset(copy.data() + note + offsetof(qj_cpu_note, checksum), 0, sizeof(qj_cpu_note::checksum));
    return XXH3_64bits(copy.data(), copy.size());
}

static Image::Result read_names(Image &image, const unsigned char *bytes)
{
    Elf::Range range = image.elf.section(".qjit_names");
    for (uint64_t i = 0; range.there && i + sizeof(uint32_t) < range.n;) {
        auto index = at<uint32_t>(bytes, range.offset + i);
        i += sizeof index;
        const unsigned char *text = bytes + range.offset + i;
        const void *end = memchr(text, 0, range.n - i);
        if (!end)
            return Image::DAMAGED;
        image.names[index] = reinterpret_cast<const char *>(text);
        i += image.names[index].size() + 1;
    }
    return Image::OK;
}

static Image::Result read_kernels(Image &image, const unsigned char *bytes)
{
    Elf::Range range = image.elf.section(".qjit_kernels");
    if (range.n % sizeof(qj_cpu_kernel) != 0)
        return Image::DAMAGED;
    for (uint64_t i = 0; i < range.n; i += sizeof(qj_cpu_kernel)) {
        Kernel kernel;
        kernel.info = at<qj_cpu_kernel>(bytes, range.offset + i);
        auto name = image.names.find(kernel.info.index);
        if (name == image.names.end())
            return Image::DAMAGED;
        if (kernel.info.n_params == ~0u) /* the expression named a variable */
            continue;
        auto thunk = image.elf.symbols.find("__qj_launch_" + std::to_string(kernel.info.index));
        if (kernel.info.n_params > QJ_CPU_PARAMS_MAX || thunk == image.elf.symbols.end())
            return Image::DAMAGED;
        kernel.name = name->second;
        kernel.thunk = thunk->second.value;
        bool in_code = false;
        for (auto [begin, end] : image.elf.code)
            in_code = in_code || (kernel.thunk >= begin && kernel.thunk < end);
        if (!in_code)
            return Image::DAMAGED;
        image.kernels.push_back(kernel);
    }
    return Image::OK;
}

Image::Result Image::read(const unsigned char *bytes, size_t n, bool check)
{
    switch (elf.read(bytes, n)) {
    case Elf::OK:
        break;
    case Elf::FOREIGN:
        return FOREIGN;
    default:
        return DAMAGED;
    }
    Elf::Range where = elf.section(".qjit_cpu");
    if (!where.there)
        return FOREIGN;
    if (where.n != sizeof(qj_cpu_note))
        return DAMAGED;
    auto note = at<qj_cpu_note>(bytes, where.offset);
    if (memcmp(note.magic, "QJITCPU", 8) != 0 || note.abi != QJ_CPU_ABI)
        return FOREIGN;
    if (check && (note.file_bytes != n || note.checksum != image_checksum(bytes, n, where.offset)))
        return DAMAGED;
    note.arch[sizeof note.arch - 1] = 0;
    arch = note.arch;
    Result result = read_names(*this, bytes);
    return result == OK ? read_kernels(*this, bytes) : result;
}

} // namespace hipcpu
