/* What the flow tests share: a context over the recording HIP library and the real compiler. */
#ifndef QJ_TESTS_FLOW_H
#define QJ_TESTS_FLOW_H

#include <qjit/qjit.h>

/* Gives a test case a store of its own: the .init of every suite here. */
void flow_init(void);

/* Counters of the store that a context uses, its own included. */
qjit_cache_stat flow_stat(qjit_context *context);

/* A context over the recording HIP library with one gfx1030; `change` may be NULL. Fails the test if it
 * cannot. */
qjit_context *flow_create(void (*change)(qjit_options *options));

/* The path of a program or library that the build made for tests; valid until the next call. */
const char *flow_built(const char *name);

/* Makes a copy of the real HIP library, its GNU build-id changed: another compiler, as far as anybody can
 * tell. Then what makes a context use it. Skips the test where there is none to copy. */
void flow_change_library(void);
void flow_by_the_changed_library(qjit_options *options);

/* Runs SQL on the store of this test from outside, as another program would. */
void flow_sql(const char *sql);

#endif
