#include "daemon/logger.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "data/utf8.h"

static const char *const level_names[] = {"error", "warn", "info", "debug"};

void logger_init(struct logger *logger, int fd, enum log_level level, enum log_format format)
{
    logger->fd = fd;
    atomic_init(&logger->level, (int)level);
    atomic_init(&logger->format, (int)format);
}

/* One character of the message, made safe for a line of this format. @return bytes of input eaten
 */
static size_t escape_one(const unsigned char *s, bool json, char out[8])
{
    const char *text = (const char *)s;
    size_t length = s[0] < 0x80 ? 1 : utf8_sequence(text, text + strnlen(text, 4));
    if (length == 0) {
        snprintf(out, 8, "\xEF\xBF\xBD"); /* U+FFFD */
        return 1;
    }
    if (s[0] == '\n' || s[0] == '\t' || s[0] == '\r') {
        snprintf(out, 8, "\\%c", s[0] == '\n' ? 'n' : s[0] == '\t' ? 't' : 'r');
    } else if (s[0] < 0x20 || s[0] == 0x7F) {
        snprintf(out, 8, json ? "\\u%04x" : "\\x%02x", (unsigned)s[0]);
    } else if (json && (s[0] == '"' || s[0] == '\\')) {
        snprintf(out, 8, "\\%c", s[0]);
    } else {
        memcpy(out, s, length);
        out[length] = '\0';
    }
    return length;
}

static size_t append(char *out, size_t used, size_t limit, const char *text)
{
    size_t length = strlen(text);
    if (used + length > limit) {
        return used;
    }
    memcpy(out + used, text, length);
    return used + length;
}

static size_t append_escaped(char *out, size_t used, size_t limit, bool json, const char *text)
{
    const unsigned char *s = (const unsigned char *)text;
    while (*s) {
        char piece[8];
        s += escape_one(s, json, piece);
        if (used + strlen(piece) > limit) {
            break;
        }
        used = append(out, used, limit, piece);
    }
    return used;
}

static void format_time(int64_t wall_ms, char out[32])
{
    time_t seconds = (time_t)(wall_ms / 1000);
    struct tm tm;
    gmtime_r(&seconds, &tm);
    size_t used = strftime(out, 32, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(out + used, 32 - used, ".%03dZ", (int)(wall_ms % 1000));
}

size_t logger_line(char out[LOG_LINE_MAX], enum log_format format, enum log_level level,
                   int64_t wall_ms, const char *event, const char *message)
{
    const size_t limit = LOG_LINE_MAX - 4; /* room for the closing `"}` and the newline */
    bool json = format == FORMAT_JSON;
    char stamp[32], head[160];
    format_time(wall_ms, stamp);
    if (json) {
        snprintf(head, sizeof head,
                 "{\"time\":\"%s\",\"level\":\"%s\",\"event\":\"%.64s\",\"message\":\"", stamp,
                 level_names[level], event);
    } else {
        snprintf(head, sizeof head, "%s %-5s %.64s: ", stamp, level_names[level], event);
    }
    size_t used = append(out, 0, limit, head);
    used = append_escaped(out, used, limit, json, message);
    return append(out, used, LOG_LINE_MAX, json ? "\"}\n" : "\n");
}

void logger_event(struct logger *logger, enum log_level level, const char *event,
                  const char *format, ...)
{
    if (!logger_wants(logger, level)) {
        return;
    }
    char message[LOG_LINE_MAX], line[LOG_LINE_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    int64_t wall_ms = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
    size_t size = logger_line(line, (enum log_format)atomic_load(&logger->format), level, wall_ms,
                              event, message);
    ssize_t written = write(logger->fd, line, size);
    (void)written; /* there is nobody left to tell */
}
