/* Source text to object: the preprocessor, what is appended for each kernel, the compiler, the linker. */
#ifndef QJ_HIP_CPU_COMPILE_H
#define QJ_HIP_CPU_COMPILE_H

#include <string>
#include <utility>
#include <vector>

namespace hipcpu {

struct Program {
    std::string source, name;
    std::vector<std::pair<std::string, std::string>> headers; /* name, text */
    std::vector<std::string> expressions;
    /* after compiling */
    std::vector<std::string> lowered; /* of each expression */
    std::string log;
    std::vector<unsigned char> code;
};

/* A code of hiprtcResult. Fills log, and on success code and lowered. */
int compile(Program &program, const std::vector<std::string> &options);

/* The path of clang++; "" if there is none. why: one line that says what to do, with the new line. */
std::string find_clang(std::string *why);

/* What is appended to a preprocessed program: an entry for each of its kernels and name expressions. */
std::string generate_entries(const std::string &preprocessed, const std::vector<std::string> &expressions);

} // namespace hipcpu

#endif
