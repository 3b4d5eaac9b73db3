/* Rows of a table as f32. */
#ifndef QJ_TESTS_CPU_REF_GET_ROWS_H
#define QJ_TESTS_CPU_REF_GET_ROWS_H

#include "cpu_ref/cpu_ref.h"

/* The bytes of a row of that many elements, in whole blocks. type: that of a block, or "f32", "f16", "bf16".
 */
size_t ref_row_bytes(const char *type, size_t n_columns);

/* Element e of a row of "f32", "f16" or "bf16". */
float ref_plain_value(const char *type, const void *row, size_t e);

/* out[i * n_columns + e]: element e of row ids[i] of a table whose rows begin stride bytes apart. */
void ref_get_rows(float *out, const char *type, const void *table, size_t stride, const uint32_t *ids,
                  size_t n_ids, size_t n_columns);

#endif
