. "$QJIT_SOURCE/tests/cli/common.bash"
# Off a terminal: one line on stderr for each unit compiled, the sum on stdout.
need_rtc
unit=$(qjit list --kernels --json | jq -r '.[0].unit')
qjit warm --arch $arch,$arch --kernel "$(qjit list --kernels --json | jq -r '.[0].name')" 2>lines >sum
echo "exit $?"
sed "s/$unit/UNIT/; s/in [0-9.]* s/in TIME/" lines sum
