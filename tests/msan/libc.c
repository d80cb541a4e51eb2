/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Linked into every program of the MemorySanitizer build, for functions of the C library whose
 * results it does not know of: clang 14 knows fstat() and the like by the names that they had
 * before glibc 2.33. */
#include <fcntl.h>
#include <sanitizer/msan_interface.h>
#include <sys/stat.h>

int fstat64(int fd, struct stat64 *st);
int stat64(const char *path, struct stat64 *st);
int fstat(int fd, struct stat *st) __attribute__((alias("fstat64")));
int stat(const char *path, struct stat *st) __attribute__((alias("stat64")));

static int known(int ret, struct stat64 *st)
{
    if (ret == 0)
        __msan_unpoison(st, sizeof(*st));
    return ret;
}

int fstat64(int fd, struct stat64 *st)
{
    return known(fstatat64(fd, "", st, AT_EMPTY_PATH), st);
}

int stat64(const char *path, struct stat64 *st)
{
    return known(fstatat64(AT_FDCWD, path, st, 0), st);
}
