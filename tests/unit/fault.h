/* Faults on purpose: the n-th call of one method of SQLite's file layer, or the n-th allocation, fails. Not
 * for several threads at once but for counting. */
#ifndef QJIT_TEST_FAULT_H
#define QJIT_TEST_FAULT_H

#include <stdbool.h>

enum fault_method {
    FAULT_OPEN,
    FAULT_DELETE,
    FAULT_ACCESS,
    FAULT_READ,
    FAULT_WRITE,
    FAULT_TRUNCATE,
    FAULT_SYNC,
    FAULT_SIZE,
    FAULT_LOCK,
    FAULT_SHM_MAP,
    FAULT_SHM_LOCK,
    FAULT_FETCH,
    FAULT_ALLOCATE,
    FAULT_METHODS
};

struct fault {
    enum fault_method method;
    int at;     /* 1: the next call; 0: none fails */
    bool stays; /* all calls from then on */
    int code;   /* what SQLite is told; of no use for allocations */
    bool half;  /* a write writes its first half, a read reads its first half */
};

/* Puts both below SQLite; before its first use. Allocations of the library's own are those of objects that
 * are linked with --wrap=malloc and so on. */
void fault_install(void);

/* From now on; counts begin at 0. */
void fault_set(const struct fault *fault);

/* How many calls of it there were since. */
int fault_count(enum fault_method method);

/* Whether the fault has come. */
bool fault_has_come(void);

/* Between these two nothing fails and nothing is counted: for the test's own allocations. */
void fault_pause(void);
void fault_resume(void);

#endif
