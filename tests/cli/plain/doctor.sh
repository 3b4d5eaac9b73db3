. "$QJIT_SOURCE/tests/cli/common.bash"
# Findings have a form; the exit status says whether one is bad. What they say depends on the machine.
qjit doctor --json >findings
result=$?
jq -e '.findings | length > 3' findings
jq -e 'all(.findings[]; (.subject | length > 0) and (.found | length > 0) and (.advice | type) == "string" and
    (.health | IN("ok", "note", "bad")))' findings
jq -e '.healthy == all(.findings[]; .health != "bad")' findings
[ "$(jq .healthy findings)" = "$([ $result = 0 ] && echo true || echo false)" ] && echo "exit status: agrees"
[ "$(qjit doctor | awk '/^(ok|note|bad) /{print $2}')" = "$(jq -r '.findings[].subject' findings)" ] && echo "text: same"
QJIT_WORKER=/nowhere/qjit-worker qjit doctor >bad
echo "exit $?"
grep -c '^bad   *worker' bad
