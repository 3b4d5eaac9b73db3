/* Whether a row that came from elsewhere is what it says it is. */
#ifndef QJ_JUDGE_H
#define QJ_JUDGE_H

#include "cache/cache.h"

/* NULL, or why the row is refused, valid until this thread's next failure: a text in it has control
 * characters, its key is not the digest of its ingredients, or its code object is not one for its arch with
 * its kernels. */
const char *qj_judge_entry(const struct qj_entry *entry);

/* True if the row's texts can be shown: they have no control characters. */
bool qj_judge_texts(const struct qj_row *row);

#endif
