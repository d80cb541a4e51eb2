/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which kernels the device "cpu" takes, and what it says where they are not those of
 * WHISPERNPU_CPU. */
#include <stdlib.h>

#include "kernels/kernels.h"
#include "npu/npu.h"
#include "tests/check.h"

static char warning[512]; /* the last about WHISPERNPU_CPU */

static void keep_warning(void *user, enum npu_log_level level, const char *text)
{
    (void)user;
    if (level == NPU_LOG_WARNING && strstr(text, "WHISPERNPU_CPU"))
        snprintf(warning, sizeof(warning), "%s", text);
}

/* The device's kernel set (static). */
static const char *set_for(const char *wish)
{
    struct npu_error err = {""};
    struct npu_device *device = NULL;
    struct npu_device_info info = {.isa = "none"};

    if (wish)
        setenv("WHISPERNPU_CPU", wish, 1);
    else
        unsetenv("WHISPERNPU_CPU");
    warning[0] = '\0';
    if (npu_device_open(&device, &(struct npu_device_params){.name = "cpu", .threads = 1}, &err)) {
        check_case(false, "open", "%s", err.text);
        return info.isa;
    }
    npu_device_get_info(device, &info);
    npu_device_close(&device);
    return info.isa;
}

/* The highest set up to number `last` that runs here, by the table alone. */
static const char *highest(int last)
{
    struct npu_kernels k;
    while (!npu_kernels_choose(&k, npu_kernels_name(last)) ||
           strcmp(k.name, npu_kernels_name(last)) != 0)
        last--;
    return npu_kernels_name(last);
}

static void test_best(int sets)
{
    static const char *const wishes[] = {NULL, "", "auto"};
    for (unsigned i = 0; i < sizeof(wishes) / sizeof(wishes[0]); i++) {
        const char *set = set_for(wishes[i]);
        check_case(!strcmp(set, highest(sets - 1)) && !warning[0], "cpu_without_a_wish_takes_best",
                   "%s gives %s %s", wishes[i] ? wishes[i] : "none", set, warning);
    }
}

static void test_named(int sets)
{
    char name[64], expected[128];
    for (int i = 0; i < sets; i++) {
        const char *wish = npu_kernels_name(i), *set = set_for(wish);
        bool is_there = !strcmp(highest(i), wish);
        snprintf(expected, sizeof(expected),
                 "WHISPERNPU_CPU=%s is not possible on this machine; using %s", wish, highest(i));
        snprintf(name, sizeof(name), "cpu_told_%s_takes_it_or_says_so", wish);
        check_case(!strcmp(set, highest(i)) && !strcmp(warning, is_there ? "" : expected), name,
                   "%s %s", set, warning);
    }
}

static void test_unknown(int sets)
{
    static const char *const wishes[] = {"avx9", "AVX2", "avx2 ", "0"};
    for (unsigned i = 0; i < sizeof(wishes) / sizeof(wishes[0]); i++) {
        const char *set = set_for(wishes[i]);
        bool all = strstr(warning, wishes[i]) && strstr(warning, "ignored");
        for (int j = 0; j < sets; j++)
            all = all && strstr(warning, npu_kernels_name(j));
        check_case(!strcmp(set, highest(sets - 1)) && all, "cpu_told_an_unknown_set_names_all",
                   "%s %s", set, warning);
    }
}

int main(void)
{
    int sets = 0;
    while (npu_kernels_name(sets))
        sets++;
    npu_log_set(keep_warning, NULL);
    test_best(sets);
    test_named(sets);
    test_unknown(sets);
    return check_finish();
}
