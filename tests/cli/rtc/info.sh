. "$QJIT_SOURCE/tests/cli/common.bash"
need_rtc
kernel=$(qjit list --kernels --json | jq -r '.[0].name')
qjit info "$kernel" --arch $arch --json >first
jq -e --arg k "$kernel" '.name == $k and (.key | test("^[0-9a-f]{64}$")) and .vgprs > 0 and .sgprs > 0 and .agprs == 0 and
    .lds_bytes >= 0 and .scratch_bytes == 0 and .wavefront_size == 32 and .max_workgroup > 0 and .kernarg_bytes > 0 and
    .n_args > 0 and .object_bytes > 0 and .arch == "gfx1030" and (.aliases | type) == "array"' first
jq .from_store first
qjit info "$kernel" --arch $arch --json | jq .from_store
qjit info "$kernel" --arch $arch | awk -F '  +' '{print $1}'
qjit info "$kernel" --arch gfx90a --json | jq .wavefront_size
qjit info "$kernel" --arch gfx9999 --json >unknown
echo "exit $?"
jq -r .error.status unknown
