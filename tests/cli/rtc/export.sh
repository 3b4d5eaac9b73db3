. "$QJIT_SOURCE/tests/cli/common.bash"
# Code objects for programs that embed them: files and a manifest that names them, and a C source that compiles
# without a warning, holds the same bytes and finds them by kernel and arch.
need_rtc
command -v gcc >/dev/null || need clang
kernels=$(qjit list --kernels --json | jq -r '[group_by(.unit)[:2][][0].name] | join(",")')
kernel=${kernels%,*}
archs=gfx90a:xnack+,gfx90a,$arch
qjit export --hsaco objects --c-array objects.c --arch $archs --kernel "$kernels" --json 2>/dev/null >said
echo "exit $?"
cmp said objects/manifest.json
jq -c '[length, (map(.kernels | length > 0) | all), (map(.compiler | test("hiprtc=")) | all)]' said
jq -r '.[] | "\(.file) \(.object_bytes)"' said | while read -r file bytes; do
    [ "$(stat -c %s "objects/$file")" = "$bytes" ] && [ "$(head -c 4 "objects/$file" | od -An -c | tr -d ' ')" = '177ELF' ] ||
        echo "$file: not what the manifest says"
done
jq -r '.[].file' said | sed 's/^[a-z0-9_]*\./UNIT./' | sort | uniq -c | sed 's/^ *//'
qjit list --json | jq -r '.[].key' | sort >stored
jq -r '.[].key' said | sort | cmp - stored

cat >use.c <<'END'
#define QJIT_EMBEDDED_DECLARE
#include "objects.c"
#include <stdio.h>
#include <string.h>

static void say(const char *kernel, const char *arch)
{
    const struct qjit_embedded *object = qjit_embedded_find(kernel, arch);
    printf("%s: %s\n", arch, object ? object->arch : "none");
}

int main(int argc, char **argv)
{
    static const char *const archs[] = {"gfx1030", "gfx90a:sramecc+:xnack-", "gfx90a:xnack+", "gfx90a:sramecc-:xnack+",
                                        "gfx90a", "gfx90", "gfx90a0", "gfx1031"};
    for (size_t i = 0; i < sizeof archs / sizeof *archs; i++)
        say(argv[argc - 1], archs[i]);
    say("no_such_kernel", "gfx1030");
    for (size_t i = 0; i < qjit_n_embedded_objects; i++) {
        const struct qjit_embedded *object = &qjit_embedded_objects[i];
        char path[4096];
        snprintf(path, sizeof path, "%zu.bytes", i);
        FILE *file = fopen(path, "wb");
        fwrite(object->bytes, 1, object->n_bytes, file);
        fclose(file);
    }
    return 0;
}
END
for cc in "gcc -std=c99" "clang -std=c99" g++ clang++; do
    command -v "${cc%% *}" >/dev/null || continue
    case $cc in *++) language='-x c++' ;; *) language= ;; esac
    # shellcheck disable=SC2086 # words
    $cc $language -Wall -Wextra -Wpedantic -Wshadow -Werror use.c objects.c -o use || echo "$cc: failed"
done
./use "$kernel"
i=0
for file in $(jq -r '.[].file' said); do
    cmp "objects/$file" $i.bytes && i=$((i + 1))
done
echo "$i the same"

# The same bytes a second time, out of the store alone; what is not there is left out, and said.
qjit export --cached-only --c-array again.c --kernel "$kernels" --arch $archs,gfx906 2>&1 | sed 's/[0-9]* bytes/N bytes/'
cmp objects.c again.c
qjit export --cached-only --hsaco kept >/dev/null 2>&1
echo "exit $? $(jq length kept/manifest.json)"
qjit export --c-array - --arch $arch --kernel "$kernel" | grep -c '^const struct qjit_embedded qjit_embedded_objects'

# Nothing is written where something is missing.
try qjit export --hsaco none --arch $arch,gfx9999 --kernel "$kernel" 2>/dev/null
try qjit export --hsaco none --arch $arch --unit nothing
try qjit export --hsaco none --arch $arch --unit "$(jq -r '.[0].unit' said)" --module nothing
try qjit export --hsaco none --arch gfx906 --cached-only
try qjit export --arch $arch
try qjit export --c-array - --rust-bytes - --arch $arch
try qjit export --hsaco objects/none/none --cached-only 2>&1 | sed 's/^qjit: export: [0-9]* .*left out$/LEFT OUT/'
ls none 2>&1
