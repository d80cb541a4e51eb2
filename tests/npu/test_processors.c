/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The default number of threads: affinity masks of any size, CPU quotas of control groups under the
 * test's own root folder and, where this process may make one, a real quota. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "npu/cpu/processors.h"
#include "npu/npu.h"
#include "tests/check.h"

/* ---- A kernel of any number of processors ---------------------------------------------------- */

int __real_sched_getaffinity(pid_t pid, size_t bytes, cpu_set_t *set);
int __wrap_sched_getaffinity(pid_t pid, size_t bytes, cpu_set_t *set);

static unsigned machine_cpus; /* of the simulated machine; 0: this one */
static unsigned first_cpu, n_cpus;

int __wrap_sched_getaffinity(pid_t pid, size_t bytes, cpu_set_t *set)
{
    if (!machine_cpus)
        return __real_sched_getaffinity(pid, bytes, set);
    if (bytes * 8 < machine_cpus) {
        errno = EINVAL;
        return -1;
    }
    CPU_ZERO_S(bytes, set);
    for (unsigned i = 0; i < n_cpus; i++)
        CPU_SET_S(first_cpu + i, bytes, set);
    return 0;
}

static void machine(unsigned cpus, unsigned first, unsigned n)
{
    machine_cpus = cpus;
    first_cpu = first;
    n_cpus = n;
}

static void test_affinity(void)
{
    static const struct {
        unsigned cpus, first, n;
        int expected;
    } rows[] = {{1, 0, 1, 1},           {64, 60, 4, 4},       {1024, 1000, 24, 24},
                {1025, 1024, 1, 1},     {2048, 1024, 96, 96}, {8192, 8000, 192, 192},
                {65536, 60000, 31, 31}, {4096, 0, 4096, 256}, {300, 0, 256, 256}};

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        machine(rows[i].cpus, rows[i].first, rows[i].n);
        int n = npu_processors_count("/nonexistent");
        check_case(n == rows[i].expected, "processors_of_a_mask_are_counted",
                   "%u from %u of %u: %d, expected %d", rows[i].n, rows[i].first, rows[i].cpus, n,
                   rows[i].expected);
    }
    machine(0, 0, 0);
}

/* The mask of this process. */
static void test_own_mask(void)
{
    cpu_set_t all, one;
    int cpu = 0;
    if (sched_getaffinity(0, sizeof(all), &all)) {
        check_skip("processors_follow_the_own_mask", "more than 1024 processors");
        return;
    }
    while (!CPU_ISSET(cpu, &all))
        cpu++;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    sched_setaffinity(0, sizeof(one), &one);
    int pinned = npu_processors_count("/nonexistent");
    sched_setaffinity(0, sizeof(all), &all);
    int free = npu_processors_count("/nonexistent");
    check_case(pinned == 1 && free == (CPU_COUNT(&all) < 256 ? CPU_COUNT(&all) : 256),
               "processors_follow_the_own_mask", "%d pinned, %d free", pinned, free);
}

/* ---- Quotas under a root of the test's own --------------------------------------------------- */

static char root[64];

/* A file with its folders. */
static void put(const char *path, const char *text)
{
    char full[256];
    snprintf(full, sizeof(full), "%s%s", root, path);
    for (char *at = full; (at = strchr(at, '/')); at++) {
        *at = '\0';
        if (mkdir(full, 0755) && errno != EEXIST)
            check_case(false, "write", "%s", full);
        *at = '/';
    }
    FILE *file = fopen(full, "w");
    if (!file || fputs(text, file) < 0 || fclose(file))
        check_case(false, "write", "%s", full);
}

static void clear(void)
{
    char command[128];
    snprintf(command, sizeof(command), "rm -rf %s", root);
    if (system(command))
        check_case(false, "clear", "%s", root);
}

#define V2_MOUNT "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"
#define V1_MOUNT                                                                           \
    "29 23 0:25 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"                    \
    "30 23 0:26 / /sys/fs/cgroup/cpu,cpuacct rw,nosuid shared:4 shared:9 - cgroup cgroup " \
    "rw,cpu,cpuacct\n"
#define V1_GROUP "12:memory:/a\n4:cpu,cpuacct:/a/b\n1:name=systemd:/a\n0::/\n"

/* On a machine of 64 processors. NULL: no such file; up to 4 files of groups. */
static const struct quota_case {
    const char *name, *cgroup, *mountinfo;
    const char *file[4][2];
    int expected;
} quota_cases[] = {
    {"v2_own", "0::/a/b\n", V2_MOUNT, {{"/sys/fs/cgroup/a/b/cpu.max", "200000 100000\n"}}, 2},
    {"v2_rounds_up", "0::/a\n", V2_MOUNT, {{"/sys/fs/cgroup/a/cpu.max", "150000 100000\n"}}, 2},
    {"v2_below_one", "0::/a\n", V2_MOUNT, {{"/sys/fs/cgroup/a/cpu.max", "1000 100000\n"}}, 1},
    {"v2_other_period", "0::/a\n", V2_MOUNT, {{"/sys/fs/cgroup/a/cpu.max", "70000 10000\n"}}, 7},
    {"v2_max", "0::/a\n", V2_MOUNT, {{"/sys/fs/cgroup/a/cpu.max", "max 100000\n"}}, 64},
    {"v2_more_than_there_are",
     "0::/a\n",
     V2_MOUNT,
     {{"/sys/fs/cgroup/a/cpu.max", "9900000 100000\n"}},
     64},
    {"v2_parent",
     "0::/a/b/c\n",
     V2_MOUNT,
     {{"/sys/fs/cgroup/a/b/c/cpu.max", "max 100000\n"},
      {"/sys/fs/cgroup/a/b/cpu.max", "800000 100000\n"},
      {"/sys/fs/cgroup/a/cpu.max", "500000 100000\n"}},
     5},
    {"v2_top_of_a_namespace",
     "0::/\n",
     V2_MOUNT,
     {{"/sys/fs/cgroup/cpu.max", "300000 100000\n"}},
     3},
    {"v2_outside_of_the_namespace",
     "0::/../../x\n",
     V2_MOUNT,
     {{"/sys/fs/cgroup/cpu.max", "300000 100000\n"}},
     3},
    {"v2_no_controller", "0::/a\n", V2_MOUNT, {{"/sys/fs/cgroup/a/cgroup.procs", "1\n"}}, 64},
    {"v2_without_mountinfo", "0::/a\n", NULL, {{"/sys/fs/cgroup/a/cpu.max", "200000 100000\n"}}, 2},
    {"v2_mounted_elsewhere",
     "0::/a\n",
     "30 23 0:26 / /cg\\040two rw - cgroup2 none rw\n",
     {{"/cg two/a/cpu.max", "200000 100000\n"}},
     2},
    {"v2_without_line_ends", "0::/a", V2_MOUNT, {{"/sys/fs/cgroup/a/cpu.max", "400000 100000"}}, 4},
    {"v1_own",
     V1_GROUP,
     V1_MOUNT,
     {{"/sys/fs/cgroup/cpu,cpuacct/a/b/cpu.cfs_quota_us", "250000\n"},
      {"/sys/fs/cgroup/cpu,cpuacct/a/b/cpu.cfs_period_us", "100000\n"}},
     3},
    {"v1_none",
     V1_GROUP,
     V1_MOUNT,
     {{"/sys/fs/cgroup/cpu,cpuacct/a/b/cpu.cfs_quota_us", "-1\n"},
      {"/sys/fs/cgroup/cpu,cpuacct/a/b/cpu.cfs_period_us", "100000\n"}},
     64},
    {"v1_parent",
     V1_GROUP,
     V1_MOUNT,
     {{"/sys/fs/cgroup/cpu,cpuacct/a/b/cpu.cfs_quota_us", "-1\n"},
      {"/sys/fs/cgroup/cpu,cpuacct/a/b/cpu.cfs_period_us", "100000\n"},
      {"/sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_quota_us", "400000\n"},
      {"/sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_period_us", "100000\n"}},
     4},
    {"v1_in_a_container_that_sees_its_own_group",
     "4:cpu,cpuacct:/docker/abc\n",
     "30 23 0:26 /docker/abc /sys/fs/cgroup/cpu,cpuacct ro - cgroup cgroup rw,cpu,cpuacct\n",
     {{"/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "200000\n"},
      {"/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000\n"}},
     2},
    {"v1_below_what_is_mounted",
     "4:cpu:/docker/abc/x\n",
     "30 23 0:26 /docker/abc /sys/fs/cgroup/cpu ro - cgroup cgroup rw,cpu\n",
     {{"/sys/fs/cgroup/cpu/x/cpu.cfs_quota_us", "200000\n"},
      {"/sys/fs/cgroup/cpu/x/cpu.cfs_period_us", "100000\n"}},
     2},
    {"v1_beside_what_is_mounted",
     "4:cpu:/docker/abcdef\n",
     "30 23 0:26 /docker/abc /sys/fs/cgroup/cpu ro - cgroup cgroup rw,cpu\n",
     {{"/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "200000\n"},
      {"/sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n"}},
     2},
    {"v1_without_mountinfo",
     "4:cpu:/a\n",
     NULL,
     {{"/sys/fs/cgroup/cpu/a/cpu.cfs_quota_us", "200000\n"},
      {"/sys/fs/cgroup/cpu/a/cpu.cfs_period_us", "100000\n"}},
     2},
    {"both_the_less",
     "4:cpu:/a\n0::/b\n",
     "30 23 0:26 / /v1 rw - cgroup cgroup rw,cpu\n31 23 0:27 / /v2 rw - cgroup2 cgroup2 rw\n",
     {{"/v1/a/cpu.cfs_quota_us", "600000\n"},
      {"/v1/a/cpu.cfs_period_us", "100000\n"},
      {"/v2/b/cpu.max", "300000 100000\n"}},
     3},
    {"v2_nonsense", "0::/a\n", V2_MOUNT, {{"/sys/fs/cgroup/a/cpu.max", "many\n"}}, 64},
    {"v2_half_a_line", "0::/a\n", V2_MOUNT, {{"/sys/fs/cgroup/a/cpu.max", "200000\n"}}, 64},
    {"v2_more_than_a_line", "0::/a\n", V2_MOUNT, {{"/sys/fs/cgroup/a/cpu.max", "1 1 1\n"}}, 64},
    {"v2_period_of_nothing", "0::/a\n", V2_MOUNT, {{"/sys/fs/cgroup/a/cpu.max", "1000 0\n"}}, 64},
    {"v2_quota_of_nothing", "0::/a\n", V2_MOUNT, {{"/sys/fs/cgroup/a/cpu.max", "0 100000\n"}}, 64},
    {"v2_below_nothing", "0::/a\n", V2_MOUNT, {{"/sys/fs/cgroup/a/cpu.max", "-5 100000\n"}}, 64},
    {"v2_empty", "0::/a\n", V2_MOUNT, {{"/sys/fs/cgroup/a/cpu.max", ""}}, 64},
    {"v1_no_period",
     V1_GROUP,
     V1_MOUNT,
     {{"/sys/fs/cgroup/cpu,cpuacct/a/b/cpu.cfs_quota_us", "250000\n"}},
     64},
    {"no_group_file", NULL, V2_MOUNT, {{"/sys/fs/cgroup/cpu.max", "200000 100000\n"}}, 64},
    {"group_file_of_nonsense", "\n:\n::\nx\n", V2_MOUNT, {{"/sys/fs/cgroup/cpu.max", "1 1"}}, 64},
    {"mountinfo_of_nonsense", "0::/a\n", "\n - \n1 2 - cgroup2\n", {{NULL, NULL}}, 64},
};

static void test_quotas(void)
{
    machine(64, 0, 64);
    for (size_t i = 0; i < sizeof(quota_cases) / sizeof(quota_cases[0]); i++) {
        const struct quota_case *c = &quota_cases[i];
        char name[96];
        if (c->cgroup)
            put("/proc/self/cgroup", c->cgroup);
        if (c->mountinfo)
            put("/proc/self/mountinfo", c->mountinfo);
        for (unsigned f = 0; f < 4 && c->file[f][0]; f++)
            put(c->file[f][0], c->file[f][1]);
        int n = npu_processors_count(root);
        snprintf(name, sizeof(name), "processors_quota_%s", c->name);
        check_case(n == c->expected, name, "%d, expected %d", n, c->expected);
        clear();
    }
    machine(0, 0, 0);
}

/* Groups of the greatest depth, lines longer than any buffer, thousands of mounts. */
static void test_long(void)
{
    static char text[300000];
    size_t used = 0;
    char group[256] = "";

    machine(64, 0, 64);
    for (unsigned i = 0; i < 60; i++)
        strcat(group, "/ab");
    snprintf(text, sizeof(text), "0::%s\n", group);
    put("/proc/self/cgroup", text);
    for (unsigned i = 0; i < 3000; i++)
        used +=
            (size_t)snprintf(text + used, sizeof(text) - used,
                             "%u 23 0:26 / /mnt/volume-%u rw,relatime - ext4 /dev/sda1 rw\n", i, i);
    used += (size_t)snprintf(text + used, sizeof(text) - used, "1 23 0:26 / /long");
    memset(text + used, 'x', 20000);
    used += 20000;
    snprintf(text + used, sizeof(text) - used,
             " 23 0:26 / /elsewhere rw - cgroup2 cgroup2 rw\n" V2_MOUNT);
    put("/proc/self/mountinfo", text);
    put("/sys/fs/cgroup/ab/cpu.max", "600000 100000\n");
    int n = npu_processors_count(root);
    check_case(n == 6, "processors_quota_after_3000_mounts_and_a_long_line", "%d, expected 6", n);
    clear();
    machine(0, 0, 0);
}

/* ---- A real quota ---------------------------------------------------------------------------- */

static bool write_file(const char *folder, const char *name, const char *text)
{
    char path[512];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    bool done = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
    if (fd >= 0)
        close(fd);
    return done;
}

/* A process in a group of one processor's quota: what the device opens with; 0: no such group. */
static int threads_in_group(const char *folder)
{
    int status = 0;
    pid_t child = fork();

    if (child == 0) {
        struct npu_device_info info = {.threads = 0};
        struct npu_device *device = NULL;
        struct npu_error err;
        if (!write_file(folder, "cgroup.procs", "0"))
            _exit(0);
        if (npu_device_open(&device, &(struct npu_device_params){.name = "cpu"}, &err))
            _exit(255);
        npu_device_get_info(device, &info);
        _exit((int)info.threads);
    }
    if (child > 0)
        waitpid(child, &status, 0);
    return child > 0 && WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

static void test_real(void)
{
    static const char *const tops[] = {"/sys/fs/cgroup", "/sys/fs/cgroup/cpu",
                                       "/sys/fs/cgroup/cpu,cpuacct"};
    const char *name = "processors_of_a_real_quota";
    int n = npu_processors_count("");

    for (unsigned i = 0; i < 3; i++) {
        char folder[128];
        snprintf(folder, sizeof(folder), "%s/whispernpu-test-%d", tops[i], (int)getpid());
        if (mkdir(folder, 0755))
            continue;
        int threads = 0;
        if (write_file(folder, "cpu.max", "60000 100000") ||
            write_file(folder, "cpu.cfs_quota_us", "60000"))
            threads = threads_in_group(folder);
        for (unsigned tries = 0; rmdir(folder) && errno == EBUSY && tries < 100; tries++)
            usleep(10000);
        if (!threads)
            continue;
        check_case(threads == 1, name, "%d, %d without", threads, n);
        if (n == 1)
            check_skip(name, "one processor is all there is without it, too");
        return;
    }
    check_skip(name, "no control group can be made here");
}

int main(void)
{
    snprintf(root, sizeof(root), "test-processors-%d.root", (int)getpid());
    test_affinity();
    test_own_mask();
    test_quotas();
    test_long();
    test_real();
    return check_finish();
}
