/* One child process, started for us alone: own process group, no descriptors of the application's, an
 * environment of a few variables, stdout and stderr into a pipe, a socket as descriptor 3. */
#ifndef QJ_COMPILE_CHILD_H
#define QJ_COMPILE_CHILD_H

#include <stdbool.h>
#include <sys/types.h>

#include <qjit/qjit.h>

#include "compile/scratch.h"

struct qj_child {
    pid_t pid;   /* 0: none; also its process group */
    int pidfd;   /* readable when it has ended; -1 where the kernel has none */
    int channel; /* our end of the socket; does not block */
    int output;  /* reads its stdout and stderr; does not block */
};

/* How it ended. */
struct qj_child_end {
    bool known; /* false if somebody else has reaped it (SIGCHLD ignored, wait for any child) */
    int signal; /* 0: it exited */
    int exit_code;
    long max_rss_kb;
};

/* What a worker gets of the calling process's environment, and LD_LIBRARY_PATH if library_path is not NULL;
 * malloc'ed, NULL if out of memory. Strings are copies in the same block. */
char **qj_child_environment(const char *library_path);

/* kept: as from qj_child_environment. Fails with QJIT_WORKER_NOT_STARTED: why, and what to set. */
qjit_status qj_child_start(struct qj_child *out, const char *program, char *const *kept,
                           const struct qj_scratch *scratch);

/* True if it has ended, without reaping it. */
bool qj_child_has_ended(const struct qj_child *child);

/* Waits for its end for at most `ms`. True if it has ended. */
bool qj_child_wait(const struct qj_child *child, int ms);

/* Kills it and what is left of its process group, and waits for nothing. */
void qj_child_kill(const struct qj_child *child);

/* Kills as above, reaps it and closes the descriptors. One with pid 0 is fine. */
void qj_child_stop(struct qj_child *child, struct qj_child_end *out_end);

#endif
