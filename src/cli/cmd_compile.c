/* qjit compile: one HIP source of one's own to one code object file. */
#include "cli.h"
#include "usage.h"

#include <ctype.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

struct compile_args {
    const char *arch, *output;
    struct cli_list defines, options, kernels, headers;
    int small_runtime;
};

static const struct cli_option compile_options[] = {
    {'a', CLI_TEXT, "arch", "ARCH", offsetof(struct compile_args, arch),
     "compile for this arch (else that of the first GPU here)"},
    {'o', CLI_TEXT, "output", "FILE", offsetof(struct compile_args, output),
     "the code object goes there (else beside the source, as NAME.ARCH.hsaco); - is standard output"},
    {'D', CLI_LIST, "define", "NAME[=VALUE]", offsetof(struct compile_args, defines), "define a macro"},
    {0, CLI_LIST, "option", "OPTION", offsetof(struct compile_args, options),
     "an option for the compiler, such as -O3 or -ffast-math"},
    {'k', CLI_LIST, "kernel", "NAME", offsetof(struct compile_args, kernels),
     "a kernel that must come out: an extern \"C\" name, or an expression such as \"scale<float>\" (else "
     "whatever there is)"},
    {0, CLI_LIST, "header", "[NAME=]FILE", offsetof(struct compile_args, headers),
     "a header that the source includes as NAME (else by the file's name without folders)"},
    {0, CLI_FLAG, "small-runtime", NULL, offsetof(struct compile_args, small_runtime),
     "with qjit's small run-time header: several times faster to compile, see docs/dialect.md"},
    {0, CLI_FLAG, NULL, NULL, 0, NULL},
};

static const struct cli_column usage_columns[] = {
    {"name", "KERNEL", CLI_AS_TEXT},
    {"vgprs", "VGPRS", CLI_AS_COUNT},
    {"sgprs", "SGPRS", CLI_AS_COUNT},
    {"agprs", "AGPRS", CLI_AS_COUNT},
    {"lds_bytes", "LDS", CLI_AS_BYTES},
    {"scratch_bytes", "SCRATCH", CLI_AS_BYTES},
    {"wavefront_size", "WAVEFRONT", CLI_AS_COUNT},
    {"max_workgroup", "MAX WORKGROUP", CLI_AS_COUNT},
    {"n_args", "ARGUMENTS", CLI_AS_COUNT},
    {NULL, NULL, CLI_AS_TEXT},
};

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* The length of path without the ending of its last part. */
static size_t stem_length(const char *path)
{
    const char *name = base_name(path);
    const char *dot = strrchr(name, '.');
    return dot && dot != name ? (size_t)(dot - path) : strlen(path);
}

/* A unit may be called only so much; what the file's name has beyond becomes '_'. */
static char *unit_name(const char *path)
{
    const char *name = base_name(path);
    if (strcmp(path, "-") == 0)
        name = "stdin";
    char *unit = cli_need(strndup(name, stem_length(name)));
    for (char *c = unit; *c; c++)
        if (!isalnum((unsigned char)*c) && !strchr("._-", *c))
            *c = '_';
    return unit;
}

static char *output_path(const struct compile_args *args, const char *source, const char *arch)
{
    char *path = NULL;
    if (args->output)
        return cli_need(strdup(args->output));
    if (strcmp(source, "-") == 0)
        source = "stdin";
    if (asprintf(&path, "%.*s.%s.hsaco", (int)stem_length(source), source, arch) < 0)
        cli_need(NULL);
    return path;
}

/* Fills headers (args->headers.n of them); their texts and names are to be freed, also on failure. */
static int read_headers(const struct cli *cli, const struct cli_list *given, qjit_header *headers)
{
    int result = CLI_OK;
    for (size_t i = 0; i < given->n && result == CLI_OK; i++) {
        const char *item = given->items[i];
        const char *equals = strchr(item, '=');
        const char *path = equals ? equals + 1 : item;
        headers[i].name = cli_need(equals ? strndup(item, (size_t)(equals - item)) : strdup(base_name(path)));
        headers[i].text = cli_read_text(cli, path, &result);
    }
    return result;
}

static void free_headers(qjit_header *headers, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        free((void *)headers[i].name);
        free((void *)headers[i].text);
    }
    free(headers);
}

static void print_object(const struct cli *cli, const qjit_object *object, const char *arch, const char *path)
{
    cJSON *json = cli_object();
    cJSON *kernels = cli_array();
    for (size_t i = 0; i < object->n_kernels; i++) {
        cJSON *kernel = cli_object();
        cli_put_text(kernel, "name", object->kernels[i].name);
        cli_put_usage(kernel, &object->kernels[i]);
        cli_add(kernels, kernel);
    }
    cli_put_text(json, "file", cli->operands[0]);
    cli_put_text(json, "arch", arch);
    cli_put_text(json, "output", path);
    cli_put_number(json, "object_bytes", (double)object->n_bytes);
    cli_put_text(json, "key", object->key);
    cli_put_bool(json, "from_store", object->from_store != 0);
    cli_put_number(json, "compile_us", object->compile_us);
    cli_put_text(json, "log", object->log);
    cli_put_item(json, "kernels", kernels);
    if (cli->json)
        cli_print_json(json);
    else
        cli_print_table(kernels, usage_columns);
    cJSON_Delete(json);
}

static int deliver(struct cli *cli, const struct compile_args *args, const qjit_object *object,
                   const char *arch)
{
    char *path = output_path(args, cli->operands[0], arch);
    int to_stdout = strcmp(path, "-") == 0;
    int result = cli_write_file(cli, path, object->bytes, object->n_bytes);
    if (result == CLI_OK && !cli->json)
        cli_note_log(object->log);
    if (result == CLI_OK && !to_stdout) {
        print_object(cli, object, arch, path);
        if (!cli->json)
            printf("%s: %zu bytes for %s\n", path, object->n_bytes, arch);
    }
    free(path);
    return result;
}

static int compile(struct cli *cli, const struct compile_args *args, const char *text, const char *arch)
{
    qjit_header *headers = cli_need(calloc(args->headers.n + 1, sizeof(*headers)));
    char *unit = unit_name(cli->operands[0]);
    qjit_object *object = NULL;
    int result = read_headers(cli, &args->headers, headers);
    if (result == CLI_OK) {
        qjit_source source = {
            .struct_size = sizeof(source),
            .name = unit,
            .text = text,
            .headers = headers,
            .n_headers = args->headers.n,
            .defines = (const char *const *)args->defines.items,
            .n_defines = args->defines.n,
            .options = (const char *const *)args->options.items,
            .n_options = args->options.n,
            .kernels = (const char *const *)args->kernels.items,
            .n_kernels = args->kernels.n,
            .flags = args->small_runtime ? QJIT_SOURCE_SMALL_RUNTIME : 0,
        };
        qjit_status status = qjit_compile(cli->context, &object, &source, arch);
        result = status == QJIT_OK ? deliver(cli, args, object, arch) : cli_fail(cli, status, 1);
    }
    qjit_object_destroy(object);
    free(unit);
    free_headers(headers, args->headers.n);
    return result;
}

static int run_compile(struct cli *cli, const void *args)
{
    const struct compile_args *compile_args = args;
    struct cli_list arch = {0};
    if (cli->json && compile_args->output && strcmp(compile_args->output, "-") == 0)
        return cli_usage(cli, "--json and '--output -' both want standard output");
    int result = cli_open(cli);
    if (result == CLI_OK)
        result = cli_pick_arch(cli, &arch, compile_args->arch);
    char *text = result == CLI_OK ? cli_read_text(cli, cli->operands[0], &result) : NULL;
    if (result == CLI_OK)
        result = compile(cli, compile_args, text, arch.items[0]);
    free(text);
    cli_list_free(&arch);
    return result;
}

const struct cli_command cmd_compile = {
    .name = "compile",
    .summary = "compile a HIP source of your own to a code object",
    .operands = "FILE",
    .text =
        "Compiles one HIP source (- is standard input) for one arch and writes the code object, whole or\n"
        "not at all. Prints the registers, LDS and scratch of each kernel. If the source does not\n"
        "compile, the compile log goes to stderr. Needs no GPU. The store serves and keeps the result.\n"
        "\n"
        "Examples:\n"
        "  qjit compile scale.hip --arch gfx1030\n"
        "  qjit compile scale.hip --arch gfx90a -o scale.hsaco -D BLOCK=256 --option -O3\n"
        "  qjit compile - --arch gfx1030 --kernel 'scale<float>' -o scale.hsaco < scale.hip\n",
    .options = compile_options,
    .args_size = sizeof(struct compile_args),
    .min_operands = 1,
    .max_operands = 1,
    .run = run_compile,
};
