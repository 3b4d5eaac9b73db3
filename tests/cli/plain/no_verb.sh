. "$QJIT_SOURCE/tests/cli/common.bash"
# The help goes to stderr: nothing was asked for.
qjit 2>text
result=$?
qjit --help | cmp - text
exit $result
