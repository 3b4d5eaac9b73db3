. "$QJIT_SOURCE/tests/cli/common.bash"
# QJIT_FORBID_COMPILE=1 proves that nothing is compiled.
need_rtc
kernel=$(qjit list --kernels --json | jq -r '.[0].name')
QJIT_FORBID_COMPILE=1 qjit warm --arch $arch --kernel "$kernel" --json >out
echo "exit $?"
jq -c '[.compiled, .failed, .error.status]' out
QJIT_FORBID_COMPILE=1 qjit info "$kernel" --arch $arch --json | jq -r .error.status
qjit warm --arch $arch --kernel "$kernel" --quiet
QJIT_FORBID_COMPILE=1 qjit warm --arch $arch --kernel "$kernel" --json | jq -c '[.compiled, .cached, .failed]'
QJIT_FORBID_COMPILE=1 qjit info "$kernel" --arch $arch --json | jq .from_store
