/* Code objects as source text, for programs that carry them inside. String literals, not lists of numbers:
 * compilers read them many times faster. */
#include "export.h"

#include <stdlib.h>
#include <string.h>

enum { LINE_CHARS = 100 };

/* What a language wants of the bytes of a string literal. */
struct language {
    const char *start_line, *end_line; /* around each line of the literal */
    const char *special;               /* printable, but not to be written as they are */
    const char *escape;                /* of a byte, for printf */
    int eats_space;                    /* at the start of a line */
    int octal;                         /* an escape goes on as long as there are octal digits */
};

static const struct language c_language = {"    \"", "\"\n", "\"\\?", "\\%03o", 0, 1};
static const struct language rust_language = {"", "\\\n", "\"\\", "\\x%02x", 1, 0};

static int is_octal(unsigned char byte)
{
    return byte >= '0' && byte <= '7';
}

/* One byte, knowing the one that follows; gives how many characters it took. */
static int put_byte(FILE *out, const struct language *language, unsigned char byte, unsigned char next,
                    int at_start)
{
    if (byte == 0 && !(language->octal && is_octal(next)))
        return fprintf(out, "\\0");
    if (byte < ' ' || byte > '~' || strchr(language->special, byte) ||
        (byte == ' ' && at_start && language->eats_space))
        return fprintf(out, language->escape, byte);
    fputc(byte, out);
    return 1;
}

static void put_bytes(FILE *out, const struct language *language, const qjit_object *object)
{
    const unsigned char *bytes = object->bytes;
    for (size_t i = 0; i < object->n_bytes;) {
        fputs(language->start_line, out);
        for (int used = 0; used < LINE_CHARS && i < object->n_bytes; i++)
            used += put_byte(out, language, bytes[i], i + 1 < object->n_bytes ? bytes[i + 1] : 0, used == 0);
        fputs(language->end_line, out);
    }
}

/* The names of the kernels, each followed by a comma and a space. */
static void put_names(FILE *out, const struct cli_list *names)
{
    for (size_t i = 0; i < names->n; i++)
        fprintf(out, "\"%s\", ", names->items[i]);
}

static char *finish(FILE *out, char **text)
{
    if (fclose(out) != 0)
        cli_need(NULL);
    return *text;
}

/* ---- C ------------------------------------------------------------------------------------------- */

static const char c_head[] =
    "/* Code objects of HIP kernels, by `qjit export --c-array` of qjit " QJIT_VERSION_STRING ".\n"
    " *\n"
    " * Compile this file as it is. Where the objects are used, include it too, with QJIT_EMBEDDED_DECLARE\n"
    " * defined before: then it only declares. For C and C++. */\n"
    "#ifndef QJIT_EMBEDDED_H\n"
    "#define QJIT_EMBEDDED_H\n"
    "#include <stddef.h>\n"
    "\n"
    "#ifdef __cplusplus\n"
    "extern \"C\" {\n"
    "#endif\n"
    "\n"
    "struct qjit_embedded {\n"
    "    const char *unit, *arch;    /* compiled together, for this arch: gfx90a:xnack- */\n"
    "    const char *key, *compiler; /* where it comes from */\n"
    "    const char *const *kernels;\n"
    "    size_t n_kernels;\n"
    "    const unsigned char *bytes; /* for hipModuleLoadData or qjit_add_object */\n"
    "    size_t n_bytes;\n"
    "};\n"
    "\n"
    "extern const size_t qjit_n_embedded_objects;\n"
    "extern const struct qjit_embedded qjit_embedded_objects[];\n"
    "\n"
    "/* The first object that holds `kernel` and runs on `arch`, as a device calls it: "
    "gfx90a:sramecc+:xnack-.\n"
    " * An object's arch leaves out the features that do not matter to it. NULL: none. */\n"
    "const struct qjit_embedded *qjit_embedded_find(const char *kernel, const char *arch);\n"
    "\n"
    "#ifdef __cplusplus\n"
    "}\n"
    "#endif\n"
    "#endif\n"
    "\n"
    "#ifndef QJIT_EMBEDDED_DECLARE\n"
    "#include <string.h>\n"
    "\n"
    "#pragma GCC diagnostic ignored \"-Woverlength-strings\"\n";

static const char c_find[] =
    "\n"
    "/* The processor first, then every feature that the object's arch names. */\n"
    "static int qjit_embedded_runs(const char *object, const char *arch)\n"
    "{\n"
    "    size_t n = strcspn(object, \":\");\n"
    "    if (n != strcspn(arch, \":\") || strncmp(object, arch, n) != 0)\n"
    "        return 0;\n"
    "    while (object[n] == ':') {\n"
    "        const char *feature = object + n, *at = arch;\n"
    "        size_t n_feature = 1 + strcspn(feature + 1, \":\");\n"
    "        while ((at = strchr(at, ':')) && (strncmp(at, feature, n_feature) != 0 ||\n"
    "                                          (at[n_feature] != '\\0' && at[n_feature] != ':')))\n"
    "            at++;\n"
    "        if (!at)\n"
    "            return 0;\n"
    "        n += n_feature;\n"
    "    }\n"
    "    return 1;\n"
    "}\n"
    "\n"
    "const struct qjit_embedded *qjit_embedded_find(const char *kernel, const char *arch)\n"
    "{\n"
    "    for (size_t i = 0; i < qjit_n_embedded_objects; i++) {\n"
    "        const struct qjit_embedded *object = &qjit_embedded_objects[i];\n"
    "        for (size_t k = 0; k < object->n_kernels; k++)\n"
    "            if (strcmp(object->kernels[k], kernel) == 0 && qjit_embedded_runs(object->arch, arch))\n"
    "                return object;\n"
    "    }\n"
    "    return NULL;\n"
    "}\n"
    "#endif\n";

static void put_c_object(FILE *out, const struct export_object *object, size_t i)
{
    fprintf(out, "\n/* %s */\nstatic const char *const kernels_%zu[] = {", object->file, i);
    put_names(out, &object->kernels);
    /* Room for the literal's zero byte: leaving it out is a warning of newer compilers. */
    fprintf(out, "};\nstatic const unsigned char bytes_%zu[%zu] __attribute__((aligned(64))) =\n", i,
            object->object->n_bytes + 1);
    put_bytes(out, &c_language, object->object);
    fputs("    ;\n", out);
}

char *export_c_source(const struct export_set *set, size_t *out_bytes)
{
    char *text = NULL;
    FILE *out = cli_need(open_memstream(&text, out_bytes));
    fputs(c_head, out);
    for (size_t i = 0; i < set->n; i++)
        put_c_object(out, &set->objects[i], i);
    fprintf(out, "\nconst size_t qjit_n_embedded_objects = %zu;\n", set->n);
    fputs("const struct qjit_embedded qjit_embedded_objects[] = {\n", out);
    for (size_t i = 0; i < set->n; i++) {
        const struct export_object *object = &set->objects[i];
        fprintf(out, "    {\"%s\", \"%s\", \"%s\",\n     \"%s\",\n     kernels_%zu, %zu, bytes_%zu, %zu},\n",
                object->unit, object->arch, object->object->key, set->compiler, i, object->kernels.n, i,
                object->object->n_bytes);
    }
    fputs("};\n", out);
    fputs(c_find, out);
    return finish(out, &text);
}

/* ---- Rust ---------------------------------------------------------------------------------------- */

static const char rust_head[] =
    "// Code objects of HIP kernels, by `qjit export --rust-bytes` of qjit " QJIT_VERSION_STRING ".\n"
    "// A module of its own (`mod objects;`), or a part of one (`include!(\"objects.rs\");`).\n"
    "\n"
    "#[allow(dead_code)]\n"
    "pub struct Object {\n"
    "    /// Compiled together ...\n"
    "    pub unit: &'static str,\n"
    "    /// ... for this arch: gfx90a:xnack-\n"
    "    pub arch: &'static str,\n"
    "    pub key: &'static str,\n"
    "    pub compiler: &'static str,\n"
    "    pub kernels: &'static [&'static str],\n"
    "    /// For hipModuleLoadData or qjit_add_object.\n"
    "    pub bytes: &'static [u8],\n"
    "}\n"
    "\n"
    "/// The first object that holds `kernel` and runs on `arch`, as a device calls it:\n"
    "/// gfx90a:sramecc+:xnack-. An object's arch leaves out the features that do not matter to it.\n"
    "#[allow(dead_code)]\n"
    "pub fn find(kernel: &str, arch: &str) -> Option<&'static Object> {\n"
    "    let runs = |object: &Object| {\n"
    "        let mut parts = object.arch.split(':');\n"
    "        parts.next() == arch.split(':').next()\n"
    "            && parts.all(|feature| arch.split(':').skip(1).any(|one| one == feature))\n"
    "    };\n"
    "    OBJECTS.iter().find(|object| object.kernels.contains(&kernel) && runs(object))\n"
    "}\n"
    "\n"
    "#[repr(C, align(64))]\n"
    "struct Aligned<T: ?Sized>(T);\n";

char *export_rust_source(const struct export_set *set, size_t *out_bytes)
{
    char *text = NULL;
    FILE *out = cli_need(open_memstream(&text, out_bytes));
    fputs(rust_head, out);
    for (size_t i = 0; i < set->n; i++) {
        const struct export_object *object = &set->objects[i];
        fprintf(out, "\n// %s\nstatic BYTES_%zu: &Aligned<[u8]> = &Aligned(*b\"\\\n", object->file, i);
        put_bytes(out, &rust_language, object->object);
        fputs("\");\n", out);
    }
    fputs("\npub static OBJECTS: &[Object] = &[\n", out);
    for (size_t i = 0; i < set->n; i++) {
        const struct export_object *object = &set->objects[i];
        fprintf(out,
                "    Object {\n        unit: \"%s\",\n        arch: \"%s\",\n        key: \"%s\",\n"
                "        compiler: \"%s\",\n        kernels: &[",
                object->unit, object->arch, object->object->key, set->compiler);
        put_names(out, &object->kernels);
        fprintf(out, "],\n        bytes: &BYTES_%zu.0,\n    },\n", i);
    }
    fputs("];\n", out);
    return finish(out, &text);
}
