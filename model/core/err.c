#include "core/err.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

int err_set(struct err *err, enum err_code code, const char *format, ...)
{
    if (err) {
        va_list args;
        va_start(args, format);
        err->code = code;
        vsnprintf(err->text, sizeof err->text, format, args);
        va_end(args);
    }
    return -1;
}

int err_prefix(struct err *err, const char *format, ...)
{
    if (err) {
        char before[sizeof err->text];
        char after[sizeof err->text];
        va_list args;
        va_start(args, format);
        vsnprintf(before, sizeof before, format, args);
        va_end(args);
        memcpy(after, err->text, sizeof after);
        int used = snprintf(err->text, sizeof err->text, "%s: ", before);
        if (used > 0 && (size_t)used < sizeof err->text) {
            size_t room = sizeof err->text - (size_t)used;
            size_t length = strnlen(after, room - 1);
            memcpy(err->text + used, after, length);
            err->text[(size_t)used + length] = '\0';
        }
    }
    return -1;
}

int err_errno(struct err *err, const char *format, ...)
{
    int saved = errno;
    if (err) {
        char text[sizeof err->text / 2];
        va_list args;
        va_start(args, format);
        vsnprintf(text, sizeof text, format, args);
        va_end(args);
        err_set(err, ERR_IO, "%s: %s", text, strerror(saved));
    }
    return -1;
}
