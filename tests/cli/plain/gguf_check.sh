. "$QJIT_SOURCE/tests/cli/common.bash"
# Tensors compared on a device that copies memory and runs nothing, which is enough for plain floats; and what is said
# where there is no device, or a broken one. tests/model has the other types.
u32() { printf '%b' "$(printf '\\x%02x' $(($1 & 255)) $(($1 >> 8 & 255)) $(($1 >> 16 & 255)) $(($1 >> 24 & 255)))"; }
u64() { u32 "$1" && u32 0; }
text() { u64 ${#1} && printf %s "$1"; }
# tensor NAME TYPE OFFSET DIM...
tensor() {
    text "$1" && u32 $(($# - 3))
    for dim in "${@:4}"; do u64 "$dim"; done
    u32 "$2" && u64 "$3"
}
{
    printf GGUF && u32 3 && u64 5 && u64 0
    tensor $'odd\nname' 0 0 4 2 && tensor empty 0 32 0 && tensor scalar 0 32 && tensor index 26 64 2 && tensor old 16 96 256
} >model.gguf
truncate -s $((($(stat -c %s model.gguf) + 31) / 32 * 32)) model.gguf
{ u32 0x3f800000 && u32 0x7fc00000 && u32 0xff800000 && head -c 500 /dev/zero; } >>model.gguf

export QJIT_HIP=$QJIT_BUILD/tests/libfake_hip.so
try qjit gguf model.gguf --check
qjit gguf model.gguf --check --json | jq -c 'del(.tensors), .tensors[]'

echo "--- no device, or a broken one"
FAKE_HIP_DEVICES=0 try qjit gguf model.gguf --check 2>&1
FAKE_HIP_FAIL=hipMalloc:1:2 try qjit gguf model.gguf --check 2>&1
FAKE_HIP_FAIL=hipMemcpy:1 try qjit gguf model.gguf --check --json 2>&1
try qjit gguf model.gguf --check --hip /nowhere/libamdhip64.so 2>&1
