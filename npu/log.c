/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Lock order: log_lock is a leaf; it is not held while the callback runs. */
#include "npu/log.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static pthread_mutex_t log_lock = PTHREAD_MUTEX_INITIALIZER;
static npu_log_fn *log_fn; /* log_lock */
static void *log_user;     /* log_lock */

/* The default without npu_log_set(): warnings and errors as lines on stderr. */
static void log_to_stderr(enum npu_log_level level, const char *text)
{
    if (level <= NPU_LOG_WARNING)
        fprintf(stderr, "whispernpu: %s: %s\n", level == NPU_LOG_ERROR ? "error" : "warning", text);
}

void npu_log_set(npu_log_fn *fn, void *user)
{
    pthread_mutex_lock(&log_lock);
    log_fn = fn;
    log_user = user;
    pthread_mutex_unlock(&log_lock);
}

void npu_log(enum npu_log_level level, const char *format, ...)
{
    pthread_mutex_lock(&log_lock);
    npu_log_fn *fn = log_fn;
    void *user = log_user;
    pthread_mutex_unlock(&log_lock);
    char text[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (fn)
        fn(user, level, text);
    else
        log_to_stderr(level, text);
}

int npu_fail(struct npu_error *err, int code, const char *format, ...)
{
    if (err) {
        va_list args;
        va_start(args, format);
        vsnprintf(err->text, sizeof(err->text), format, args);
        va_end(args);
    }
    return code;
}

int npu_fail_more(struct npu_error *err, int code, const char *format, ...)
{
    if (err) {
        size_t used = strnlen(err->text, sizeof(err->text) - 1);
        va_list args;
        va_start(args, format);
        vsnprintf(err->text + used, sizeof(err->text) - used, format, args);
        va_end(args);
    }
    return code;
}
