. "$QJIT_SOURCE/tests/cli/common.bash"
# Damaged model files, put together here byte by byte: whatever takes a model file says the same one line.
bytes() { printf '%b' "$(printf '\\x%02x' "$@")"; }
u32() { bytes $(($1 & 255)) $(($1 >> 8 & 255)) $(($1 >> 16 & 255)) $(($1 >> 24 & 255)); }
u64() { u32 $(($1 & 0xffffffff)) && u32 $(($1 >> 32)); }
text() { u64 ${#1} && printf %s "$1"; }
# header TENSORS ENTRIES
header() { printf GGUF && u32 3 && u64 "$1" && u64 "$2"; }
# tensor NAME TYPE OFFSET: 32 x 2
tensor() { text "$1" && u32 2 && u64 32 && u64 2 && u32 "$2" && u64 "$3"; }
zeros() { head -c "$1" /dev/zero; }

{ header 1 0 && tensor weight 2 0; } >truncated.gguf
{ header 2 0 && tensor one 2 0 && tensor two 2 32 && zeros 128; } >overlapping.gguf
{ header 0x1000000000000000 0 && zeros 64; } >huge_count.gguf
{ header 1 1 && text general.alignment && u32 4 && u32 24 && tensor weight 2 0 && zeros 128; } >bad_alignment.gguf
{ header 1 0 && tensor weight 2 8 && zeros 128; } >unaligned.gguf
{ printf GGUF && bytes 0 0 0 3 && zeros 128; } >wrong_endian.gguf
{ header 1 0 && tensor weight 200 0 && zeros 128; } >unknown_type.gguf
{ header 1 1 && text split.count && u32 2 && bytes 3 0 && tensor weight 2 0 && zeros 128; } >part-00001-of-00003.gguf

for file in *.gguf; do
    qjit gguf "$file" >listed 2>error
    echo "exit $? $(wc -c <listed) $(wc -l <error)"
    cat error
    qjit gguf "$file" --check >listed 2>other
    echo "exit $? $(wc -c <listed) $(cmp error other && echo same)"
    qjit warm --arch $arch --model "$file" >listed 2>other
    echo "exit $? $(wc -c <listed) $(sed s/warm/gguf/ other | cmp error - && echo same)"
done

echo "--- what makes no sense"
try qjit warm --arch $arch --batch 1 2>&1
try qjit warm --arch $arch --model truncated.gguf --batch 1,0 2>&1
try qjit warm --arch $arch --model truncated.gguf --kernel quantize_q8_1 2>&1
try qjit gguf truncated.gguf --check --tensors 2>&1
