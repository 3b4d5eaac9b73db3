. "$QJIT_SOURCE/tests/cli/common.bash"
qjit --version
qjit stat --version
