. "$QJIT_SOURCE/tests/cli/common.bash"
# What a model needs is compiled, and nothing else; what has no kernels is named.
need_rtc
u32() { printf '%b' "$(printf '\\x%02x' $(($1 & 255)) $(($1 >> 8 & 255)) $(($1 >> 16 & 255)) $(($1 >> 24 & 255)))"; }
u64() { u32 "$1" && u32 0; }
text() { u64 ${#1} && printf %s "$1"; }
# tensor NAME TYPE OFFSET: 256 x 2
tensor() { text "$1" && u32 2 && u64 256 && u64 2 && u32 "$2" && u64 "$3"; }
{
    printf GGUF && u32 3 && u64 3 && u64 0
    tensor token_embd.weight 2 0 && tensor output.weight 16 288 && tensor blk.0.attn_k.weight 16 448
} >model.gguf
truncate -s 1024 model.gguf

qjit warm --arch $arch --model model.gguf --batch 1 2>&1 | sed 's/[0-9]*\.[0-9]* s\b/TIME/g'
qjit list --json | jq -r '.[].unit'
echo "--- again"
qjit warm --arch $arch --model model.gguf -b 1,8 -b 512
qjit warm --arch $arch --model model.gguf --json | jq -c '[.units, .compiled, .cached, .types_without_kernels]'
qjit warm --arch $arch --model model.gguf --quiet
