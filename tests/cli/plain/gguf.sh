. "$QJIT_SOURCE/tests/cli/common.bash"
# Model files, put together here byte by byte: what is listed, as text and as JSON, and what is refused.
bytes() { printf '%b' "$(printf '\\x%02x' "$@")"; }
u32() { bytes $(($1 & 255)) $(($1 >> 8 & 255)) $(($1 >> 16 & 255)) $(($1 >> 24 & 255)); }
u64() { u32 $(($1 & 0xffffffff)) && u32 $(($1 >> 32)); }
text() { u64 ${#1} && printf %s "$1"; }
key() { text "$1" && u32 "$2"; }
# header TENSORS ENTRIES
header() { printf GGUF && u32 3 && u64 "$1" && u64 "$2"; }
# tensor NAME TYPE OFFSET DIM...
tensor() {
    text "$1" && u32 $(($# - 3))
    for dim in "${@:4}"; do u64 "$dim"; done
    u32 "$2" && u64 "$3"
}
# pad FILE DATA_BYTES: up to a multiple of 32, then so many zeros.
pad() { truncate -s $((($(stat -c %s "$1") + 31) / 32 * 32 + $2)) "$1"; }

{
    header 3 7
    key general.name 8 && text 'a "small" model'
    key lines 8 && printf '\x09\0\0\0\0\0\0\0one\ntwo\e['
    key big 10 && u64 -1
    key epsilon 6 && u32 0x358637bd
    key infinite 12 && u64 0x7ff0000000000000
    key tokens 9 && u32 8 && u64 10 && for i in 0 1 2 3 4 5 6 7 8 9; do text "t$i"; done
    key nested 9 && u32 9 && u64 2 && u32 7 && u64 1 && bytes 1 && u32 5 && u64 2 && u32 -7 && u32 7
    tensor blk.0.weight 12 0 512 3
    tensor blk.0.bias 0 864 3
    tensor scalar 26 896
} >model.gguf
pad model.gguf 900

qjit gguf model.gguf
echo "--- only the metadata, whole"
qjit gguf model.gguf --metadata --arrays
echo "--- only the tensors"
qjit gguf model.gguf --tensors
echo "--- JSON"
qjit gguf model.gguf --json >json && jq -c '.metadata[] | select(.key != "big")' json && jq -c '.tensors[]' json
jq -c 'del(.metadata, .tensors)' json
grep -o '"big".*18446744073709551615' json
qjit gguf model.gguf --json --arrays --metadata | jq -c '.tensors, (.metadata[5].value | length)'

echo "--- what is refused"
head -c 1000 model.gguf >cut.gguf
try qjit gguf cut.gguf 2>&1
try qjit gguf cut.gguf --json
echo '<html>' >page.gguf
try qjit gguf page.gguf 2>&1
{ printf GGUF && bytes 0 0 0 3 && u64 0 && u64 0; } >big.gguf
try qjit gguf big.gguf 2>&1
{ header 1 0 && tensor t 99 0 32; } >type.gguf
try qjit gguf type.gguf 2>&1
try qjit gguf nowhere.gguf 2>&1
try qjit gguf 2>&1
