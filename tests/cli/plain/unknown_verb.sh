. "$QJIT_SOURCE/tests/cli/common.bash"
qjit wram
