/* The parts of libqjit_hip_cuda that need neither a GPU nor NVRTC: images that are not whole, hipRTC's
 * options as NVRTC's. */
#include <elf.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "hip_cuda/image.h"
#include "hip_cuda/options.h"

static int n_failed;

static void check(bool ok, const char *what, const char *more)
{
    if (!ok) {
        printf("FAIL %s %s\n", what, more);
        n_failed++;
    }
}

/* ---- images --------------------------------------------------------------------------------- */

/* The least that is accepted: symbols, strings and the names of the sections in one table. */
struct least {
    Elf64_Ehdr header;
    Elf64_Sym symbols[2];
    char strings[16];
    Elf64_Shdr sections[3];
    Elf64_Phdr segments[1];
};

static struct least make_least(void)
{
    struct least image = {
        .header = {.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
                   .e_machine = 190,
                   .e_shoff = offsetof(struct least, sections),
                   .e_phoff = offsetof(struct least, segments),
                   .e_shnum = 3,
                   .e_shentsize = sizeof(Elf64_Shdr),
                   .e_phnum = 1,
                   .e_phentsize = sizeof(Elf64_Phdr),
                   .e_shstrndx = 2},
        .sections = {{.sh_type = SHT_NULL},
                     {.sh_type = SHT_SYMTAB,
                      .sh_offset = offsetof(struct least, symbols),
                      .sh_size = 2 * sizeof(Elf64_Sym),
                      .sh_entsize = sizeof(Elf64_Sym),
                      .sh_link = 2},
                     {.sh_type = SHT_STRTAB, .sh_offset = offsetof(struct least, strings), .sh_size = 16}},
        .segments = {{.p_type = PT_LOAD, .p_filesz = sizeof(struct least)}},
    };
    return image;
}

static hipError_t copy_and_free(const void *image)
{
    void *copy = NULL;
    hipError_t error = qj_image_copy(&copy, image);
    free(copy);
    return error;
}

static void cut_images(void)
{
    const struct least image = make_least();
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    char *memory = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED || mprotect(memory + page, page, PROT_NONE) != 0) {
        check(false, "memory with a guard page", "");
        return;
    }
    for (size_t n = 0; n <= sizeof image; n++) {
        char text[32];
        snprintf(text, sizeof text, "%zu", n);
        memcpy(memory + page - n, &image, n);
        hipError_t wanted = n == sizeof image ? QJ_HIP_SUCCESS : QJ_HIP_ERROR_INVALID_IMAGE;
        check(copy_and_free(memory + page - n) == wanted, "an image cut to", text);
    }
    munmap(memory, 2 * page);
}

static void wrong_images(void)
{
    struct least image = make_least();
    image.header.e_machine = EM_X86_64;
    check(copy_and_free(&image) == QJ_HIP_ERROR_NO_BINARY_FOR_GPU, "another machine", "");
    image = make_least();
    image.strings[15] = 'x';
    check(copy_and_free(&image) == QJ_HIP_ERROR_INVALID_IMAGE, "strings without an end", "");
    image = make_least();
    image.sections[1].sh_link = 9;
    check(copy_and_free(&image) == QJ_HIP_ERROR_INVALID_IMAGE, "a link to no section", "");
    image = make_least();
    image.sections[1].sh_offset = ~(Elf64_Off)0;
    check(copy_and_free(&image) == QJ_HIP_ERROR_INVALID_IMAGE, "an offset beyond everything", "");
    image = make_least();
    image.segments[0].p_filesz = 1 << 20;
    check(copy_and_free(&image) == QJ_HIP_ERROR_INVALID_IMAGE, "a segment beyond the end", "");
    memset(&image.segments, 0, sizeof image.segments);
    check(copy_and_free(&image) == QJ_HIP_ERROR_INVALID_IMAGE, "zeros for segments", "");
    check(copy_and_free(NULL) == QJ_HIP_ERROR_INVALID_IMAGE, "no image", "");
    check(copy_and_free((void *)16) == QJ_HIP_ERROR_INVALID_IMAGE, "an address without memory", "");
}

static void random_images(void)
{
    unsigned state = 1;
    for (int i = 0; i < 5000; i++) {
        struct least image = make_least();
        for (int k = 0; k < 3; k++) {
            state = state * 1664525u + 1013904223u;
            ((unsigned char *)&image)[(state >> 8) % sizeof image] = (unsigned char)(state >> 24);
        }
        hipError_t error = copy_and_free(&image);
        check(error == 0 || error == 200 || error == 209 || error == 2, "a random image", "");
    }
}

/* ---- options -------------------------------------------------------------------------------- */

/* Options separated by one space, and what they become; "!" and a part of the error where they are refused.
 */
static void translate(const char *from, const char *wanted)
{
    static const struct qj_nvrtc nvrtc = {.major = 13, .n_archs = 2, .archs = {75, 90}};
    char text[256], got[1024] = "";
    const char *options[32];
    int n = 0;
    snprintf(text, sizeof text, "%s", from);
    for (char *save, *at = strtok_r(text, " ", &save); at != NULL; at = strtok_r(NULL, " ", &save)) {
        options[n++] = at;
    }
    struct qj_nvrtc_options translated;
    bool ok =
        qj_nvrtc_options_init(&translated, &nvrtc, n, options, strstr(from, "arch") != NULL ? NULL : "sm_75");
    for (int i = 0; i < translated.n; i++) {
        size_t used = strlen(got);
        snprintf(got + used, sizeof got - used, "%s%s", i == 0 ? "" : " ", translated.items[i]);
    }
    if (wanted[0] == '!') {
        check(!ok && strstr(translated.error, wanted + 1) != NULL, from, translated.error);
    } else {
        check(ok && strcmp(got, wanted) == 0, from, ok ? got : translated.error);
    }
    qj_nvrtc_options_finish(&translated);
}

static void translate_options(void)
{
    translate("--offload-arch=sm_90", "--gpu-architecture=sm_90");
    translate("--gpu-architecture=sm_90a", "--gpu-architecture=sm_90a");
    translate("-O3", "--gpu-architecture=sm_75");
    translate("-D A=1 -DB -UC --offload-arch=sm_75", "-DA=1 -DB -UC --gpu-architecture=sm_75");
    translate("-std=gnu++17 --std=c++20 -ffast-math --offload-arch=sm_90",
              "--std=c++17 --std=c++20 --use_fast_math --gpu-architecture=sm_90");
    translate("-O1 -ffp-contract=off -g --offload-arch=sm_90",
              "--ptxas-options=-O1 --fmad=false --generate-line-info --gpu-architecture=sm_90");
    translate("-mllvm -amdgpu-x -mcode-object-version=5 -Wall -nogpulib --offload-arch=sm_90",
              "--gpu-architecture=sm_90");
    translate("--offload-arch=gfx1030", "!arch 'gfx1030' is none of NVRTC 13.0's: sm_75 sm_90");
    translate("--offload-arch=sm_91", "!arch 'sm_91'");
    translate("--offload-arch=sm_90x", "!arch 'sm_90x'");
    translate("--offload-arch=", "!arch ''");
    translate("--offload-arch=sm_90 --offload-arch=sm_75", "!more than once");
    translate("-mwavefrontsize64 --offload-arch=sm_90", "!32 lanes");
    translate("-fplugin=x.so --offload-arch=sm_90", "!option '-fplugin=x.so' is not known");
    translate("-archaic", "!option '-archaic' is not known");
}

int main(void)
{
    cut_images();
    wrong_images();
    random_images();
    translate_options();
    printf("%d failed\n", n_failed);
    return n_failed == 0 ? 0 : 1;
}
