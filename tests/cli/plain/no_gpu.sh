. "$QJIT_SOURCE/tests/cli/common.bash"
# Without a GPU an arch must be named.
exec 2>&1
qjit doctor --json >findings
jq -e 'any(.findings[]; .subject == "devices" and .health == "ok")' findings >/dev/null &&
    { echo "skipped: there is a GPU"; exit 77; }
jq -e 'any(.findings[]; .subject == "hip" and .health == "ok")' findings >/dev/null ||
    { echo "skipped: no HIP runtime"; exit 77; }
try qjit warm
try qjit warm --arch native
try qjit info "$(qjit list --kernels --json | jq -r '.[0].name')"
qjit warm --json | jq -r .error.status
