. "$QJIT_SOURCE/tests/cli/common.bash"
# What cannot work is one line on stderr and exit status 1, whatever this version of hipRTC would do by itself: no
# directory for temporary files, an arch that it does not know, a source that does not compile.
need_rtc
kernel=$(qjit list --kernels --json | jq -r '.[0].name')

# one_line WORD COMMAND...
one_line() {
    local word=$1
    shift
    "$@" >out 2>lines
    echo "exit $?, $(wc -l <lines) line, $(grep -c "$word" lines) about it, $(wc -c <out) bytes of output"
}

one_line "'/nowhere/at/all'" env TMPDIR=/nowhere/at/all qjit warm --arch $arch --kernel "$kernel" --quiet
for unknown in gfx9999 gfx1030:xnack+ GFX1030 native2 gfx90a:foo+; do
    one_line "'$unknown'" qjit warm --arch $unknown --kernel "$kernel" --quiet
done
echo 'extern "C" __global__ void k(int *x) { *x = y; }' >broken.hip
qjit compile broken.hip --arch $arch --json | jq -c '[.error.status, (.error.detail | split("\n") | length)]'
# In text the compiler's log follows that line.
qjit compile broken.hip --arch $arch 2>&1 | grep -q "undeclared identifier 'y'" && echo log
ls
