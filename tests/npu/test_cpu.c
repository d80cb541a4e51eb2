/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which kernels the device "cpu" takes: those of WHISPERNPU_CPU, or an error; never silently
 * another set. */
#include <errno.h>
#include <stdlib.h>

#include "kernels/kernels.h"
#include "npu/npu.h"
#include "tests/check.h"

/* Open the device with a wish (NULL: none). *set: its kernel set (static). */
static int open_with(const char *wish, const char **set, struct npu_error *err)
{
    struct npu_device *device = NULL;
    struct npu_device_info info;

    *err = (struct npu_error){""};
    *set = "none";
    if (wish)
        setenv("WHISPERNPU_CPU", wish, 1);
    else
        unsetenv("WHISPERNPU_CPU");
    int code =
        npu_device_open(&device, &(struct npu_device_params){.name = "cpu", .threads = 1}, err);
    if (code)
        return code;
    npu_device_get_info(device, &info);
    npu_device_close(&device);
    *set = info.isa;
    return 0;
}

/* Whether the table says that this set runs here. */
static bool is_there(int i)
{
    struct npu_kernels k;
    return npu_kernels_choose(&k, npu_kernels_name(i)) && !strcmp(k.name, npu_kernels_name(i));
}

static const char *best(int sets)
{
    int i = sets - 1;
    while (!is_there(i))
        i--;
    return npu_kernels_name(i);
}

static void test_best(int sets)
{
    static const char *const wishes[] = {NULL, "", "auto"};
    for (unsigned i = 0; i < sizeof(wishes) / sizeof(wishes[0]); i++) {
        struct npu_error err;
        const char *set;
        int code = open_with(wishes[i], &set, &err);
        check_case(code == 0 && !strcmp(set, best(sets)), "cpu_without_a_wish_takes_best",
                   "%s gives %d %s", wishes[i] ? wishes[i] : "none", code, set);
    }
}

static void test_named(int sets)
{
    char name[64];
    for (int i = 0; i < sets; i++) {
        const char *wish = npu_kernels_name(i), *set;
        struct npu_error err;
        int code = open_with(wish, &set, &err);
        snprintf(name, sizeof(name), "cpu_told_%s_takes_it_or_is_an_error", wish);
        check_case(is_there(i)
                       ? code == 0 && !strcmp(set, wish)
                       : code == -ENOTSUP && strstr(err.text, wish) && strstr(err.text, best(sets)),
                   name, "%d %s %s", code, set, err.text);
    }
}

static void test_unknown(int sets)
{
    static const char *const wishes[] = {"foo",  "avx9", "AVX2",     "avx2 ",
                                         "avx5", "0",    "ref,avx2", "avx512vbmi2"};
    for (unsigned i = 0; i < sizeof(wishes) / sizeof(wishes[0]); i++) {
        struct npu_error err;
        const char *set;
        int code = open_with(wishes[i], &set, &err);
        bool all = strstr(err.text, wishes[i]);
        for (int j = 0; j < sets; j++)
            all = all && strstr(err.text, npu_kernels_name(j));
        check_case(code == -EINVAL && all, "cpu_told_an_unknown_set_names_all", "\"%s\": %d %s",
                   wishes[i], code, err.text);
    }
}

int main(void)
{
    int sets = 0;
    while (npu_kernels_name(sets))
        sets++;
    test_best(sets);
    test_named(sets);
    test_unknown(sets);
    return check_finish();
}
