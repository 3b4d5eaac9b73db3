/* hiprtc*: programs and what is asked of them. */
#include <algorithm>
#include <climits>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <map>
#include <memory>
#include <mutex>
#include <unistd.h>

#include "api.h"
#include "compile.h"
#include "config.h"

namespace hipcpu {

namespace {

struct Entry {
    std::mutex lock; /* one call at a time for each program; different programs compile side by side */
    Program program;
    bool compiled = false;
};

std::mutex &programs_lock()
{
    static auto *const it = new std::mutex;
    return *it;
}

std::map<const void *, std::shared_ptr<Entry>> &programs()
{
    static auto *const it = new std::map<const void *, std::shared_ptr<Entry>>;
    return *it;
}

std::shared_ptr<Entry> find(hiprtcProgram handle)
{
    std::lock_guard<std::mutex> hold(programs_lock());
    auto it = programs().find(handle);
    return it == programs().end() ? nullptr : it->second;
}

/* The common frame: a live program, locked. */
template <class F> hiprtcResult with(const char *function, hiprtcProgram handle, F &&body)
{
    return call_rtc(function, [&]() -> hiprtcResult {
        std::shared_ptr<Entry> entry = find(handle);
        if (!entry)
            return handle ? QJ_HIPRTC_ERROR_INVALID_PROGRAM : QJ_HIPRTC_ERROR_INVALID_INPUT;
        std::lock_guard<std::mutex> hold(entry->lock);
        return body(*entry);
    });
}

hiprtcResult create(hiprtcProgram *out, const char *source, const char *name, int n_headers,
                    const char **headers, const char **include_names)
{
    if (!out || !source || n_headers < 0 || (n_headers > 0 && (!headers || !include_names)))
        return QJ_HIPRTC_ERROR_INVALID_INPUT;
    auto entry = std::make_shared<Entry>();
    entry->program.source = source;
    entry->program.name = name ? name : "";
    for (int i = 0; i < n_headers; i++) {
        if (!headers[i] || !include_names[i])
            return QJ_HIPRTC_ERROR_INVALID_INPUT;
        entry->program.headers.emplace_back(include_names[i], headers[i]);
    }
    if (!*source)
        return QJ_HIPRTC_ERROR_INVALID_INPUT;
    std::lock_guard<std::mutex> hold(programs_lock());
    programs()[entry.get()] = entry;
    *out = reinterpret_cast<hiprtcProgram>(entry.get());
    return QJ_HIPRTC_SUCCESS;
}

/* A library that clang++ may load its code generator from; "" if there is none of that name. */
std::string find_library(const std::string &folder, const std::string &prefix)
{
    for (const std::string &place : {folder + "/../lib", std::string("/usr/lib/x86_64-linux-gnu"),
                                     std::string("/usr/lib64"), std::string("/usr/lib")}) {
        char path[PATH_MAX];
        if (realpath((place + "/" + prefix).c_str(), path))
            return path;
    }
    return "";
}

/* The names of shared libraries that begin with `prefix` in the program's dynamic strings. */
std::vector<std::string> needed_libraries(const std::string &program, const std::string &prefix)
{
    std::vector<std::string> out;
    FILE *file = fopen(program.c_str(), "re");
    std::string bytes(size_t{1} << 20, '\0');
    bytes.resize(file ? fread(&bytes[0], 1, bytes.size(), file) : 0);
    if (file)
        fclose(file);
    for (size_t at = bytes.find('\0' + prefix); at != std::string::npos;
         at = bytes.find('\0' + prefix, at + 1)) {
        std::string name = bytes.c_str() + at + 1;
        if (name.find(".so") != std::string::npos && name.find('/') == std::string::npos)
            out.push_back(name);
    }
    return out;
}

std::vector<std::string> compiler_files()
{
    std::vector<std::string> out;
    char path[PATH_MAX];
    Dl_info info;
    if (dladdr(reinterpret_cast<const void *>(&archs), &info) && realpath(info.dli_fname, path))
        out.push_back(path);
    std::string why, clang = find_clang(&why);
    if (clang.empty() || !realpath(clang.c_str(), path))
        return out;
    out.push_back(path);
    std::string folder = out.back().substr(0, out.back().find_last_of('/'));
    for (const char *prefix : {"libclang-cpp", "libLLVM"}) {
        for (const std::string &name : needed_libraries(out[1], prefix)) {
            std::string library = find_library(folder, name);
            if (!library.empty() && std::find(out.begin(), out.end(), library) == out.end())
                out.push_back(library);
        }
    }
    return out;
}

} // namespace

} // namespace hipcpu

using namespace hipcpu;

const char *hiprtcGetErrorString(hiprtcResult result)
{
    switch (result) {
    case 0:
        return "HIPRTC_SUCCESS";
    case 1:
        return "HIPRTC_ERROR_OUT_OF_MEMORY";
    case 2:
        return "HIPRTC_ERROR_PROGRAM_CREATION_FAILURE";
    case 3:
        return "HIPRTC_ERROR_INVALID_INPUT";
    case 4:
        return "HIPRTC_ERROR_INVALID_PROGRAM";
    case 5:
        return "HIPRTC_ERROR_INVALID_OPTION";
    case 6:
        return "HIPRTC_ERROR_COMPILATION";
    case 7:
        return "HIPRTC_ERROR_BUILTIN_OPERATION_FAILURE";
    case 8:
        return "HIPRTC_ERROR_NO_NAME_EXPRESSIONS_AFTER_COMPILATION";
    case 9:
        return "HIPRTC_ERROR_NO_LOWERED_NAMES_BEFORE_COMPILATION";
    case 10:
        return "HIPRTC_ERROR_NAME_EXPRESSION_NOT_VALID";
    case 11:
        return "HIPRTC_ERROR_INTERNAL_ERROR";
    default:
        return "unknown error";
    }
}

hiprtcResult hiprtcVersion(int *major, int *minor)
{
    return call_rtc(__func__, [=]() -> hiprtcResult {
        if (!major || !minor)
            return QJ_HIPRTC_ERROR_INVALID_INPUT;
        *major = 9;
        *minor = 0;
        return QJ_HIPRTC_SUCCESS;
    });
}

hiprtcResult hiprtcCreateProgram(hiprtcProgram *out, const char *source, const char *name, int n_headers,
                                 const char **headers, const char **include_names)
{
    return call_rtc(__func__, [=] { return create(out, source, name, n_headers, headers, include_names); });
}

hiprtcResult hiprtcDestroyProgram(hiprtcProgram *program)
{
    return call_rtc(__func__, [=]() -> hiprtcResult {
        if (!program)
            return QJ_HIPRTC_ERROR_INVALID_INPUT;
        std::lock_guard<std::mutex> hold(programs_lock());
        if (programs().erase(*program) == 0)
            return QJ_HIPRTC_ERROR_INVALID_PROGRAM;
        *program = nullptr;
        return QJ_HIPRTC_SUCCESS;
    });
}

hiprtcResult hiprtcCompileProgram(hiprtcProgram program, int n_options, const char **options)
{
    return with(__func__, program, [=](Entry &entry) -> hiprtcResult {
        if (n_options < 0 || (n_options > 0 && !options))
            return QJ_HIPRTC_ERROR_INVALID_INPUT;
        std::vector<std::string> all;
        for (int i = 0; i < n_options; i++)
            all.push_back(options[i] ? options[i] : "");
        hiprtcResult result = compile(entry.program, all);
        entry.compiled = result == QJ_HIPRTC_SUCCESS;
        return result;
    });
}

hiprtcResult hiprtcGetProgramLogSize(hiprtcProgram program, size_t *n)
{
    return with(__func__, program, [=](Entry &entry) -> hiprtcResult {
        if (!n)
            return QJ_HIPRTC_ERROR_INVALID_INPUT;
        const std::string &log = entry.program.log;
        *n = log.empty() ? 0 : log.size() + 1;
        return QJ_HIPRTC_SUCCESS;
    });
}

hiprtcResult hiprtcGetProgramLog(hiprtcProgram program, char *log)
{
    return with(__func__, program, [=](Entry &entry) -> hiprtcResult {
        if (!log)
            return QJ_HIPRTC_ERROR_INVALID_INPUT;
        if (!entry.program.log.empty())
            memcpy(log, entry.program.log.c_str(), entry.program.log.size() + 1);
        return QJ_HIPRTC_SUCCESS;
    });
}

hiprtcResult hiprtcGetCodeSize(hiprtcProgram program, size_t *n)
{
    return with(__func__, program, [=](Entry &entry) -> hiprtcResult {
        if (!n)
            return QJ_HIPRTC_ERROR_INVALID_INPUT;
        *n = entry.program.code.size();
        return entry.compiled ? QJ_HIPRTC_SUCCESS : QJ_HIPRTC_ERROR_INVALID_PROGRAM;
    });
}

hiprtcResult hiprtcGetCode(hiprtcProgram program, char *code)
{
    return with(__func__, program, [=](Entry &entry) -> hiprtcResult {
        if (!code)
            return QJ_HIPRTC_ERROR_INVALID_INPUT;
        if (!entry.compiled)
            return QJ_HIPRTC_ERROR_INVALID_PROGRAM;
        memcpy(code, entry.program.code.data(), entry.program.code.size());
        return QJ_HIPRTC_SUCCESS;
    });
}

hiprtcResult hiprtcAddNameExpression(hiprtcProgram program, const char *expression)
{
    return with(__func__, program, [=](Entry &entry) -> hiprtcResult {
        if (!expression || !*expression)
            return QJ_HIPRTC_ERROR_INVALID_INPUT;
        if (entry.compiled)
            return 8; /* NO_NAME_EXPRESSIONS_AFTER_COMPILATION */
        auto &all = entry.program.expressions;
        if (std::find(all.begin(), all.end(), expression) == all.end())
            all.push_back(expression);
        return QJ_HIPRTC_SUCCESS;
    });
}

hiprtcResult hiprtcGetLoweredName(hiprtcProgram program, const char *expression, const char **out)
{
    return with(__func__, program, [=](Entry &entry) -> hiprtcResult {
        if (!expression || !out)
            return QJ_HIPRTC_ERROR_INVALID_INPUT;
        if (!entry.compiled)
            return 9; /* NO_LOWERED_NAMES_BEFORE_COMPILATION */
        auto &all = entry.program.expressions;
        auto it = std::find(all.begin(), all.end(), expression);
        if (it == all.end())
            return QJ_HIPRTC_ERROR_NAME_EXPRESSION_NOT_VALID;
        *out = entry.program.lowered[static_cast<size_t>(it - all.begin())].c_str();
        return QJ_HIPRTC_SUCCESS;
    });
}

int qjitCompilerFiles(const char **out, int max)
{
    static const auto *const files = new std::vector<std::string>(compiler_files());
    int n = 0;
    for (; out && n < max && n < static_cast<int>(files->size()); n++)
        out[n] = (*files)[static_cast<size_t>(n)].c_str();
    return n;
}

int qjitArchs(const char **out, int max)
{
    int n = 0;
    for (; out && n < max && *archs[n]; n++)
        out[n] = archs[n];
    return n;
}
