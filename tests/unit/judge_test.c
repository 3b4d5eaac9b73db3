/* Rows from elsewhere: each thing that a row can be wrong in, by its reason. */
#include "judge.h"

#include <criterion/criterion.h>
#include <string.h>

#include "base/buf.h"
#include "base/fs.h"
#include "compile/plan.h"

static struct qj_buf object;
static struct qj_entry entry;

static const char source[] = "extern \"C\" __global__ void axpy(float *x) { *x = 1; }";
static const char *const options[] = {"-O2"};
static const char *const defines[] = {"A=1", "B=a b  c"};
static const char *const kernels[] = {"axpy", "spread<int, 4>"};
static const qjit_header header = {"h.h", "#define H\n"};

/* A row as a compile makes it, of an object that holds axpy and two. */
static void init(void)
{
    struct qj_unit unit = {.name = "axpy",
                           .module = "app",
                           .source = source,
                           .source_bytes = sizeof source - 1,
                           .headers = &header,
                           .n_headers = 1,
                           .defines = defines,
                           .n_defines = 2,
                           .options = options,
                           .n_options = 1,
                           .n_kernels = 2};
    struct qj_plan plan;
    cr_assert_eq(qj_fs_read(&object, SAMPLES "/gfx1030.co", 1 << 20), 0);
    cr_assert_eq(qj_plan_init(&plan, &unit, kernels, "gfx1030", "hiprtc=01 comgr=02"), QJIT_OK, "%s",
                 qjit_error_detail());
    entry = (struct qj_entry){.row = {.unit = "axpy",
                                      .module = "app",
                                      .arch = "gfx1030",
                                      .compiler = "hiprtc=01 comgr=02",
                                      .options = "-O3\n-std=c++17\n-O2\n-DA=1\n-DB=a b  c",
                                      .names = "axpy\nspread<int, 4>",
                                      .kernels = "axpy two",
                                      .log = "warning:\tnone\n",
                                      .object_bytes = object.size},
                              .object = object.bytes};
    memcpy(entry.row.key, plan.key, sizeof plan.key);
    memcpy(entry.row.source_digest, plan.source_digest, sizeof plan.source_digest);
    memcpy(entry.row.headers_digest, plan.headers_digest, sizeof plan.headers_digest);
    qj_plan_finish(&plan);
}

static void finish(void)
{
    qj_buf_finish(&object);
}

TestSuite(judge, .init = init, .fini = finish);

static void expect(const char *word)
{
    const char *reason = qj_judge_entry(&entry);
    cr_assert_not_null(reason, "nothing was found; expected '%s'", word);
    cr_assert_not_null(strstr(reason, word), "'%s', expected '%s'", reason, word);
}

Test(judge, a_row_as_it_was_made_is_sound)
{
    const char *reason = qj_judge_entry(&entry);
    cr_assert_null(reason, "%s", reason);
}

Test(judge, every_ingredient_is_in_the_key)
{
    static const char key[] = "its key is not";
    struct qj_row row = entry.row;
    entry.row.options = "-O3\n-std=c++17\n-O2\n-DA=1\n-DB=a b\nc";
    expect(key);
    entry.row = row;
    entry.row.options = "";
    expect(key);
    entry.row = row;
    entry.row.names = "axpy\nspread<int, 5>";
    expect(key);
    entry.row = row;
    entry.row.names = "";
    expect(key);
    entry.row = row;
    entry.row.compiler = "hiprtc=01 comgr=03";
    expect(key);
    entry.row = row;
    entry.row.arch = "gfx1031";
    expect(key);
    entry.row = row;
    entry.row.source_digest[31] ^= 1;
    expect(key);
    entry.row = row;
    entry.row.headers_digest[0] ^= 1;
    expect(key);
    entry.row = row;
    entry.row.key[9] ^= 1;
    expect(key);
}

Test(judge, lists_with_empty_lines_are_not_the_key_s)
{
    static const char *const lists[] = {"-O3\n", "\n", "\n\n-O3", "-O3\n\n"};
    struct qj_row row = entry.row;
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        entry.row = row;
        entry.row.options = lists[i];
        expect("its key is not");
        entry.row = row;
        entry.row.names = lists[i];
        expect("its key is not");
    }
}

Test(judge, ingredients_that_cannot_be_are_refused)
{
    struct qj_row row = entry.row;
    char many[1024] = "";
    static const char *const archs[] = {"", "gfx90a:xnack-:sramecc+", "gfx1030/../x"};
    for (size_t i = 0; i < sizeof archs / sizeof *archs; i++) {
        entry.row.arch = archs[i];
        expect("cannot be");
    }
    entry.row = row;
    for (int i = 0; i < QJ_PLAN_OPTIONS_MAX; i++) {
        (void)strcat(many, i ? "\n-O" : "-O");
    }
    entry.row.options = many;
    expect("cannot be");
}

Test(judge, texts_that_would_act_on_a_terminal_are_refused)
{
    struct qj_row row = entry.row;
    entry.row.unit = "axpy\x1b[2J";
    expect("control characters");
    entry.row = row;
    entry.row.kernels = "axpy\ntwo";
    expect("control characters");
    entry.row = row;
    entry.row.log = "warning\x7f";
    expect("control characters");
    entry.row.log = "warning \xc2\x9b"
                    "2J";
    expect("control characters");
    entry.row.log = "\xc2\xa0\xe2\x80\x98x\xe2\x80\x99";
    cr_assert_null(qj_judge_entry(&entry), "%s", qj_judge_entry(&entry));
}

Test(judge, the_object_must_be_one_for_the_row)
{
    struct qj_row row = entry.row;
    entry.row.kernels = "axpy three";
    expect("holds no kernel 'three'");
    entry.row = row;
    entry.row.object_bytes -= 8;
    expect("");
    entry.row = row;
    object.bytes[0] = 'X';
    expect("");
    object.bytes[0] = 0x7f;
    struct qj_buf other = {0};
    cr_assert_eq(qj_fs_read(&other, SAMPLES "/gfx90a.co", 1 << 20), 0);
    entry.object = other.bytes;
    entry.row.object_bytes = other.size;
    expect("gfx90a");
    qj_buf_finish(&other);
}
