. "$QJIT_SOURCE/tests/cli/common.bash"
# The completion offers what the command takes.
. "$QJIT_SOURCE/scripts/completion/qjit.bash"
compopt() { echo "compopt $*"; }
complete_line() {
    COMP_WORDS=("$@")
    COMP_CWORD=$(($# - 1))
    _qjit
    echo "$*: ${COMPREPLY[*]}"
}
complete_line qjit w
complete_line qjit help cl
complete_line qjit clear --s
complete_line qjit --json list --k
complete_line qjit compile --small
complete_line qjit info quantize_q8
complete_line qjit warm --kernel quantize_q8
complete_line qjit compile scale
complete_line qjit warm --arch gfx
complete_line qjit gguf --t
complete_line qjit gguf model
