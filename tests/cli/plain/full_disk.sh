. "$QJIT_SOURCE/tests/cli/common.bash"
# Output that cannot be written is an error with a line, never a silent success.
exec 2>&1
[ -e /dev/full ] || { echo "skipped: no /dev/full"; exit 77; }
for line in 'list --kernels' 'list --kernels --json' 'stat --json' 'doctor' '--help' '--version'; do
    qjit $line >/dev/full
    echo "exit $?"
done
qjit stat >&-
echo "exit $?"
# Nothing that is opened later takes the place of what was closed.
qjit stat --json <&- 2>&- | jq -r .entries
