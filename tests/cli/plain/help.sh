. "$QJIT_SOURCE/tests/cli/common.bash"
# Every command has a help text of its own, reached three ways, on stdout, without trailing blanks.
qjit --help
for verb in warm list stat info explain clear verify gc export import merge keygen doctor compile gguf; do
    qjit help $verb >by_verb
    qjit $verb --help >by_option
    qjit $verb -h >by_letter
    cmp by_verb by_option && cmp by_verb by_letter
    head -n 3 by_verb
    grep ' --json ' by_verb
    grep ' $' by_verb
done
qjit --help warm | cmp - <(qjit help warm)
