. "$QJIT_SOURCE/tests/cli/common.bash"
exec 2>&1
try qjit info nope --arch gfx1030
try qjit explain nope --arch gfx1030
try qjit warm --arch gfx1030 --kernel nope
try qjit warm --arch gfx1030 --module nope
for line in 'info nope --arch gfx1030' 'explain nope' 'warm --arch gfx1030 --kernel nope'; do
    qjit $line --json | jq -r .error.status
done
qjit warm --arch gfx1030 --kernel nope --json |
    jq -c '[.archs, .units, .compiled, .cached, .failed, (.seconds | type)]'
