/* Files that a command line names, and standard output. */
#include "cli.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_TEXT_BYTES ((size_t)256 << 20)

static int complain(const struct cli *cli, const char *verb, const char *path)
{
    return cli_fail_text(cli, QJIT_IO, "cannot %s '%s': %s", verb, path, strerror(errno));
}

/* Everything up to the end; NULL with errno set. */
static char *read_all(FILE *file, size_t *out_bytes)
{
    size_t n = 0, room = 0;
    char *text = NULL;
    do {
        if (n + 1 >= room) {
            room = room ? 2 * room : 65536;
            text = cli_need(realloc(text, room));
        }
        n += fread(text + n, 1, room - n - 1, file);
    } while (!feof(file) && !ferror(file) && n < MAX_TEXT_BYTES);
    if (ferror(file) || n >= MAX_TEXT_BYTES) {
        int error = ferror(file) ? errno : EFBIG;
        free(text);
        errno = error;
        return NULL;
    }
    text[n] = 0;
    *out_bytes = n;
    return text;
}

char *cli_read_text(const struct cli *cli, const char *path, int *out_exit)
{
    int is_stdin = strcmp(path, "-") == 0;
    FILE *file = is_stdin ? stdin : fopen(path, "re");
    size_t n = 0;
    char *text = file ? read_all(file, &n) : NULL;
    if (!text) {
        *out_exit = complain(cli, "read", is_stdin ? "standard input" : path);
    } else if (strlen(text) != n) {
        *out_exit = cli_fail_text(cli, QJIT_INVALID_ARGUMENT,
                                  "'%s' holds a zero byte, so it is no source text", path);
        free(text);
        text = NULL;
    }
    if (file && !is_stdin)
        fclose(file);
    return text;
}

static int write_all(int fd, const char *bytes, size_t n_bytes)
{
    while (n_bytes) {
        ssize_t n = write(fd, bytes, n_bytes);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return -1;
        bytes += n;
        n_bytes -= (size_t)n;
    }
    return 0;
}

static int write_and_close(int fd, const void *bytes, size_t n_bytes)
{
    int failed = write_all(fd, bytes, n_bytes);
    int error = errno;
    if (close(fd) != 0 && !failed)
        return -1;
    errno = error;
    return failed;
}

/* Beside the target, so that the rename stays within one file system. errno on failure. */
static int write_and_rename(const char *path, const void *bytes, size_t n_bytes)
{
    char *temporary = NULL;
    if (asprintf(&temporary, "%s.XXXXXX", path) < 0)
        cli_need(NULL);
    int failed = -1;
    int fd = mkostemp(temporary, O_CLOEXEC);
    if (fd >= 0) {
        mode_t mask = umask(0);
        umask(mask);
        failed = fchmod(fd, 0666 & ~mask);
        failed = write_and_close(fd, bytes, n_bytes) || failed || rename(temporary, path);
        if (failed) {
            int error = errno;
            unlink(temporary);
            errno = error;
        }
    }
    free(temporary);
    return failed;
}

int cli_write_file(const struct cli *cli, const char *path, const void *bytes, size_t n_bytes)
{
    struct stat facts;
    int failed;
    if (strcmp(path, "-") == 0) {
        if (fwrite(bytes, 1, n_bytes, stdout) != n_bytes)
            return CLI_FAILED; /* said by cli_finish_output */
        return CLI_OK;
    }
    if (stat(path, &facts) == 0 && !S_ISREG(facts.st_mode)) {
        int fd = open(path, O_WRONLY | O_CLOEXEC); /* a device or pipe: a rename would replace it */
        failed = fd < 0 || write_and_close(fd, bytes, n_bytes);
    } else {
        char *real = realpath(path, NULL); /* through a symbolic link; NULL: not there yet */
        failed = write_and_rename(real ? real : path, bytes, n_bytes);
        free(real);
    }
    return failed ? complain(cli, "write", path) : CLI_OK;
}

int cli_finish_output(const struct cli *cli, int result)
{
    int failed_now = fflush(stdout) != 0;
    const char *why = failed_now ? strerror(errno) : "an earlier write failed";
    if (!failed_now && !ferror(stdout))
        return result;
    /* Not as JSON: that is what cannot be written. */
    cli_note("qjit: %s%scannot write to standard output: %s", cli->command ? cli->command->name : "",
             cli->command ? ": " : "", why);
    return result == CLI_OK ? CLI_FAILED : result;
}
