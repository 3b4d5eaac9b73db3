. "$QJIT_SOURCE/tests/cli/common.bash"
# One clear line each, exit status 2.
exec 2>&1
try qjit --nope stat
try qjit warm --nope
try qjit warm -Z
try qjit warm --arch
try qjit warm --arch ''
try qjit warm --arch gfx1030,,gfx906
try qjit warm --arch gfx1030,
try qjit warm --json=1
try qjit warm --jobs 0
try qjit warm --jobs many
try qjit warm --jobs 99999999999999999999
try qjit warm gfx1030
try qjit list --unit a --unit b
try qjit list --kernels --arch gfx1030
try qjit info
try qjit info a b
try qjit explain
try qjit compile
try qjit clear
try qjit clear --older-than 30
try qjit clear --older-than 3w
try qjit clear --older-than 0d
try qjit clear --older-than -5d
try qjit clear --older-than 99999999999999999d
try qjit clear --all --stale
try qjit help nope
try qjit help warm list
try qjit compile - --json -o -
QJIT_LOG=loud try qjit stat
