. "$QJIT_SOURCE/tests/cli/common.bash"
# A store that cannot be: said once, and the command goes on in memory.
exec 2>&1
echo text >file
qjit --cache-dir file/store list >out 2>&1
echo "exit $?"
grep -c '^qjit: warning: ' out
grep -v '^qjit: warning:' out
qjit --cache-dir file/store stat --json 2>/dev/null | jq -c '[.path, (.memory_reason | length > 0), .entries]'
QJIT_LOG=error try qjit --cache-dir /proc/nope list
QJIT_LOG=error try qjit --cache-dir /proc/nope/deeper clear --all --json
QJIT_LOG=error qjit --cache-dir /proc/nope doctor | grep -c '^bad  *store '
