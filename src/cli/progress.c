/* Progress of a warm-up on stderr: a bar where it is a terminal, plain lines where it is not. */
#include "cli.h"

#include <limits.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define REDRAW_NS     50000000 /* 20 times a second at most */
#define DEFAULT_WIDTH 80
#define MAX_WIDTH     200
#define BAR_CHARS     24
#define CLEAR_LINE    "\r\033[K"

/* Guarded by stderr's own lock: log lines come from any thread while a bar stands. */
static struct {
    enum cli_progress_mode mode;
    int with_cached;
    int stands; /* a bar is on the screen */
    char bar[MAX_WIDTH + 1];
    int64_t started_ns, drawn_ns;
} progress;

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void take_away(void)
{
    if (progress.stands)
        fputs(CLEAR_LINE, stderr);
    progress.stands = 0;
}

void cli_note(const char *format, ...)
{
    va_list arguments;
    flockfile(stderr);
    int stood = progress.stands;
    take_away();
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    if (stood) {
        fputs(progress.bar, stderr);
        progress.stands = 1;
    }
    funlockfile(stderr);
}

void cli_note_log(const char *log)
{
    size_t n = strlen(log);
    while (n && log[n - 1] == '\n')
        n--;
    if (n)
        cli_note("%.*s", n < INT_MAX ? (int)n : INT_MAX, log);
}

enum cli_progress_mode cli_progress_choose(const struct cli *cli, int quiet)
{
    if (quiet)
        return CLI_PROGRESS_NONE;
    if (isatty(STDERR_FILENO))
        return CLI_PROGRESS_BAR;
    return cli->json ? CLI_PROGRESS_NONE : CLI_PROGRESS_LINES;
}

void cli_progress_start(enum cli_progress_mode mode, int with_cached)
{
    flockfile(stderr);
    progress.mode = mode;
    progress.with_cached = with_cached;
    progress.started_ns = now_ns();
    progress.drawn_ns = 0;
    if (mode == CLI_PROGRESS_BAR) {
        snprintf(progress.bar, sizeof(progress.bar), "starting ...");
        fprintf(stderr, CLEAR_LINE "%s", progress.bar);
        progress.stands = 1;
    }
    funlockfile(stderr);
}

void cli_progress_stop(void)
{
    flockfile(stderr);
    take_away();
    progress.mode = CLI_PROGRESS_NONE;
    funlockfile(stderr);
}

static int terminal_width(void)
{
    struct winsize size;
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
        return DEFAULT_WIDTH;
    return size.ws_col < MAX_WIDTH ? size.ws_col : MAX_WIDTH;
}

/* Units left at the pace so far. The first ones start the workers, so an early guess is high. */
static void format_eta(char out[24], const qjit_warm_event *event, int64_t elapsed_ns)
{
    *out = 0;
    if (event->n_done == 0 || event->n_done >= event->n_total)
        return;
    int64_t left = elapsed_ns / event->n_done * (event->n_total - event->n_done) / 1000000000;
    if (left < 360000)
        snprintf(out, 24, "  %d:%02d left", (int)(left / 60), (int)(left % 60));
}

static void draw_bar(const qjit_warm_event *event, int64_t now)
{
    char marks[BAR_CHARS + 1], eta[24];
    size_t full = event->n_total ? (size_t)event->n_done * BAR_CHARS / event->n_total : 0;
    memset(marks, '.', BAR_CHARS);
    memset(marks, '#', full < BAR_CHARS ? full : BAR_CHARS);
    marks[BAR_CHARS] = 0;
    format_eta(eta, event, now - progress.started_ns);
    /* One column stays free: a full line would wrap and could not be taken away. */
    snprintf(progress.bar, (size_t)terminal_width(), "[%s] %u/%u%s  %s %s", marks, event->n_done,
             event->n_total, eta, event->arch, event->unit);
    fprintf(stderr, CLEAR_LINE "%s", progress.bar);
    progress.stands = 1;
    progress.drawn_ns = now;
}

static void print_line(const qjit_warm_event *event)
{
    if (event->outcome == QJIT_WARM_COMPILED)
        fprintf(stderr, "[%u/%u] %s %s: compiled in %.2f s\n", event->n_done, event->n_total, event->arch,
                event->unit, event->compile_us / 1e6);
    else if (event->outcome == QJIT_WARM_CACHED && progress.with_cached)
        fprintf(stderr, "[%u/%u] %s %s: in the store\n", event->n_done, event->n_total, event->arch,
                event->unit);
}

void cli_progress_show(const qjit_warm_event *event)
{
    int64_t now = now_ns();
    flockfile(stderr);
    if (progress.mode == CLI_PROGRESS_LINES)
        print_line(event);
    else if (progress.mode == CLI_PROGRESS_BAR && now - progress.drawn_ns >= REDRAW_NS)
        draw_bar(event, now);
    funlockfile(stderr);
}
