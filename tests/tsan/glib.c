/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Loaded before everything else (LD_PRELOAD) into the tests of gst/ under ThreadSanitizer.
 * GLib's mutexes and conditions are futexes, GObject's and GStreamer's counters atomics, inside
 * libraries that are built without the sanitizer: it cannot see that they order two threads, and
 * would report all that they protect. These wrappers tell it; it still reports what no lock
 * protects. tests/run proves both with seeded_glib.c. */
#include <dlfcn.h>
#include <glib-object.h>
#include <gst/gst.h>

/* Absent in programs without the sanitizer, which then only pass through. */
extern void __tsan_acquire(void *address) __attribute__((weak));
extern void __tsan_release(void *address) __attribute__((weak));

static void acquire(void *address)
{
    if (__tsan_acquire)
        __tsan_acquire(address);
}

static void release(void *address)
{
    if (__tsan_release)
        __tsan_release(address);
}

/* The library's own function of that name; the first caller looks it up, any other finds the same.
 * */
#define REAL(type, name, ...)                      \
    static type (*real)(__VA_ARGS__);              \
    if (!__atomic_load_n(&real, __ATOMIC_RELAXED)) \
    __atomic_store_n(&real, (type(*)(__VA_ARGS__))dlsym(RTLD_NEXT, name), __ATOMIC_RELAXED)

#define EXPORT __attribute__((visibility("default")))

#define LOCK(function, object)           \
    EXPORT void function(object *lock)   \
    {                                    \
        REAL(void, #function, object *); \
        real(lock);                      \
        acquire(lock);                   \
    }
#define TRYLOCK(function, object)            \
    EXPORT gboolean function(object *lock)   \
    {                                        \
        REAL(gboolean, #function, object *); \
        gboolean taken = real(lock);         \
        if (taken)                           \
            acquire(lock);                   \
        return taken;                        \
    }
#define UNLOCK(function, object)         \
    EXPORT void function(object *lock)   \
    {                                    \
        REAL(void, #function, object *); \
        release(lock);                   \
        real(lock);                      \
    }

LOCK(g_mutex_lock, GMutex)
TRYLOCK(g_mutex_trylock, GMutex)
UNLOCK(g_mutex_unlock, GMutex)
LOCK(g_rec_mutex_lock, GRecMutex)
TRYLOCK(g_rec_mutex_trylock, GRecMutex)
UNLOCK(g_rec_mutex_unlock, GRecMutex)

EXPORT void g_cond_wait(GCond *cond, GMutex *mutex)
{
    REAL(void, "g_cond_wait", GCond *, GMutex *);
    release(mutex);
    real(cond, mutex);
    acquire(mutex);
}

EXPORT gboolean g_cond_wait_until(GCond *cond, GMutex *mutex, gint64 end_time)
{
    REAL(gboolean, "g_cond_wait_until", GCond *, GMutex *, gint64);
    release(mutex);
    gboolean signalled = real(cond, mutex, end_time);
    acquire(mutex);
    return signalled;
}

/* GstHarness passes buffers and events through such queues, whose lock is inside GLib. */
EXPORT void g_async_queue_push(GAsyncQueue *queue, gpointer data)
{
    REAL(void, "g_async_queue_push", GAsyncQueue *, gpointer);
    release(queue);
    real(queue, data);
}

EXPORT gpointer g_async_queue_pop(GAsyncQueue *queue)
{
    REAL(gpointer, "g_async_queue_pop", GAsyncQueue *);
    gpointer data = real(queue);
    acquire(queue);
    return data;
}

EXPORT gpointer g_async_queue_try_pop(GAsyncQueue *queue)
{
    REAL(gpointer, "g_async_queue_try_pop", GAsyncQueue *);
    gpointer data = real(queue);
    acquire(queue);
    return data;
}

EXPORT gpointer g_async_queue_timeout_pop(GAsyncQueue *queue, guint64 timeout)
{
    REAL(gpointer, "g_async_queue_timeout_pop", GAsyncQueue *, guint64);
    gpointer data = real(queue, timeout);
    acquire(queue);
    return data;
}

/* The last owner frees what the others wrote before they released it. */
EXPORT void g_object_unref(gpointer object)
{
    REAL(void, "g_object_unref", gpointer);
    release(object);
    acquire(object);
    real(object);
}

EXPORT void gst_mini_object_unref(GstMiniObject *object)
{
    REAL(void, "gst_mini_object_unref", GstMiniObject *);
    release(object);
    acquire(object);
    real(object);
}

/* glib.h makes this name a macro that checks types. */
#undef g_once_init_leave
EXPORT void g_once_init_leave(volatile void *location, gsize result)
{
    REAL(void, "g_once_init_leave", volatile void *, gsize);
    release((void *)location);
    real(location, result);
}
