. "$QJIT_SOURCE/tests/cli/common.bash"
# list, stat and clear agree about what warm has put there.
need_rtc
names=$(qjit list --kernels --json | jq -r '[group_by(.unit)[:2][][0].name] | join(",")')
units=($(qjit list --kernels --json | jq -r '[group_by(.unit)[:2][][0].unit] | .[]'))
qjit warm --arch gfx1030,gfx906 --kernel "$names" --quiet
qjit list --json >rows
jq -e 'length == 4 and all(.[]; (.key | test("^[0-9a-f]{64}$")) and (.kernels | type) == "array" and
    (.kernels | length) > 0 and .object_bytes > 0 and .stored_bytes > 0 and .stale == false and .created > 1e9 and
    .used > 1e9 and (.compiler | length) > 0 and (.options | type) == "string" and (.module | length) > 0)' rows
[ "$(qjit list | sed 1d | wc -l)" = 4 ] && echo "table: same"
qjit list --arch gfx906 --json | jq -c '[length, ([.[].arch] | unique)]'
[ "$(qjit list --unit "${units[0]}" --json | jq length)" = 2 ] && echo "unit: 2"
qjit stat --json >stat
jq -c '[.entries, .misses, .compiles, .failed, .refused, (.compile_seconds > 0)]' stat
[ "$(jq '[.[].object_bytes] | add' rows)" = "$(jq .object_bytes stat)" ] && echo "bytes: same"
qjit clear --older-than 1d
qjit clear --stale --json
qjit clear --arch gfx906 --unit "${units[0]}"
qjit clear --arch gfx906 --json
qjit clear --all
qjit list
