. "$QJIT_SOURCE/tests/cli/common.bash"
# No ROCm: one line that says what to do, and doctor says the same. What needs none works on.
exec 2>&1
export QJIT_HIP="$PWD/nowhere/libamdhip64.so"
one_line() {
    "$@" >out 2>&1
    echo "exit $?, $(wc -l <out) line: $(grep -c 'nowhere/libamdhip64.so' out)"
}
one_line qjit warm
one_line qjit warm --arch all
one_line qjit compile - --arch gfx1030 -o x.hsaco < <(echo 'extern "C" __global__ void k() {}')
one_line qjit info "$(qjit list --kernels --json | jq -r '.[0].name')" --arch gfx1030
qjit warm --arch gfx1030 --json >out
echo "exit $?"
jq -r '.error.status, (.units > 0 and .failed == .units)' out
qjit doctor >findings
echo "doctor exit $?"
grep -c '^bad  *hip ' findings
qjit doctor --json | jq -c '[.healthy, (.findings | map(select(.subject == "hip"))[0].health)]'
qjit list --kernels --json | jq 'length > 0'
qjit stat >/dev/null && echo "stat works"
[ -e x.hsaco ] && echo "a file was left behind"
exit 0
