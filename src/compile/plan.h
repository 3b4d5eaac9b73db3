/* A plan is everything that shapes a code object. hipRTC is called with the members of this struct and
 * nothing else, and the key is the digest of the same members: the two cannot drift apart. */
#ifndef QJ_COMPILE_PLAN_H
#define QJ_COMPILE_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <qjit/qjit.h>

#include "base/digest.h"
#include "registry/registry.h"

#define QJ_PLAN_FORMAT "1" /* bumped when the meaning of a field changes */

enum { QJ_PLAN_OPTIONS_MAX = 64 };

struct qj_plan {
    char arch[128];                          /* canonical */
    const char *unit, *module, *source_name; /* for people; not in the key */
    const char *source;
    size_t source_bytes;
    const qjit_header *headers; /* the run-time header is among them if it is ours */
    size_t n_headers;
    const char *options[QJ_PLAN_OPTIONS_MAX]; /* exactly what hipRTC is given, --offload-arch first */
    size_t n_options;
    const char *const *kernels; /* names or name expressions, in the unit's order */
    size_t n_kernels;
    const char *compiler; /* identity */
    uint8_t key[QJ_DIGEST_BYTES];
    /* one digest per ingredient that is too long to keep, for explain */
    uint8_t source_digest[QJ_DIGEST_BYTES], headers_digest[QJ_DIGEST_BYTES];
    char *memory; /* of strings made here */
};

/* names: the unit's kernels. `compiler` and the unit must outlive the plan.
 * Fails with QJIT_INVALID_ARGUMENT (arch, option not on the allow-list), QJIT_NO_MEMORY. */
qjit_status qj_plan_init(struct qj_plan *out, const struct qj_unit *unit, const char *const *names,
                         const char *arch, const char *compiler);
void qj_plan_finish(struct qj_plan *plan);

/* Sets the key from arch, source_digest, headers_digest, options, kernels and compiler: what qj_plan_init
 * does last, and what a row that came from elsewhere is checked by. */
void qj_plan_set_key(struct qj_plan *plan);

/* True if applications may give this option to hipRTC: it changes nothing but the code (docs/options.md). */
bool qj_plan_option_allowed(const char *option);

/* True if `name` is a C identifier; otherwise it is a name expression, whose lowered name hipRTC must be
 * asked. */
bool qj_plan_is_symbol(const char *name);

#endif
