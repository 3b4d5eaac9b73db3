/* What the commands of `qjit` share: options, errors, output. Public headers of the library only.
 *
 * The process runs one command once, so running out of memory here ends it (cli_need), and what a command
 * allocates for its whole life is freed once, at its end.
 */
#ifndef QJIT_CLI_CLI_H
#define QJIT_CLI_CLI_H

#include <cJSON.h>
#include <qjit/qjit.h>
#include <stdio.h>

enum cli_exit { CLI_OK = 0, CLI_FAILED = 1, CLI_USAGE = 2, CLI_SIGNAL = 128 /* plus the signal's number */ };

/* Strings of its own. */
struct cli_list {
    char **items;
    size_t n;
};

enum cli_kind {
    CLI_FLAG,   /* int, counted up */
    CLI_TEXT,   /* const char *, given once at most */
    CLI_LIST,   /* struct cli_list, one item each time */
    CLI_WORDS,  /* struct cli_list, items separated by commas */
    CLI_NUMBER, /* uint32_t, from 1 to 1024 */
    CLI_AGE,    /* int64_t, seconds: 30d 12h 45m 90s */
    CLI_SIZE    /* int64_t, bytes: 500M 2G */
};

/* One option. A table of them ends with a name of NULL and feeds the parser and the help text alike. */
struct cli_option {
    int letter; /* 0: none */
    enum cli_kind kind;
    const char *name;
    const char *value; /* what the help calls its value; NULL: it takes none */
    size_t offset;     /* of the member in the command's args (or in struct cli) */
    const char *help;
};

struct cli;

struct cli_command {
    const char *name;
    const char *summary;  /* one line */
    const char *operands; /* as in the usage line; "" if none */
    const char *text;     /* what the help says in between; ends in a line end */
    const struct cli_option *options;
    size_t args_size; /* of the struct that `options` fills; it starts as zeros */
    size_t min_operands, max_operands;
    int (*run)(struct cli *cli, const void *args); /* gives an enum cli_exit */
};

struct cli {
    const struct cli_command *command; /* NULL until known */
    qjit_context *context;             /* NULL until cli_open() */
    char **operands;
    size_t n_operands;
    /* the options of every command */
    const char *hip, *cache_dir, *worker;
    uint32_t n_jobs;
    uint32_t flags; /* enum qjit_flags of the context; set by the command before cli_open() */
    int json, verbose, help, version;
};

extern const struct cli_command cmd_warm, cmd_list, cmd_stat, cmd_info, cmd_explain, cmd_clear, cmd_verify,
    cmd_gc, cmd_export, cmd_import, cmd_merge, cmd_keygen, cmd_doctor, cmd_compile, cmd_gguf;

/* ---- args.c, help.c ---------------------------------------------------------------------------- */

extern const struct cli_option cli_globals[];

/* Takes the options that start argv (if no command is set: up to the first operand, which is then at
 * argv[*next]) or all of argv (operands then in cli->operands). argv[0] is skipped. CLI_OK or CLI_USAGE. */
int cli_parse(struct cli *cli, void *args, int argc, char **argv, int *next);

/* Frees what cli_parse put into args. */
void cli_free_args(const struct cli_command *command, void *args);

/* Adds a copy of the first n_bytes of text; `cli_list_has` compares whole items. */
void cli_list_add(struct cli_list *list, const char *text, size_t n_bytes);
int cli_list_has(const struct cli_list *list, const char *text);
void cli_list_free(struct cli_list *list);

void cli_help_all(FILE *out, const struct cli_command *const *commands);
void cli_help_command(FILE *out, const struct cli_command *command);

/* ---- error.c ------------------------------------------------------------------------------------ */

/* "qjit: VERB: <detail of the last failed call>" on stderr, or {"error": ...} on stdout. The compile log
 * follows if there is one and `with_log` says so. Gives CLI_FAILED. */
int cli_fail(const struct cli *cli, qjit_status status, int with_log);

/* The same with words of its own. */
__attribute__((format(printf, 3, 4))) int cli_fail_text(const struct cli *cli, qjit_status status,
                                                        const char *format, ...);

/* The same for a wrong command line. Gives CLI_USAGE. */
__attribute__((format(printf, 2, 3))) int cli_usage(const struct cli *cli, const char *format, ...);

/* Adds {"error": {"status", "detail"}}, and "log" unless it is empty, to object. */
void cli_put_error(cJSON *object, qjit_status status, const char *detail, const char *log);

/* Ends the process if pointer is NULL; gives it back otherwise. */
void *cli_need(void *pointer);

/* ---- context.c ----------------------------------------------------------------------------------- */

/* Makes cli->context from the options. Says what is wrong and gives a code other than CLI_OK if it can not.
 */
int cli_open(struct cli *cli);

/* Writes out's archs: words with "all" and "native" (and no word at all) replaced by what they stand for. */
int cli_expand_archs(struct cli *cli, struct cli_list *out, const struct cli_list *words);

/* As cli_expand_archs for commands that work on one: `given`, or the first device's if that is NULL or
 * "native". */
int cli_pick_arch(struct cli *cli, struct cli_list *out, const char *given);

/* What a command about one kernel on one arch takes, and what that is. */
struct cli_subject_args {
    const char *arch;
};
extern const struct cli_option cli_subject_options[];

struct cli_subject {
    qjit_kernel kernel; /* the first operand */
    qjit_kernel_info info;
    const char *arch; /* as cli_pick_arch has it; of archs */
    struct cli_list archs;
};

/* Opens cli and finds the subject. Free its archs, whatever the result. */
int cli_open_subject(struct cli *cli, struct cli_subject *out, const struct cli_subject_args *args);

/* ---- output.c ------------------------------------------------------------------------------------ */

/* What is shown is gathered as JSON first and drawn from it, so that both forms say the same. */
enum cli_format {
    CLI_AS_TEXT,
    CLI_AS_SHORT, /* the first 12 characters */
    CLI_AS_COUNT,
    CLI_AS_BYTES,
    CLI_AS_MICROSECONDS,
    CLI_AS_SECONDS,
    CLI_AS_DATE,
    CLI_AS_YES,   /* "yes", or nothing */
    CLI_AS_WORDS, /* an array */
    CLI_AS_FEW    /* an array: its item if it is one, else how many they are */
};

/* One column of a table or line of a list of facts; a table of them ends with a field of NULL. */
struct cli_column {
    const char *field;
    const char *title;
    enum cli_format format;
};

cJSON *cli_object(void);
cJSON *cli_array(void);
/* A text that is not UTF-8 gets U+FFFD where it is not; NULL becomes null. */
void cli_put_text(cJSON *object, const char *name, const char *text);
void cli_put_number(cJSON *object, const char *name, double value);
void cli_put_bool(cJSON *object, const char *name, int value);
void cli_put_item(cJSON *object, const char *name, cJSON *item);
/* An array of the words of a text, which one space separates. */
void cli_put_words(cJSON *object, const char *name, const char *text);
void cli_put_list(cJSON *object, const char *name, const struct cli_list *list);
void cli_add(cJSON *array, cJSON *item);
/* To an array, for the calls that tell faults. */
void cli_add_fault(void *array, const qjit_cache_fault *fault);

/* One line. */
void cli_print_json(const cJSON *json);
/* An array, one element a line. */
void cli_print_json_rows(const cJSON *rows);
void cli_write_json_rows(FILE *out, const cJSON *rows);
void cli_print_table(const cJSON *rows, const struct cli_column *columns);
void cli_print_facts(const cJSON *object, const struct cli_column *columns);

/* ---- file.c --------------------------------------------------------------------------------------- */

/* The text of a file ("-": standard input), to be freed. NULL with the error said and *out_exit set. */
char *cli_read_text(const struct cli *cli, const char *path, int *out_exit);

/* Puts the bytes at path, whole or not at all ("-": standard output). */
int cli_write_file(const struct cli *cli, const char *path, const void *bytes, size_t n_bytes);

/* Flushes standard output. A failure, now or earlier, is said once and makes `result` CLI_FAILED. */
int cli_finish_output(const struct cli *cli, int result);

/* ---- progress.c ------------------------------------------------------------------------------------ */

enum cli_progress_mode { CLI_PROGRESS_NONE, CLI_PROGRESS_LINES, CLI_PROGRESS_BAR };

/* A bar on a terminal, else lines, or nothing beside JSON. */
enum cli_progress_mode cli_progress_choose(const struct cli *cli, int quiet);

/* Draws on stderr. Everything else that goes to stderr while a bar stands goes through cli_note. */
void cli_progress_start(enum cli_progress_mode mode, int with_cached);
void cli_progress_show(const qjit_warm_event *event);
/* Takes the bar away. */
void cli_progress_stop(void);

/* One line on stderr, above the bar. Any thread. */
__attribute__((format(printf, 1, 2))) void cli_note(const char *format, ...);

/* A compile log, which may be empty, in the same way. */
void cli_note_log(const char *log);

#endif
