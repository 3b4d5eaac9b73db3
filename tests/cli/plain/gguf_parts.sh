. "$QJIT_SOURCE/tests/cli/common.bash"
# A model in two files is listed as one; a part alone only if that is asked for.
part() { # part FILE NUMBER TENSOR
    printf 'GGUF\x03\0\0\0\x01\0\0\0\0\0\0\0\x02\0\0\0\0\0\0\0' >"$1"
    printf '\x08\0\0\0\0\0\0\0split.no\x02\0\0\0\x0'"$2"'\0' >>"$1"
    printf '\x0b\0\0\0\0\0\0\0split.count\x02\0\0\0\x02\0' >>"$1"
    printf '\x01\0\0\0\0\0\0\0%s\x01\0\0\0\x04\0\0\0\0\0\0\0\x18\0\0\0\0\0\0\0\0\0\0\0' "$3" >>"$1"
    truncate -s $((($(stat -c %s "$1") + 31) / 32 * 32 + 4)) "$1"
}
part m-00001-of-00002.gguf 0 a
part m-00002-of-00002.gguf 1 b
qjit gguf m-00001-of-00002.gguf --tensors
qjit gguf m-00001-of-00002.gguf --json | jq -c '[.n_parts, .parts[].file]'
try qjit gguf m-00002-of-00002.gguf 2>&1
qjit gguf m-00002-of-00002.gguf --part --tensors
rm m-00002-of-00002.gguf
try qjit gguf m-00001-of-00002.gguf 2>&1
