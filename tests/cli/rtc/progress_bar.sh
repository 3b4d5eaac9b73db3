. "$QJIT_SOURCE/tests/cli/common.bash"
# On a terminal a bar is drawn and taken away again: what is left on the screen is the sum.
need_rtc
need script
kernel=$(qjit list --kernels --json | jq -r '.[0].name')
script -qec "stty cols 40; qjit warm --arch $arch --kernel $kernel" /dev/null >typescript
echo "exit $?"
tr '\r' '\n' <typescript | grep -c '^.\[K\[[#.]*\] [0-9]*/1'
# The terminal's own view: what follows the last return and clear of each line.
sed 's/.*\x1b\[K//; s/\r$//; s/in [0-9.]* s/in TIME/' typescript
tr '\r' '\n' <typescript | sed 's/^\x1b\[K//' | awk '/^\[/ && length > 39 {print "too wide: " $0}'
script -qec "qjit warm --arch $arch --kernel $kernel --quiet" /dev/null | od -c
