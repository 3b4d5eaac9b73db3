. "$QJIT_SOURCE/tests/cli/common.bash"
# An arch that the compiler does not know is compiled for its family's generic target, if that was asked for.
need_rtc
archs=" $(qjit doctor --json | jq -r '.findings[] | select(.subject == "archs") | .found') "
case $archs in
*" gfx1154 "*) echo "skipped: the compiler here knows gfx1154" && exit 77 ;;
*" gfx11-generic "*) ;;
*) echo "skipped: the compiler here knows no gfx11-generic" && exit 77 ;;
esac
kernel=$(qjit list --kernels --json | jq -r '.[0].name')
show='[.compiled, .cached, .failed, .error.status]'
qjit warm --arch gfx1154 --kernel "$kernel" --json | jq -c "$show"
export QJIT_GENERIC_ARCH=1
qjit warm --arch gfx1154 --kernel "$kernel" --json | jq -c "$show"
qjit warm --arch gfx1154 --kernel "$kernel" --json | jq -c "$show"
qjit list --json | jq -c '[.[].arch]'
qjit explain "$kernel" --arch gfx1154 --json | jq -c '[.hit, .ingredients[0].value]'
qjit info "$kernel" --arch gfx1154 --json | jq .scratch_bytes
# One that the compiler knows is compiled for itself; one without a generic target is as unknown as before.
qjit warm --arch gfx1100 --kernel "$kernel" --json | jq -c "$show"
qjit list --arch gfx1100 --json | jq length
# What is stored for itself takes no worker, which else would be asked for the archs.
QJIT_WORKER=/nowhere qjit warm --arch gfx1100 --kernel "$kernel" --json | jq -c "$show"
qjit warm --arch gfx9999 --kernel "$kernel" --json | jq -c "$show"
