. "$QJIT_SOURCE/tests/cli/common.bash"
qjit list
qjit list --json
qjit list --unit nope
qjit stat --json | jq -c '[.entries, .object_bytes, .stored_bytes, .hits, .misses, .refused, .compiles, .failed,
    .compile_seconds, .memory_reason]'
qjit stat --json | jq -c '[.store_hits, .memory_hits, .shipped_hits, .added_hits, .absent, .other_compiler, .other_source,
    .damaged, .evicted, .waits, .wait_seconds, .saved_seconds]'
qjit stat --json | jq -c '[(.path | type), (.file_bytes | type)]'
qjit stat | sed 's/  .*//'
qjit clear --all
qjit clear --all --json
qjit clear --arch gfx1030 --older-than 30d
