/* Finds the kernels of a preprocessed program and writes the entries by which they are launched. */
#include <set>

#include "abi.h"
#include "compile.h"

namespace hipcpu {

namespace {

/* A token of C++, as far as finding declarations needs one: strings are one token, so are names. */
struct Token {
    std::string text;
    bool is_name = false;
};

class Tokens {
  public:
    explicit Tokens(const std::string &text) : text_(text)
    {
    }
    std::vector<Token> all()
    {
        std::vector<Token> out;
        while (skip_space())
            out.push_back(next());
        return out;
    }

  private:
    const std::string &text_;
    size_t at_ = 0;

    static bool in_name(char c)
    {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
               c == '$' || (c & 0x80);
    }
    char peek(size_t ahead = 0) const
    {
        return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0';
    }

    /* White space, and the preprocessor's line markers and pragmas. False at the end. */
    bool skip_space()
    {
        bool line_begins = at_ == 0 || text_[at_ - 1] == '\n';
        for (; at_ < text_.size(); at_++) {
            char c = text_[at_];
            if (c == '\n') {
                line_begins = true;
            } else if (c == '#' && line_begins) {
                at_ = std::min(text_.find('\n', at_), text_.size()) - 1;
            } else if (c != ' ' && c != '\t' && c != '\r' && c != '\f' && c != '\v') {
                return true;
            }
        }
        return false;
    }

    Token next()
    {
        size_t begin = at_;
        if (in_name(peek())) {
            while (in_name(peek()) ||
                   (text_[begin] >= '0' && text_[begin] <= '9' && (peek() == '.' || peek() == '\'')))
                at_++;
            std::string word = text_.substr(begin, at_ - begin);
            if (peek() == '"' && !word.empty() && word.back() == 'R' && word.size() <= 3)
                return raw_string(begin);
            return {word, !(word[0] >= '0' && word[0] <= '9')};
        }
        if (peek() == '"' || peek() == '\'') {
            char quote = text_[at_++];
            while (at_ < text_.size() && text_[at_] != quote)
                at_ += text_[at_] == '\\' ? 2 : 1;
            at_ = std::min(at_ + 1, text_.size());
            return {text_.substr(begin, at_ - begin), false};
        }
        at_ += peek() == ':' && peek(1) == ':' ? 2 : 1;
        return {text_.substr(begin, at_ - begin), false};
    }

    Token raw_string(size_t begin)
    {
        size_t open = text_.find('(', at_);
        if (open == std::string::npos)
            open = text_.size() - 1;
        std::string close = ")" + text_.substr(at_ + 1, open - at_ - 1) + "\"";
        size_t end = text_.find(close, open);
        at_ = end == std::string::npos ? text_.size() : end + close.size();
        return {text_.substr(begin, at_ - begin), false};
    }
};

struct Found {
    std::string name;  /* qualified, beginning with :: */
    std::string bound; /* the expression in its launch bounds, or 0 */
};

/* Walks over the declarations, keeping the namespaces that are open. */
class Finder {
  public:
    explicit Finder(std::vector<Token> tokens) : tokens_(std::move(tokens))
    {
    }

    std::vector<Found> kernels()
    {
        for (at_ = 0; at_ < tokens_.size(); at_++) {
            const std::string &text = tokens_[at_].text;
            if (text == "namespace")
                pending_ = name_of_namespace();
            else if (text == "extern" && peek(1).front() == '"' && peek(2) == "{")
                pending_ = "";
            else if (text == "{")
                open();
            else if (text == "}")
                close();
            else if (text == "\"qj_global\"")
                kernel();
            if (text == ";" || text == "}" || text == "{")
                begin_ = at_ + 1;
        }
        return std::move(found_);
    }

  private:
    static constexpr const char *NONE = "\1"; /* a brace that opens no namespace */
    std::vector<Token> tokens_;
    size_t at_ = 0, begin_ = 0; /* of the declaration we are in */
    std::vector<std::string> scopes_;
    std::string pending_ = NONE;
    std::vector<Found> found_;
    std::set<std::string> known_;

    std::string peek(size_t ahead) const
    {
        return at_ + ahead < tokens_.size() ? tokens_[at_ + ahead].text : std::string(" ");
    }

    /* Leaves at_ before the brace, or where it was if this is an alias or a using directive. */
    std::string name_of_namespace()
    {
        std::string name;
        size_t i = at_ + 1;
        while (i < tokens_.size() && (tokens_[i].is_name || tokens_[i].text == "::")) {
            if (tokens_[i].text != "inline")
                name += tokens_[i].text;
            i++;
        }
        if (i >= tokens_.size() || tokens_[i].text != "{")
            return NONE;
        at_ = i - 1;
        return name.empty() ? "" : name + "::";
    }

    void open()
    {
        scopes_.push_back(pending_);
        pending_ = NONE;
    }

    void close()
    {
        if (!scopes_.empty())
            scopes_.pop_back();
    }

    /* Skips a bracketed group that begins at i; returns the index behind it. */
    size_t skip(size_t i, const char *opening, const char *closing) const
    {
        int depth = 0;
        for (; i < tokens_.size(); i++) {
            depth += tokens_[i].text == opening;
            depth -= tokens_[i].text == closing;
            if (depth == 0)
                return i + 1;
        }
        return i;
    }

    bool is_template() const
    {
        for (size_t i = begin_; i < at_; i++) {
            if (tokens_[i].text == "template")
                return true;
        }
        return false;
    }

    /* The first argument of an attribute that begins at i with "qj_bounds". */
    std::string bound_at(size_t i) const
    {
        std::string out;
        int depth = 0;
        for (i += 2; i < tokens_.size(); i++) {
            const std::string &text = tokens_[i].text;
            if (depth == 0 && (text == "," || text == ")"))
                break;
            depth += text == "(";
            depth -= text == ")";
            out += text + " ";
        }
        return out.empty() ? "0" : out;
    }

    /* at_ is within the attribute of __global__: the name is what stands before the parameters. */
    void kernel()
    {
        for (const std::string &scope : scopes_) {
            if (scope == NONE)
                return; /* in a class or a function: reached by a name expression or not at all */
        }
        if (is_template())
            return;
        std::string bound = "0", name;
        for (size_t i = begin_; i < tokens_.size() && tokens_[i].text != "{" && tokens_[i].text != ";"; i++) {
            if (tokens_[i].text == "\"qj_bounds\"")
                bound = bound_at(i);
            if (i < at_ || tokens_[i].text != "(")
                continue;
            const std::string &before = tokens_[i - 1].text;
            if (before == "__attribute__" || before == "__attribute" || before == "alignas" ||
                before == "decltype") {
                for (size_t j = i; j < skip(i, "(", ")"); j++) {
                    if (tokens_[j].text == "\"qj_bounds\"")
                        bound = bound_at(j);
                }
                i = skip(i, "(", ")") - 1;
            } else if (tokens_[i - 1].is_name && name.empty()) {
                name = before;
                i = skip(i, "(", ")") - 1;
            }
        }
        if (name.empty())
            return;
        std::string qualified = "::";
        for (const std::string &scope : scopes_)
            qualified += scope;
        qualified += name;
        if (known_.insert(qualified).second)
            found_.push_back({qualified, bound});
    }
};

std::string entry(unsigned index, const std::string &what, const std::string &bound, bool plain)
{
    std::string number = std::to_string(index);
    std::string type = "decltype(__qj_pointer(" + what + "))";
    return "extern \"C\" __attribute__((visibility(\"hidden\"), used" +
           std::string(plain ? ", disable_sanitizer_instrumentation" : "") + ")) void __qj_launch_" + number +
           "(void **p) { __qj_invoke(" + what +
           ", p); asm volatile(\".pushsection .qjit_names,\\\"a\\\",@progbits\\n.long " + number +
           "\\n.asciz \\\"%P0\\\"\\n.popsection\" :: \"i\"(static_cast<" + type + ">(" + what +
           "))); }\n__attribute__((section(\".qjit_kernels\"), used)) static const qj_cpu_kernel "
           "__qj_kernel_" +
           number + " = __qj_describe<" + type + ">::of(" + number + ", static_cast<unsigned>(" + bound +
           "));\n";
}

} // namespace

std::string generate_entries(const std::string &preprocessed, const std::vector<std::string> &expressions)
{
    std::string out;
    unsigned index = 0;
    bool plain =
        preprocessed.find("__tsan_init") != std::string::npos; /* checked: the prelude's hooks are there */
    for (const Found &kernel : Finder(Tokens(preprocessed).all()).kernels())
        out += "\n# 1 \"kernel" + kernel.name + "\"\n" + entry(index++, kernel.name, kernel.bound, plain);
    index = QJ_CPU_EXPRESSION;
    for (const std::string &expression : expressions)
        out += "\n# 1 \"name-expression\"\n" + entry(index++, expression, "0", plain);
    return out;
}

} // namespace hipcpu
