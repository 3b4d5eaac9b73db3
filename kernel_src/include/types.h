// The block types that have a header of their own; those of blocks.h, dequantize.h, dot.h and
// mul_mat_weights.h need none. A source includes this behind the headers of its family, and of the types'
// headers the one that QJ_TYPE needs is read.
//
// A type's header gives its struct and element(); behind QJ_WITH_QUADS, which a source that decodes several
// elements at a time defines, its quads<N>(); behind QJ_WITH_DOT, for mat-vec, its dot_product<>; behind
// QJ_WITH_MUL_MAT its mul_mat_weights<>.
//
// One more type: its row here, one in units.def, one in QJ_MUL_MAT_TILES of tuning.h.
#pragma once

#define QJ_HEADER_OF_iq4_nl 1
#define QJ_HEADER_OF_iq4_xs 1
#define QJ_HEADER_OF_mxfp4  2
#define QJ_HEADER_OF_nvfp4  2

#define QJ_HEADER_OF_(type) QJ_HEADER_OF_##type
#define QJ_HEADER_OF(type)  QJ_HEADER_OF_(type)
#if QJ_HEADER_OF(QJ_TYPE) == 1
#include "iq4.h"
#elif QJ_HEADER_OF(QJ_TYPE) == 2
#include "fp4.h"
#endif
