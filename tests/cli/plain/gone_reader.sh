. "$QJIT_SOURCE/tests/cli/common.bash"
# A reader that went away is an error with a line, not a death by signal.
exec 4> >(exit 0)
wait $!
qjit help warm >&4
