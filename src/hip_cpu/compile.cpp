#include "compile.h"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dirent.h>
#include <dlfcn.h>
#include <elf.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdexcept>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "api.h"
#include "config.h"
#include "embedded.h"
#include "image.h"
#include "module.h"

namespace hipcpu {

namespace {

/* What ends a compile; its text goes to the log. */
struct Stop : std::runtime_error {
    int result;
    Stop(int code, const std::string &line) : std::runtime_error(line), result(code)
    {
    }
};

/* A directory that nobody else sees, gone with everything in it at the end. */
class Workplace {
  public:
    Workplace()
    {
        const char *parent = getenv("TMPDIR");
        path_ = std::string(parent && *parent ? parent : "/tmp") + "/qjit-hip-cpu-XXXXXX";
        if (!mkdtemp(&path_[0]))
            throw Stop(QJ_HIPRTC_ERROR_COMPILATION,
                       "cannot make a directory in '" + path_ + "': " + strerror(errno));
    }
    Workplace(const Workplace &) = delete;
    Workplace &operator=(const Workplace &) = delete;
    ~Workplace()
    {
        remove(path_);
    }
    const std::string &path() const
    {
        return path_;
    }

    void write(const std::string &name, const std::string &text) const
    {
        for (size_t slash = name.find('/'); slash != std::string::npos; slash = name.find('/', slash + 1))
            mkdir((path_ + "/" + name.substr(0, slash)).c_str(), 0700);
        FILE *file = fopen((path_ + "/" + name).c_str(), "we");
        bool good = file && fwrite(text.data(), 1, text.size(), file) == text.size();
        if (file && fclose(file) != 0)
            good = false;
        if (!good)
            throw Stop(QJ_HIPRTC_ERROR_COMPILATION, "cannot write '" + name + "' to the temporary directory");
    }

    std::string read(const std::string &name) const
    {
        std::string out;
        FILE *file = fopen((path_ + "/" + name).c_str(), "re");
        char part[65536];
        for (size_t n; file && (n = fread(part, 1, sizeof part, file)) > 0;)
            out.append(part, n);
        if (file)
            fclose(file);
        return out;
    }

  private:
    std::string path_;

    static void remove(const std::string &path)
    {
        DIR *folder = opendir(path.c_str());
        for (dirent *it; folder && (it = readdir(folder));) {
            std::string name = it->d_name;
            std::string inner = path + "/" + name;
            if (name == "." || name == "..")
                continue;
            if (unlink(inner.c_str()) != 0)
                remove(inner);
        }
        if (folder)
            closedir(folder);
        rmdir(path.c_str());
    }
};

bool is_program(const std::string &path)
{
    struct stat about;
    return stat(path.c_str(), &about) == 0 && S_ISREG(about.st_mode) && access(path.c_str(), X_OK) == 0;
}

/* Runs a program in the workplace with an environment of ours: what the caller's holds (CPATH and others)
 * must not shape the code. Its stderr is added to the log. Throws Stop unless it succeeds. */
void run(const Workplace &place, const std::vector<std::string> &arguments, std::string *log)
{
    std::vector<char *> argv;
    for (const std::string &it : arguments)
        argv.push_back(const_cast<char *>(it.c_str()));
    argv.push_back(nullptr);
    std::string temporary = "TMPDIR=" + place.path();
    char *environment[] = {const_cast<char *>("PATH=/usr/local/bin:/usr/bin:/bin"),
                           const_cast<char *>("LC_ALL=C"), const_cast<char *>(temporary.c_str()), nullptr};
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addchdir_np(&actions, place.path().c_str());
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addopen(&actions, 2, "log", O_WRONLY | O_CREAT | O_TRUNC, 0600);
    pid_t child = 0;
    int error = posix_spawn(&child, argv[0], &actions, nullptr, argv.data(), environment);
    posix_spawn_file_actions_destroy(&actions);
    if (error)
        throw Stop(QJ_HIPRTC_ERROR_INTERNAL, "cannot start '" + arguments[0] + "': " + strerror(error));
    int status = 0;
    while (waitpid(child, &status, 0) < 0) {
        if (errno != EINTR)
            throw Stop(QJ_HIPRTC_ERROR_INTERNAL, "lost '" + arguments[0] + "'");
    }
    *log += place.read("log");
    if (WIFSIGNALED(status))
        throw Stop(QJ_HIPRTC_ERROR_INTERNAL,
                   "'" + arguments[0] + "' was ended by signal " + std::to_string(WTERMSIG(status)));
    if (WEXITSTATUS(status) != 0)
        throw Stop(QJ_HIPRTC_ERROR_COMPILATION, "");
}

/* A file name as it stands in messages, without any directory. */
std::string file_name(const std::string &name)
{
    std::string out = name.substr(name.find_last_of('/') + 1);
    for (char &c : out) {
        if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-", c))
            c = '_';
    }
    return out.empty() || out[0] == '.' || out[0] == '-' || out.size() > 200 ? "CompileSource" : out;
}

void check_header_name(const std::string &name)
{
    std::string wrapped = "/" + name + "/";
    if (name.empty() || name[0] == '/' || wrapped.find("/../") != std::string::npos || name.size() > 200)
        throw Stop(QJ_HIPRTC_ERROR_COMPILATION,
                   "header name '" + name + "' is not a plain relative path: rename the header");
}

struct Settings {
    unsigned wave = 0;
    bool checked = false;
    std::string arch;
    std::vector<std::string> options; /* for clang++ */
    std::string defines; /* of -D and -U, as directives: read after the prelude, which they leave alone */
};

bool begins(const std::string &text, const char *with)
{
    return text.compare(0, strlen(with), with) == 0;
}

/* Options that shape AMD code and mean nothing here. */
bool is_for_amd_only(const std::string &option)
{
    for (const char *it :
         {"--gpu-max-threads-per-block=", "-mcode-object-version=", "-mcumode", "-mno-cumode",
          "-mwavefrontsize64", "-mno-wavefrontsize64", "-munsafe-fp-atomics", "-mno-unsafe-fp-atomics",
          "-fgpu-rdc", "-fno-gpu-rdc", "-fgpu-flush-denormals-to-zero", "-fcuda-flush-denormals-to-zero",
          "-mtgsplit", "-mno-tgsplit", "-amdgpu", "-nogpulib", "-nogpuinc", "-fhip-new"}) {
        if (begins(option, it))
            return true;
    }
    return false;
}

/* Options that could load code or touch files are not passed on. */
bool is_allowed(const std::string &option)
{
    if (begins(option, "-fplugin") || begins(option, "-fpass-plugin") || begins(option, "-fmodule") ||
        begins(option, "-fprofile") || begins(option, "-fsave") || begins(option, "-fsanitize") ||
        begins(option, "-fcrash") || begins(option, "-fdiagnostics-") || begins(option, "-Wl,") ||
        begins(option, "-Wa,") || begins(option, "-Wp,"))
        return false;
    for (const char *it : {"-O", "-std=", "--std=", "-f", "-W", "-w", "-g", "-ferror-limit="}) {
        if (begins(option, it) && option.size() >= 2)
            return true;
    }
    return false;
}

/* "-DA=1" or "-UA" as a directive. Like the compiler, takes no more than a line. */
std::string directive(const std::string &option)
{
    std::string text = option.substr(2, option.find('\n') - 2);
    if (option[1] == 'U')
        return "#undef " + text + "\n";
    size_t equals = text.find('=');
    if (equals == std::string::npos)
        return "#define " + text + " 1\n";
    return "#define " + text.substr(0, equals) + " " + text.substr(equals + 1) + "\n";
}

Settings read_options(const std::vector<std::string> &options)
{
    Settings out;
    out.arch = config().arch;
    for (size_t i = 0; i < options.size(); i++) {
        const std::string &option = options[i];
        if (begins(option, "--offload-arch=") || begins(option, "--gpu-architecture=")) {
            out.arch = option.substr(option.find('=') + 1);
        } else if (option == "-mllvm") {
            i++;
        } else if ((option == "-D" || option == "-U") && i + 1 < options.size()) {
            out.defines += directive(option + options[++i]);
        } else if (begins(option, "-D") || begins(option, "-U")) {
            out.defines += directive(option);
        } else if (is_allowed(option)) {
            if (!is_for_amd_only(option))
                out.options.push_back(option);
        } else if (!is_for_amd_only(option)) {
            throw Stop(QJ_HIPRTC_ERROR_INVALID_OPTION,
                       "option '" + option + "' is not one that may be given");
        }
    }
    if (!arch_parse(out.arch, &out.wave, &out.checked)) {
        std::string known;
        for (int i = 0; *archs[i]; i++)
            known += std::string(i ? ", " : "") + archs[i];
        throw Stop(QJ_HIPRTC_ERROR_COMPILATION,
                   "unknown arch '" + out.arch + "': this library compiles for " + known);
    }
    return out;
}

/* The C and mathematics libraries as they are loaded here: linking needs no development package. */
std::string library_of(void *function)
{
    Dl_info info;
    if (!dladdr(function, &info) || !info.dli_fname)
        throw Stop(QJ_HIPRTC_ERROR_INTERNAL, "cannot tell where the C library is");
    char path[PATH_MAX];
    return realpath(info.dli_fname, path) ? path : info.dli_fname;
}

std::vector<std::string> common_flags(const Settings &settings)
{
    /* Convergent functions, as for any GPU: otherwise a jump may be threaded past a barrier by a second copy
     * of it, and threads that meet at one in the source would be at two. */
    /* No fused multiply-add: the baseline x86-64 has none, so a*b+c rounds twice whatever -ffp-contract says.
     */
    std::vector<std::string> out = {"-std=c++17",
                                    "-fPIC",
                                    "-fvisibility=hidden",
                                    "-fno-exceptions",
                                    "-fno-rtti",
                                    "-fno-strict-aliasing",
                                    "-fno-threadsafe-statics",
                                    "-ffp-contract=off",
                                    "-fno-stack-protector",
                                    "-fno-asynchronous-unwind-tables",
                                    "-Xclang",
                                    "-fconvergent-functions",
                                    "-Wno-unused-command-line-argument",
                                    "-Wno-unknown-warning-option"};
    out.insert(out.end(), settings.options.begin(), settings.options.end());
    /* Whatever was asked for: what more would save in running, compiling it takes, and jumps are not threaded
     * past barriers. */
    out.push_back("-O1");
    if (settings.checked) {
        /* Instrumented accesses are those that are left after optimising: little of it, no vectors. */
        for (const char *it :
             {"-fno-vectorize", "-fno-slp-vectorize", "-fsanitize=thread", "-mllvm",
              "-tsan-instrument-func-entry-exit=0", "-mllvm", "-tsan-instrument-read-before-write=1"})
            out.push_back(it);
    }
    return out;
}

void preprocess(const Workplace &place, const std::string &clang, const Settings &settings, Program &program)
{
    std::string name = file_name(program.name);
    for (const auto &[header, text] : program.headers) {
        check_header_name(header);
        place.write("include/" + header, text);
    }
    /* The run-time headers of AMD's compiler: what they declare is in the prelude. */
    for (const char *header : {"hiprtc_runtime.h", "hip/hip_runtime.h", "hip/hip_fp16.h"})
        place.write(std::string("include/") + header, "#pragma once\n");
    for (const Embedded *it = embedded; it->name; it++)
        place.write(std::string("prelude/") + it->name, it->text);
    place.write("prelude/defines.h", settings.defines);
    place.write(name, program.source);
    std::vector<std::string> command = {clang,          "-E",
                                        "-x",           "c++",
                                        "-nostdlibinc", "-nostdinc++",
                                        "-I",           "include",
                                        "-include",     "prelude/abi.h",
                                        "-include",     "prelude/prelude.h",
                                        "-include",     "prelude/defines.h"};
    command.push_back("-DQJ_CPU_WAVE=" + std::to_string(settings.wave));
    if (settings.checked)
        command.push_back("-DQJ_CPU_CHECKED=1");
    for (const std::string &flag : common_flags(settings))
        command.push_back(flag);
    for (const std::string &argument : {std::string("-o"), std::string("unit.ii"), name})
        command.push_back(argument);
    run(place, command, &program.log);
}

/* Unsized extern __shared__ arrays: one piece of storage that begins where each of them does. */
bool write_dynamic_lds(const Workplace &place)
{
    std::string object = place.read("unit.o");
    Elf elf;
    if (elf.read(reinterpret_cast<const unsigned char *>(object.data()), object.size()) != Elf::OK)
        throw Stop(QJ_HIPRTC_ERROR_INTERNAL, "the compiler made an object that cannot be read");
    std::string text;
    for (const auto &[name, symbol] : elf.symbols) {
        if (symbol.type == STT_TLS && !symbol.defined)
            text += "\t.globl \"" + name + "\"\n\t.hidden \"" + name + "\"\n\t.type \"" + name +
                    "\", @object\n\"" + name + "\":\n";
    }
    if (text.empty())
        return false;
    place.write("dynamic.s", "\t.section .tbss,\"awT\",@nobits\n\t.balign 256\n\t.globl __qj_dynamic\n"
                             "\t.hidden __qj_dynamic\n__qj_dynamic:\n" +
                                 text + "\t.zero " + std::to_string(LDS_MAX) +
                                 "\n\t.section .note.GNU-stack,\"\",@progbits\n");
    return true;
}

/* Unrolling pays where registers are many and jumps are dear. A host's compiler takes up to five times as
 * long for the code that it makes, which is run a few times here. Lines stay where they are. */
std::string without_unrolling(std::string text)
{
    static const char pragma[] = "#pragma unroll";
    for (size_t at = 0; (at = text.find(pragma, at)) != std::string::npos;) {
        size_t end = std::min(text.find('\n', at), text.size());
        size_t begin = text.find_last_of('\n', at) + 1;
        if (text.find_first_not_of(" \t", begin) == at)
            text.replace(at, end - at, "");
        else
            at = end;
    }
    return text;
}

void build(const Workplace &place, const std::string &clang, const Settings &settings, Program &program)
{
    std::string preprocessed = without_unrolling(place.read("unit.ii"));
    place.write("unit.ii", preprocessed + "\n" + generate_entries(preprocessed, program.expressions));
    std::vector<std::string> command = {clang, "-c", "-x", "c++-cpp-output"};
    for (const std::string &flag : common_flags(settings))
        command.push_back(flag);
    for (const char *argument : {"-o", "unit.o", "unit.ii"})
        command.push_back(argument);
    run(place, command, &program.log);
    command = {clang,
               "-shared",
               "-nostdlib",
               "-Wl,-Bsymbolic",
               "-Wl,-S",
               "-Wl,--hash-style=gnu",
               "-Wl,--build-id=none",
               "-o",
               "unit.so",
               "unit.o"};
    if (write_dynamic_lds(place))
        command.push_back("dynamic.s");
    command.push_back(library_of(reinterpret_cast<void *>(static_cast<double (*)(double)>(&erf))));
    command.push_back(library_of(reinterpret_cast<void *>(&getenv)));
    run(place, command, &program.log);
}

/* Puts arch, length and checksum into the note, and reads the object back. */
void finish(const Workplace &place, const Settings &settings, Program &program)
{
    std::string text = place.read("unit.so");
    std::vector<unsigned char> code(text.begin(), text.end());
    Image image;
    if (image.read(code.data(), code.size(), false) != Image::OK || elf_bytes(code.data()) != code.size())
        throw Stop(QJ_HIPRTC_ERROR_INTERNAL, "the linker made an object that cannot be read");
    uint64_t at = image.elf.section(".qjit_cpu").offset;
    qj_cpu_note note;
    memcpy(&note, code.data() + at, sizeof note);
    snprintf(note.arch, sizeof note.arch, "%s", settings.arch.c_str());
    note.file_bytes = code.size();
    memcpy(code.data() + at, &note, sizeof note);
    note.checksum = image_checksum(code.data(), code.size(), at);
    memcpy(code.data() + at, &note, sizeof note);
    program.lowered.clear();
    for (size_t i = 0; i < program.expressions.size(); i++)
        program.lowered.push_back(image.names[QJ_CPU_EXPRESSION + static_cast<unsigned>(i)]);
    program.code = std::move(code);
}

} // namespace

std::string find_clang(std::string *why)
{
    const std::string &named = config().clang;
    if (!named.empty() && !is_program(named))
        *why = "$QJIT_HIP_CPU_CLANG is '" + named + "', which is not a program\n";
    if (!named.empty())
        return is_program(named) ? named : "";
#ifdef QJIT_HIP_CPU_CLANG
    if (is_program(QJIT_HIP_CPU_CLANG))
        return QJIT_HIP_CPU_CLANG;
#endif
    const char *search = getenv("PATH");
    std::string folders = std::string(search ? search : "") + ":/usr/local/bin:/usr/bin:/bin";
    for (const char *name : {"clang++", "clang++-20", "clang++-19", "clang++-18", "clang++-17", "clang++-16",
                             "clang++-15", "clang++-14"}) {
        for (size_t at = 0; at < folders.size();) {
            size_t end = std::min(folders.find(':', at), folders.size());
            std::string path = folders.substr(at, end - at) + "/" + name;
            if (path[0] == '/' && is_program(path))
                return path;
            at = end + 1;
        }
    }
    *why = "no clang++ (14 or newer) is on PATH: install the package 'clang' (Debian, Fedora, Arch), or name "
           "one in "
           "$QJIT_HIP_CPU_CLANG\n";
    return "";
}

int compile(Program &program, const std::vector<std::string> &options)
{
    program.log.clear();
    program.code.clear();
    try {
        Settings settings = read_options(options);
        std::string clang = find_clang(&program.log);
        if (clang.empty())
            return QJ_HIPRTC_ERROR_COMPILATION;
        Workplace place;
        preprocess(place, clang, settings, program);
        build(place, clang, settings, program);
        finish(place, settings, program);
        return QJ_HIPRTC_SUCCESS;
    } catch (const Stop &stop) {
        if (*stop.what())
            program.log += std::string(stop.what()) + "\n";
        return stop.result;
    }
}

} // namespace hipcpu
