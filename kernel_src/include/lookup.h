// Quants that are places in a table of sixteen signed bytes.
//
// A table is a struct with the bytes as four little-endian words W0 to W3, which stay immediate operands.
#pragma once

#include "dialect.h"

// The table's byte at `place`, 0 to 15.
template <typename Table> QJ_DEVICE int look_up_one(unsigned place)
{
    const uint32_t lower = place & 4 ? (uint32_t)Table::W1 : (uint32_t)Table::W0;
    const uint32_t upper = place & 4 ? (uint32_t)Table::W3 : (uint32_t)Table::W2;
    return (int8_t)((place & 8 ? upper : lower) >> (place % 4 * 8));
}

// The bytes for four low nibbles, and those for the four high nibbles of the same bytes.
//
// Byte permutations choose among eight bytes, by three bits: both halves of the table are asked, and the
// fourth bit chooses between the two answers.
#if defined(__HIP_PLATFORM_NVIDIA__)
// Places are nibbles here, four at a time: low and high ones alternate until they are parted at the end.
template <typename Table> QJ_DEVICE uint32_t look_up_four(uint32_t nibbles)
{
    const uint32_t choice = (nibbles >> 1 & 0x4444u) | 0x3210u;
    const uint32_t low = __byte_perm(Table::W0, Table::W1, nibbles & 0x7777u);
    return __byte_perm(low, __byte_perm(Table::W2, Table::W3, nibbles & 0x7777u), choice);
}

template <typename Table> QJ_DEVICE void look_up(uint32_t &low, uint32_t &high, uint32_t nibbles)
{
    const uint32_t first = look_up_four<Table>(nibbles), second = look_up_four<Table>(nibbles >> 16);
    low = __byte_perm(first, second, 0x6420);
    high = __byte_perm(first, second, 0x7531);
}
#else
#if defined(__GFX8__) || defined(__GFX9__) || defined(__GFX10__) || defined(__GFX11__) || defined(__GFX12__)
template <typename Table> QJ_DEVICE uint32_t look_up_four(uint32_t places)
{
    const uint32_t choice = (places >> 1 & 0x04040404u) | 0x03020100u, in_half = places & 0x07070707u;
    const uint32_t low = __builtin_amdgcn_perm((uint32_t)Table::W1, (uint32_t)Table::W0, in_half);
    const uint32_t high = __builtin_amdgcn_perm((uint32_t)Table::W3, (uint32_t)Table::W2, in_half);
    return __builtin_amdgcn_perm(high, low, choice);
}
#else
template <typename Table> QJ_DEVICE uint32_t look_up_four(uint32_t places)
{
    uint32_t out = 0;
#pragma unroll
    for (unsigned i = 0; i < 4; i++)
        out |= (uint32_t)(uint8_t)look_up_one<Table>(places >> (8 * i) & 0xf) << (8 * i);
    return out;
}
#endif

template <typename Table> QJ_DEVICE void look_up(uint32_t &low, uint32_t &high, uint32_t nibbles)
{
    low = look_up_four<Table>(nibbles & 0x0f0f0f0fu);
    high = look_up_four<Table>(nibbles >> 4 & 0x0f0f0f0fu);
}
#endif

// The bytes for the nibbles at bit `shift`, 0 or 4, of each byte of one or two words.
#if defined(__HIP_PLATFORM_NVIDIA__)
template <typename Table>
QJ_DEVICE void look_up_at(uint32_t (&out)[1], const uint32_t (&words)[1], unsigned shift)
{
    const uint32_t places = words[0] >> shift & 0x0f0f0f0fu;
    out[0] = look_up_four<Table>(__byte_perm(places | places >> 4, 0, 0x4420));
}

template <typename Table>
QJ_DEVICE void look_up_at(uint32_t (&out)[2], const uint32_t (&words)[2], unsigned shift)
{
    look_up<Table>(out[0], out[1],
                   (words[0] >> shift & 0x0f0f0f0fu) | (words[1] << (4 - shift) & 0xf0f0f0f0u));
}
#else
template <typename Table, int N>
QJ_DEVICE void look_up_at(uint32_t (&out)[N], const uint32_t (&words)[N], unsigned shift)
{
#pragma unroll
    for (int i = 0; i < N; i++)
        out[i] = look_up_four<Table>(words[i] >> shift & 0x0f0f0f0fu);
}
#endif
