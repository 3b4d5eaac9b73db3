. "$QJIT_SOURCE/tests/cli/common.bash"
# The log is there, the exit status is 1, no file is left, and an older result stays as it was.
need_rtc
printf 'extern "C" __global__ void k() {\n  undeclared = 1;\n}\n' >bad.hip
echo old >bad.gfx1030.hsaco
qjit compile bad.hip --arch $arch 2>log
echo "exit $?"
grep -c '^qjit: compile: ' log
grep -q 'undeclared identifier' log && echo log
head -n 1 log | grep -c 'bad'
cat bad.gfx1030.hsaco
qjit compile bad.hip --arch $arch --json >json
echo "exit $?"
jq -r '.error.status, (.error.log | test("undeclared identifier"))' json
printf '#error "not today"\n' | qjit compile - --arch $arch 2>&1 | grep -q 'not today' && echo 'from standard input'
echo 'extern "C" __global__ void k() {}' >good.hip
qjit compile good.hip --arch $arch --option --nonsense --json | jq -r .error.status
qjit compile good.hip --arch $arch --kernel absent --json | jq -r .error.status
qjit compile good.hip --arch gfx9999 --json | jq -r .error.status
qjit compile good.hip --arch $arch -o /dev/full 2>&1
echo "exit $?"
qjit compile good.hip --arch $arch -o nowhere/x.hsaco 2>&1
echo "exit $?"
ls
