. "$QJIT_SOURCE/tests/cli/common.bash"
# An arch that the compiler does not know is one line; the other archs are done all the same.
need_rtc
kernels=$(qjit list --kernels --json | jq -r '[.[].unit] | unique | length')
names=$(qjit list --kernels --json | jq -r '[group_by(.unit)[:2][][0].name] | join(",")')
qjit warm --arch gfx9999,$arch --kernel "$names" 2>lines >sum
echo "exit $?"
grep -c "gfx9999" lines
grep "gfx9999" lines | grep -c "$arch"
sed 's/in [0-9.]* s/in TIME/' sum
qjit warm --arch gfx9999,$arch --kernel "$names" --json >out
echo "exit $?"
jq -c '[.archs, .units, .compiled, .cached, .failed, .error.status, ([.failures[].status] | unique)]' out
