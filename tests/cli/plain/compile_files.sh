. "$QJIT_SOURCE/tests/cli/common.bash"
# What is wrong with the files is said before anything is compiled, and leaves nothing behind.
exec 2>&1
printf 'a\0b' >zero.hip
mkdir folder
echo 'extern "C" __global__ void k() {}' >k.hip
try qjit compile missing.hip --arch gfx1030
try qjit compile folder --arch gfx1030
try qjit compile zero.hip --arch gfx1030
try qjit compile k.hip --arch gfx1030 --header missing.h
try qjit compile k.hip --arch all
try qjit compile k.hip --arch gfx1030,gfx906
qjit compile missing.hip --arch gfx1030 --json | jq -r '.error.status'
ls
