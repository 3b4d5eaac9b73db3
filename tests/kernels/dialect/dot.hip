// Integer dot products: four signed bytes by four, added to 32 bits that wrap.

static __device__ __forceinline__ int dot4(int a, int b, int c)
{
#if defined(__HIP_PLATFORM_NVIDIA__)
    return __dp4a(a, b, c);
#elif defined(__gfx906__) || defined(__gfx908__) || defined(__gfx90a__) || defined(__gfx942__) ||                \
    defined(__gfx1011__) || defined(__gfx1012__) || defined(__gfx1030__) || defined(__gfx1031__) ||              \
    defined(__gfx1032__) || defined(__gfx1034__)
    return __builtin_amdgcn_sdot4(a, b, c, false);
#elif defined(__gfx1100__) || defined(__gfx1101__) || defined(__gfx1102__) || defined(__gfx1151__) ||            \
    defined(__gfx1200__) || defined(__gfx1201__)
    return __builtin_amdgcn_sudot4(true, a, true, b, c, false);
#else
    unsigned sum = (unsigned)c;
    for (int i = 0; i < 32; i += 8) {
        sum += (unsigned)((int)(signed char)(a >> i) * (int)(signed char)(b >> i));
    }
    return (int)sum;
#endif
}

extern "C" __global__ void dots(int *out, const int *a, const int *b, const int *c, int n)
{
    const int i = (int)(blockIdx.x * blockDim.x + threadIdx.x);
    if (i < n) {
        out[i] = dot4(a[i], b[i], c[i]);
    }
}
