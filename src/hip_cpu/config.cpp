#include "config.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <mutex>
#include <thread>
#include <unistd.h>

namespace hipcpu {

const char *const archs[] = {"cpu-x86_64-w32", "cpu-x86_64-w64", "cpu-x86_64-w32-checked",
                             "cpu-x86_64-w64-checked", ""};

std::string arch_name(unsigned wave, bool checked)
{
    return archs[(wave == 64 ? 1 : 0) + (checked ? 2 : 0)];
}

bool arch_parse(const std::string &arch, unsigned *wave, bool *checked)
{
    for (int i = 0; i < 4; i++) {
        if (arch == archs[i]) {
            *wave = i & 1 ? 64 : 32;
            *checked = i >= 2;
            return true;
        }
    }
    return false;
}

static std::string text(const char *name)
{
    const char *value = getenv(name);
    return value ? value : "";
}

static size_t number(const char *name, size_t fallback, size_t least, size_t most)
{
    std::string value = text(name);
    char *end = nullptr;
    errno = 0;
    unsigned long long n = strtoull(value.c_str(), &end, 10);
    if (value.empty() || *end || errno)
        return fallback;
    return std::min<size_t>(std::max<size_t>(n, least), most);
}

static size_t physical_bytes()
{
    long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    return pages > 0 && page > 0 ? static_cast<size_t>(pages) * static_cast<size_t>(page) : size_t{1} << 30;
}

/* More than 24 threads with a thousand guarded stacks each would meet the limit on mappings of a process. */
static unsigned default_threads()
{
    return std::min(std::max(std::thread::hardware_concurrency(), 1u), 24u);
}

static Config read_config()
{
    Config out;
    out.wave = text("QJIT_HIP_CPU_WAVE") == "64" ? 64 : 32;
    out.devices = static_cast<unsigned>(number("QJIT_HIP_CPU_DEVICES", 1, 0, 64));
    out.threads = static_cast<unsigned>(number("QJIT_HIP_CPU_THREADS", default_threads(), 1, 256));
    out.checked = number("QJIT_HIP_CPU_CHECK", 0, 0, 1) == 1;
    out.memory_bytes = number("QJIT_HIP_CPU_MEMORY", physical_bytes() / 2, 1 << 20, ~size_t{0} >> 1);
    out.stack_bytes = number("QJIT_HIP_CPU_STACK", size_t{128} << 10, size_t{32} << 10, size_t{64} << 20);
    out.stack_bytes = (out.stack_bytes + 4095) & ~size_t{4095};
    out.report = text("QJIT_HIP_CPU_REPORT");
    out.clang = text("QJIT_HIP_CPU_CLANG");
    out.fail = text("QJIT_HIP_CPU_FAIL");
    out.arch = arch_name(out.wave, out.checked);
    return out;
}

const Config &config()
{
    static const Config *const it = new Config(read_config());
    return *it;
}

void report(const std::string &line)
{
    static std::mutex *const lock = new std::mutex;
    std::lock_guard<std::mutex> hold(*lock);
    std::string whole = "qjit hip_cpu: " + line + "\n";
    FILE *file = config().report.empty() ? nullptr : fopen(config().report.c_str(), "ae");
    fputs(whole.c_str(), file ? file : stderr);
    if (file)
        fclose(file);
}

} // namespace hipcpu
