/* Launches of so many elements, or so few, that arithmetic of 32 bits would go wrong; and, with -DWRONG=, an
 * argument that no kernel takes, which must not compile. */
#include <cstdio>
#include <qjit/qjit.hpp>

static bool expect(std::uint64_t n, unsigned n_threads, unsigned grid, unsigned block)
{
    const auto config = qjit::LaunchConfig::for_elements(n, n_threads);
    const bool good = config.grid[0] == grid && config.block[0] == block && config.lds_bytes == 0;
    if (!good) {
        std::fprintf(stderr, "grid %u, block %u for %llu elements\n", config.grid[0], config.block[0],
                     static_cast<unsigned long long>(n));
    }
    return good;
}

#ifdef WRONG
void launch(qjit::Function &kernel, const qjit::Buffer &buffer)
{
    kernel.launch({}, buffer, WRONG);
}
#endif

int main()
{
    const bool good = expect(0, 64, 1, 64) && expect(65, 64, 2, 64) && expect(5, 0, 1, 256) &&
                      expect(UINT64_MAX, 1024, UINT32_MAX / 1024, 1024);
    return good ? 0 : 1;
}
