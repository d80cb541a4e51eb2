/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Formats: sched_getaffinity(2), cgroups(7), proc(5), and admin-guide/cgroup-v2.rst and
 * scheduler/sched-bwc.rst of the kernel's documentation. */
#include "npu/cpu/processors.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* No kernel has that many; 8192 is the most that Linux can be built for today. */
#define MASK_MAX (1 << 20)

/* A mask of processors that is shorter than the kernel's is refused. Returns the count; -ENOMEM. */
static int count_affinity(void)
{
    for (int n = 1024; n <= MASK_MAX; n *= 2) {
        cpu_set_t *set = CPU_ALLOC((size_t)n);
        if (!set)
            return -ENOMEM;
        size_t bytes = CPU_ALLOC_SIZE((size_t)n);
        int count = sched_getaffinity(0, bytes, set) == 0 ? CPU_COUNT_S(bytes, set) : -errno;
        CPU_FREE(set);
        if (count != -EINVAL)
            return count < 1 ? 1 : count;
    }
    return 1;
}

/* ---- Files ----------------------------------------------------------------------------------- */

struct lines {
    int fd;
    size_t used, end; /* of `text`: taken, read */
    char text[8192];
};

static bool lines_open(struct lines *lines, const char *path)
{
    lines->used = lines->end = 0;
    lines->fd = open(path, O_RDONLY | O_CLOEXEC);
    return lines->fd >= 0;
}

/* The next line, without its end, valid until the next call; NULL: none. What does not fit is left
 * out. */
static char *lines_next(struct lines *lines)
{
    bool skip = false;
    for (;;) {
        char *from = lines->text + lines->used;
        char *end = memchr(from, '\n', lines->end - lines->used);
        if (end) {
            *end = '\0';
            lines->used = (size_t)(end + 1 - lines->text);
            if (!skip)
                return from;
            skip = false;
            continue;
        }
        lines->end -= lines->used;
        memmove(lines->text, from, lines->end);
        lines->used = 0;
        if (lines->end == sizeof(lines->text) - 1) {
            skip = true;
            lines->end = 0;
        }
        ssize_t n = read(lines->fd, lines->text + lines->end, sizeof(lines->text) - 1 - lines->end);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0 && lines->end == 0)
            return NULL;
        if (n <= 0) /* the last line has no end */
            lines->text[lines->end++] = '\n';
        else
            lines->end += (size_t)n;
    }
}

static void lines_close(struct lines *lines)
{
    close(lines->fd);
}

/* The first line of a file; false: none. */
static bool read_line(char *line, size_t size, const char *folder, const char *name)
{
    char path[PATH_MAX];
    struct lines lines;

    if (snprintf(path, sizeof(path), "%s/%s", folder, name) >= (int)sizeof(path) ||
        !lines_open(&lines, path))
        return false;
    const char *first = lines_next(&lines);
    bool got = first && strlen(first) < size;
    if (got)
        strcpy(line, first);
    lines_close(&lines);
    return got;
}

/* ---- Control groups -------------------------------------------------------------------------- */

/* Of the tree of one hierarchy, with the version's name of it in proc/self/cgroup. */
struct tree {
    bool v2;
    char group[PATH_MAX]; /* this process's, from the tree's root */
    char root[PATH_MAX];  /* the group that is mounted */
    char mount[PATH_MAX]; /* where, below the root folder */
};

/* Whether a list that commas separate has the item. */
static bool has_item(const char *list, const char *item)
{
    size_t n = strlen(item);
    for (const char *at = list; at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL)
        if (!strncmp(at, item, n) && (at[n] == ',' || at[n] == '\0'))
            return true;
    return false;
}

/* "4:cpu,cpuacct:/a/b", version 2 "0::/a/b". */
static bool find_group(struct tree *tree, const char *root_folder)
{
    char path[PATH_MAX];
    struct lines lines;
    bool found = false;
    char *line;

    snprintf(path, sizeof(path), "%s/proc/self/cgroup", root_folder);
    if (!lines_open(&lines, path))
        return false;
    while (!found && (line = lines_next(&lines))) {
        strsep(&line, ":");
        const char *controllers = strsep(&line, ":");
        if (!line || line[0] != '/' || strlen(line) >= sizeof(tree->group))
            continue;
        found = tree->v2 ? !*controllers : has_item(controllers, "cpu");
        if (found)
            strcpy(tree->group, line);
    }
    lines_close(&lines);
    return found;
}

/* \040 and the like, in place. */
static void unescape(char *text)
{
    char *to = text;
    for (const char *at = text; *at; to++) {
        bool octal = at[0] == '\\' && at[1] >= '0' && at[1] <= '3' && at[2] >= '0' &&
                     at[2] <= '7' && at[3] >= '0' && at[3] <= '7';
        *to = octal ? (char)((at[1] - '0') * 64 + (at[2] - '0') * 8 + at[3] - '0') : *at;
        at += octal ? 4 : 1;
    }
    *to = '\0';
}

/* "36 35 98:0 ROOT MOUNT options optional... - cgroup source cpu,cpuacct". */
static bool parse_mount(struct tree *tree, char *line)
{
    const char *type = tree->v2 ? "cgroup2" : "cgroup";
    char *rest = strstr(line, " - ");

    if (!rest)
        return false;
    *rest = '\0';
    rest += 3;
    for (unsigned i = 0; i < 3; i++)
        strsep(&line, " ");
    char *root = strsep(&line, " "), *mount = strsep(&line, " ");
    const char *is = strsep(&rest, " ");
    strsep(&rest, " ");
    if (!mount || !rest || strcmp(is, type) || (!tree->v2 && !has_item(rest, "cpu")))
        return false;
    unescape(root);
    unescape(mount);
    if (strlen(root) >= sizeof(tree->root) || strlen(mount) >= sizeof(tree->mount))
        return false;
    strcpy(tree->root, root);
    strcpy(tree->mount, mount);
    return true;
}

static bool find_mount(struct tree *tree, const char *root_folder)
{
    char path[PATH_MAX];
    struct lines lines;
    bool found = false;
    char *line;

    snprintf(path, sizeof(path), "%s/proc/self/mountinfo", root_folder);
    if (lines_open(&lines, path)) {
        while (!found && (line = lines_next(&lines)))
            found = parse_mount(tree, line);
        lines_close(&lines);
        return found;
    }
    strcpy(tree->root, "/");
    strcpy(tree->mount, tree->v2 ? "/sys/fs/cgroup" : "/sys/fs/cgroup/cpu");
    return true;
}

/* quota / period in whole processors, rounded up; INT_MAX: no limit. */
static int whole(unsigned long long quota, unsigned long long period)
{
    if (quota == 0 || period == 0)
        return INT_MAX;
    unsigned long long n = quota / period + (quota % period != 0);
    return n < INT_MAX ? (int)n : INT_MAX;
}

/* What one group's files say; INT_MAX: nothing. "max" and -1: no limit. */
static int read_quota(const struct tree *tree, const char *folder)
{
    unsigned long long quota = 0, period = 0;
    char line[64], rest;

    if (tree->v2)
        return read_line(line, sizeof(line), folder, "cpu.max") && line[0] != '-' &&
                       sscanf(line, "%llu %llu%c", &quota, &period, &rest) == 2
                   ? whole(quota, period)
                   : INT_MAX;
    if (!read_line(line, sizeof(line), folder, "cpu.cfs_quota_us") || line[0] == '-' ||
        sscanf(line, "%llu%c", &quota, &rest) != 1)
        return INT_MAX;
    if (!read_line(line, sizeof(line), folder, "cpu.cfs_period_us") || line[0] == '-' ||
        sscanf(line, "%llu%c", &period, &rest) != 1)
        return INT_MAX;
    return whole(quota, period);
}

/* The least quota of this process's group and all above it that can be seen from here. */
static int count_quota(bool v2, const char *root_folder)
{
    struct tree tree = {.v2 = v2};
    char folder[2 * PATH_MAX + 16];

    if (strlen(root_folder) >= PATH_MAX - 32 || !find_group(&tree, root_folder) ||
        !find_mount(&tree, root_folder))
        return INT_MAX;
    size_t n = strcmp(tree.root, "/") ? strlen(tree.root) : 0;
    /* A group beside what is mounted, as in a container: that is all to be seen of it. */
    bool below = !strncmp(tree.group, tree.root, n) &&
                 (tree.group[n] == '/' || tree.group[n] == '\0') && !strstr(tree.group, "/..");
    int length = snprintf(folder, sizeof(folder), "%s%s%s", root_folder, tree.mount,
                          below ? tree.group + n : "");
    size_t top = strlen(root_folder) + strlen(tree.mount);
    int least = INT_MAX;
    if (length < 0 || length >= (int)sizeof(folder))
        return INT_MAX;
    for (;;) {
        int quota = read_quota(&tree, folder);
        least = quota < least ? quota : least;
        if (strlen(folder) <= top)
            return least;
        *strrchr(folder, '/') = '\0';
    }
}

int npu_processors_count(const char *root)
{
    int count = count_affinity(), v1, v2;

    if (count < 0)
        return count;
    v1 = count_quota(false, root);
    v2 = count_quota(true, root);
    count = v1 < count ? v1 : count;
    count = v2 < count ? v2 : count;
    return count < NPU_PROCESSORS_MAX ? count : NPU_PROCESSORS_MAX;
}
