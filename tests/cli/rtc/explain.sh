. "$QJIT_SOURCE/tests/cli/common.bash"
# A miss names what differs.
need_rtc
kernel=$(qjit list --kernels --json | jq -r '.[0].name')
qjit explain "$kernel" --arch $arch | tail -n 1 | sed "s/'.*'/UNIT/"
qjit warm --kernel "$kernel" --arch $arch --quiet
qjit explain "$kernel" --arch $arch | tail -n 1
qjit explain "$kernel" --arch $arch --json >hit
jq -c '[.hit, .differing, [.ingredients[].name]]' hit
[ "$(jq -r .key hit)" = "$(qjit list --json | jq -r '.[0].key')" ] && echo "key: that of the row"
qjit explain "$kernel" --arch gfx906 | grep -A 1 '^\*'
qjit explain "$kernel" --arch gfx906 | tail -n 1
qjit explain "$kernel" --arch gfx906 --json | jq -c '[.hit, .differing]'
