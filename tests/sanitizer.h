/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef TESTS_SANITIZER_H
#define TESTS_SANITIZER_H
/* IN_SANITIZER: 1 in a build with a sanitizer, where a test may do less of the same. */

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define IN_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || \
    __has_feature(memory_sanitizer)
#define IN_SANITIZER 1
#endif
#endif
#ifndef IN_SANITIZER
#define IN_SANITIZER 0
#endif

#endif /* TESTS_SANITIZER_H */
