. "$QJIT_SOURCE/tests/cli/common.bash"
# A byte that has changed on disk: verify finds it, removes that row alone, and compiles it again if asked to.
need_rtc
need sqlite3
kernels=$(qjit list --kernels --json | jq -r '[group_by(.unit)[:3][][0].name] | join(",")')
damage() {
    sqlite3 "$QJIT_CACHE_DIR/store.sqlite" "UPDATE entry SET payload = CAST(substr(payload, 1, 999) || x'5a' ||
        substr(payload, 1001) AS BLOB) WHERE id = (SELECT min(id) FROM entry WHERE hex(substr(payload, 1000, 1)) <> '5A')"
}
qjit warm --arch $arch --kernel "$kernels" --quiet
try qjit verify
damage
qjit verify --json 2>lines | jq -c '[.rows, .removed, .rebuilt, (.faults[] | .arch, .reason, (.kernels | length > 0))]'
sed "s/'[0-9a-f]*\.\.\.'/ROW/" lines
try qjit verify
qjit stat --json | jq -c '[.entries, .refused]'
qjit warm --arch $arch --kernel "$kernels" --quiet
damage
try qjit verify --rebuild 2>/dev/null
try qjit verify
qjit gc --max-size 1K --json | jq -c .removed
qjit stat --json | jq -c .entries
try qjit gc --max-size 12 2>&1
