/* Shuffles and votes, for 128 threads: four waves of 32 or two of 64. */
#include <stdio.h>
#include <string.h>

#include "dialect.h"

enum { N = 128 };
enum operation { SHFL, XOR, UP, DOWN, XOR_WHOLE };

/* The lane whose value `lane` gets; HIP's rules, with its own where the source is outside. */
static int source_of(int lane, enum operation operation, int argument, int width)
{
    int first = lane / width * width, place = lane % width;
    switch (operation) {
    case SHFL:
        return first + (argument & (width - 1));
    case XOR:
    case XOR_WHOLE:
        return (lane ^ argument) < first + width ? lane ^ argument : lane;
    case UP:
        return argument > place ? lane : lane - argument;
    default:
        return place + argument >= width ? lane : lane + argument;
    }
}

static void fill(unsigned char *out, size_t n)
{
    uint32_t state = 7;
    for (size_t i = 0; i < n; i++) {
        out[i] = (unsigned char)(dialect_random(&state) >> 9);
    }
    /* Bytes of floats: no NaN, whose bits may change on the way. */
    for (size_t i = 3; i < n; i += 4) {
        out[i] &= 0x3f;
    }
}

static size_t run_one(struct conf *c, hipFunction_t kernel, size_t size, int operation, int argument,
                      int width, int wave)
{
    unsigned char in[N * 8], out[N * 8];
    size_t n_right = 0, n = N * size;
    fill(in, n);
    memset(out, 0, n);
    void *from = dialect_upload(c, in, n), *to = dialect_upload(c, out, n);
    hipError_t error =
        conf_launch(c, kernel, 1, N, 0, NULL, (void *[]){&to, &from, &operation, &argument, &width});
    if (error != 0 || !dialect_download(c, out, to, n)) {
        conf_check(c, false, "the launch works (%d)", error);
        return 0;
    }
    c->hip.hipFree(from);
    for (int thread = 0; thread < N; thread++) {
        int lane = thread % wave;
        int source =
            thread - lane + source_of(lane, operation, argument, operation == XOR_WHOLE ? wave : width);
        n_right += memcmp(out + (size_t)thread * size, in + (size_t)source * size, size) == 0;
    }
    return n_right;
}

static void shuffle(struct conf *c, const char *name, size_t size)
{
    static const char *const operations[] = {"shfl", "xor", "up", "down", "xor without a width"};
    hipFunction_t kernel = dialect_function(c, dialect_lanes, name);
    int wave = dialect_wave(c);
    for (int operation = SHFL; kernel != NULL && operation <= XOR_WHOLE; operation++) {
        size_t n_right = 0, n = 0, bad = 0;
        for (int width = operation == XOR_WHOLE ? wave : 2; width <= wave; width *= 2) {
            for (int argument = 0; argument < wave; argument += argument < 5 ? 1 : 7) {
                size_t right = run_one(c, kernel, size, operation, argument, width, wave);
                bad = right < N && n_right == n ? (size_t)(width * 1000 + argument) : bad;
                n_right += right;
                n += N;
            }
        }
        char what[128];
        snprintf(what, sizeof what, "%s %s (a wrong one: width * 1000 + argument)", name,
                 operations[operation]);
        dialect_count(c, what, n_right, n, bad);
    }
}

static void shuffle_int(struct conf *c)
{
    shuffle(c, "shuffle_int", 4);
}

static void shuffle_unsigned(struct conf *c)
{
    shuffle(c, "shuffle_unsigned", 4);
}

static void shuffle_float(struct conf *c)
{
    shuffle(c, "shuffle_float", 4);
}

static void shuffle_double(struct conf *c)
{
    shuffle(c, "shuffle_double", 8);
}

static void shuffle_long_long(struct conf *c)
{
    shuffle(c, "shuffle_long_long", 8);
}

static void gather(struct conf *c)
{
    int source[N], out[N] = {0}, wave = dialect_wave(c);
    uint32_t state = 3;
    for (int i = 0; i < N; i++) {
        source[i] = (int)(dialect_random(&state) % (uint32_t)wave);
    }
    hipFunction_t kernel = dialect_function(c, dialect_lanes, "gather");
    void *to = dialect_upload(c, out, sizeof out), *from = dialect_upload(c, source, sizeof source);
    if (kernel == NULL || !OK(c, conf_launch(c, kernel, 1, N, 0, NULL, (void *[]){&to, &from})) ||
        !dialect_download(c, out, to, sizeof out)) {
        return;
    }
    size_t n_right = 0, bad = 0;
    for (int i = 0; i < N; i++) {
        bool right = out[i] == i / wave * wave + source[i];
        bad = !right && n_right == (size_t)i ? (size_t)i : bad;
        n_right += right;
    }
    dialect_count(c, "each lane from a lane of its choice", n_right, N, bad);
    c->hip.hipFree(from);
}

static unsigned long long wanted_ballot(const int *predicates, int thread, int wave)
{
    unsigned long long ballot = 0;
    for (int lane = 0; lane < wave; lane++) {
        ballot |= (unsigned long long)(predicates[thread / wave * wave + lane] != 0) << lane;
    }
    return ballot;
}

static void check_votes(struct conf *c, const int *predicates, const char *what)
{
    unsigned long long ballots[N] = {0};
    int any[N] = {0}, all[N] = {0}, ranks[N] = {0}, wave = dialect_wave(c);
    hipFunction_t votes = dialect_function(c, dialect_lanes, "votes");
    hipFunction_t rank = dialect_function(c, dialect_lanes, "ranks");
    void *p = dialect_upload(c, predicates, sizeof any), *b = dialect_upload(c, ballots, sizeof ballots);
    void *to_any = dialect_upload(c, any, sizeof any), *to_all = dialect_upload(c, all, sizeof all);
    void *to_ranks = dialect_upload(c, ranks, sizeof ranks);
    if (votes == NULL || rank == NULL ||
        !OK(c, conf_launch(c, votes, 1, N, 0, NULL, (void *[]){&b, &to_any, &to_all, &p})) ||
        !OK(c, conf_launch(c, rank, 1, N, 0, NULL, (void *[]){&to_ranks, &p})) ||
        !dialect_download(c, ballots, b, sizeof ballots) || !dialect_download(c, any, to_any, sizeof any) ||
        !dialect_download(c, all, to_all, sizeof all) ||
        !dialect_download(c, ranks, to_ranks, sizeof ranks)) {
        return;
    }
    size_t n_right = 0, bad = 0;
    unsigned long long whole = wave == 64 ? ~0ull : (1ull << wave) - 1;
    for (int i = 0; i < N; i++) {
        unsigned long long wanted = wanted_ballot(predicates, i, wave);
        int wanted_rank = __builtin_popcountll(wanted & ((1ull << i % wave) - 1));
        bool right = ballots[i] == wanted && any[i] == (wanted != 0) && all[i] == (wanted == whole) &&
                     ranks[i] == wanted_rank;
        bad = !right && n_right == (size_t)i ? (size_t)i : bad;
        n_right += right;
    }
    dialect_count(c, what, n_right, N, bad);
    c->hip.hipFree(p);
}

static void votes(struct conf *c)
{
    int predicates[N];
    uint32_t state = 11;
    for (int i = 0; i < N; i++) {
        predicates[i] = (int)(dialect_random(&state) & 0x100);
    }
    check_votes(c, predicates, "ballot, any, all, ranks of random lanes");
    memset(predicates, 0, sizeof predicates);
    check_votes(c, predicates, "of no lane");
    predicates[N - 1] = -1;
    check_votes(c, predicates, "of the last lane");
    memset(predicates, 1, sizeof predicates);
    check_votes(c, predicates, "of all lanes");
}

static void votes_of_some(struct conf *c)
{
    unsigned long long ballots[N] = {0};
    int wave = dialect_wave(c), stay[N];
    hipFunction_t kernel = dialect_function(c, dialect_lanes, "votes_of_some");
    void *to = dialect_upload(c, ballots, sizeof ballots);
    if (kernel == NULL || !OK(c, conf_launch(c, kernel, 1, N, 0, NULL, (void *[]){&to})) ||
        !dialect_download(c, ballots, to, sizeof ballots)) {
        return;
    }
    size_t n_right = 0, bad = 0;
    for (int i = 0; i < N; i++) {
        stay[i] = i % 3 != 1;
    }
    for (int i = 0; i < N; i++) {
        bool right = ballots[i] == (stay[i] ? wanted_ballot(stay, i, wave) : 0);
        bad = !right && n_right == (size_t)i ? (size_t)i : bad;
        n_right += right;
    }
    dialect_count(c, "ballot of the lanes that have not returned", n_right, N, bad);
}

const struct conf_case dialect_lanes_cases[] = {
    {"lanes", "shuffle_int", 0, shuffle_int},
    {"lanes", "shuffle_unsigned", 0, shuffle_unsigned},
    {"lanes", "shuffle_float", 0, shuffle_float},
    {"lanes", "shuffle_double", 0, shuffle_double},
    {"lanes", "shuffle_long_long", 0, shuffle_long_long},
    {"lanes", "gather", 0, gather},
    {"lanes", "votes", 0, votes},
    {"lanes", "votes_of_some", 0, votes_of_some},
    {NULL, NULL, 0, NULL},
};
