/* What makes a library one of ours: the files that shape its code, from $FAKE_HIP_FILES, separated by colons;
 * none set: it finds no compiler. */
#include <stdlib.h>
#include <string.h>

#include "fake.h"

int qjitCompilerFiles(const char **out, int max);

int qjitCompilerFiles(const char **out, int max)
{
    static char list[4096];
    const char *files = getenv("FAKE_HIP_FILES");
    if (!files || strlen(files) >= sizeof list) {
        return -1;
    }
    strcpy(list, files);
    int n = 0;
    char *rest = list;
    for (char *file; n < max && (file = strsep(&rest, ":"));) {
        out[n++] = file;
    }
    return n;
}
