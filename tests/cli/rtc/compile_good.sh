. "$QJIT_SOURCE/tests/cli/common.bash"
need_rtc
cat >scale.hip <<'END'
#include "factor.h"
extern "C" __global__ void scale(float *x) { x[threadIdx.x] *= FACTOR * TWO; }
END
mkdir include
echo '#define FACTOR 3.0f' >include/factor.h
qjit compile scale.hip --arch $arch --header include/factor.h -D TWO=2.0f --option -O2 >out
echo "exit $?"
sed 's/[0-9][0-9]* bytes/N bytes/; /^scale  /s/  .*//' out
head -c 4 scale.gfx1030.hsaco | od -An -c
qjit compile scale.hip --arch $arch --header factor.h=include/factor.h -DTWO=2.0f --json -o other.hsaco >json
jq -c '[.file, .arch, .output, (.key | length), .log, [.kernels[] | [.name, .scratch_bytes, .wavefront_size, .n_args]]]' json
[ "$(jq .object_bytes json)" = "$(stat -c %s other.hsaco)" ] && echo "size: right"
qjit compile - --arch $arch --header include/factor.h -DTWO=2.0f -o - <scale.hip | cmp - other.hsaco
echo 'template <class T> __global__ void twice(T *x) { x[threadIdx.x] *= T(2); }' >twice.hip
qjit compile twice.hip --arch $arch --kernel 'twice<float>' --kernel 'twice<int>' --small-runtime --json |
    jq '.kernels | length'
# An existing file keeps its name through a link, a device is written to, not replaced.
ln -s other.hsaco link.hsaco
qjit compile twice.hip --arch $arch --kernel 'twice<int>' -o link.hsaco >/dev/null && [ -L link.hsaco ] && echo "link: kept"
qjit compile twice.hip --arch $arch --kernel 'twice<int>' -o /dev/null >/dev/null && [ -c /dev/null ] && echo "device: kept"
stat -c %a other.hsaco
ls
