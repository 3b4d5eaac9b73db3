. "$QJIT_SOURCE/tests/cli/common.bash"
# The second time nothing is compiled, and that is said.
need_rtc
kernel=$(qjit list --kernels --json | jq -r '.[0].name')
qjit warm --arch $arch --kernel "$kernel" --json >first
echo "exit $?"
wc -l <first
jq -c '[.archs, .units, .compiled, .cached, .failed, (.seconds | type), .interrupted, .failures]' first
qjit warm --arch $arch --kernel "$kernel" --json | jq -c '[.archs, .units, .compiled, .cached, .failed]'
qjit warm --arch $arch --kernel "$kernel"
qjit warm --arch $arch --kernel "$kernel" --quiet
echo "exit $?"
qjit warm --arch $arch --kernel "$kernel" --verbose 2>&1 | sed "s/$kernel/KERNEL/; s/ [a-z0-9_]*: in the/ UNIT: in the/"
