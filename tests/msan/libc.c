/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Linked into every program of the MemorySanitizer build, for functions of the C library that it
 * does not know: clang 14 knows fstat() and the like only by their names before glibc 2.33. */
#include <fcntl.h>
#include <sanitizer/msan_interface.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

int fstat64(int fd, struct stat64 *st);
int stat64(const char *path, struct stat64 *st);
int fstat(int fd, struct stat *st) __attribute__((alias("fstat64")));
int stat(const char *path, struct stat *st) __attribute__((alias("stat64")));
int fstatat(int folder, const char *path, struct stat *st, int flags)
    __attribute__((alias("fstatat64")));

/* The kernel's structure is this one on 64-bit machines. */
int fstatat64(int folder, const char *path, struct stat64 *st, int flags)
{
    int ret = (int)syscall(SYS_newfstatat, folder, path, st, flags);
    if (ret == 0)
        __msan_unpoison(st, sizeof(*st));
    return ret;
}

int fstat64(int fd, struct stat64 *st)
{
    return fstatat64(fd, "", st, AT_EMPTY_PATH);
}

int stat64(const char *path, struct stat64 *st)
{
    return fstatat64(AT_FDCWD, path, st, 0);
}
