. "$QJIT_SOURCE/tests/cli/common.bash"
# The contract of `list --kernels --json`, and the table says the same.
qjit list --kernels --json >kernels || exit 1
jq -e 'type == "array" and length > 0' kernels
jq -e 'all(.[]; (.name | type) == "string" and (.module | type) == "string" and (.unit | type) == "string" and
    (.aliases | type) == "array")' kernels
jq -e '[.[].name] | length == (unique | length)' kernels
[ "$(qjit list --kernels | sed 1d | awk '{print $1}')" = "$(jq -r '.[].name' kernels)" ] && echo "table: same"
module=$(jq -r '.[0].module' kernels)
unit=$(jq -r '.[0].unit' kernels)
[ "$(qjit list --kernels --module "$module" --json | jq length)" = \
    "$(jq --arg m "$module" '[.[] | select(.module == $m)] | length' kernels)" ] && echo "module: same"
[ "$(qjit list --kernels --unit "$unit" --json | jq length)" = \
    "$(jq --arg u "$unit" '[.[] | select(.unit == $u)] | length' kernels)" ] && echo "unit: same"
qjit list --kernels --module nope
qjit list --kernels --module nope --json
