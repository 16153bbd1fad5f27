/* err.h - what went wrong, in a code and one sentence that says where and what to do.
 * Owned by the caller, usually on its stack; libraries fill it and never print or exit. */
#ifndef OUTRO_CORE_ERR_H
#define OUTRO_CORE_ERR_H

#include <stdarg.h>
#include <stddef.h>

enum err_code {
    ERR_NONE = 0,
    ERR_USAGE,    /* the command line or the configuration: exit 2 */
    ERR_INPUT,    /* a file or message that cannot be read as what it should be */
    ERR_IO,       /* the system refused: open, read, write, rename ... (errno is in the sentence) */
    ERR_MEMORY,   /* out of memory */
    ERR_SHAPE,    /* tensors or files that do not fit each other */
    ERR_CHECK,    /* a checksum, a self-test or a finiteness test failed */
    ERR_KAFKA,    /* the broker or librdkafka */
    ERR_CANCELLED /* the caller asked to stop */
};

struct err {
    enum err_code code;
    char text[512]; /* one sentence, NUL-terminated, no newline */
};

/** Fills err (may be NULL) and returns -1, so that `return err_set(...)` reads as it should. */
int err_set(struct err *err, enum err_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/** Puts "prefix: " before the sentence already there, for callers that know the place; returns -1.
 */
int err_prefix(struct err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** ERR_IO with strerror(errno) behind the sentence; returns -1. Reads errno before anything else.
 */
int err_errno(struct err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define MUST_CHECK __attribute__((warn_unused_result))

#endif
