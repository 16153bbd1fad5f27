/* logger.h - the daemon's own log: one line an event, written with one write(2), as text or as
 * JSON. Any thread may log; lines never mix. A message is never more than one line: control
 * characters are escaped, bytes that are not UTF-8 replaced. Nobody hands secrets in: configuration
 * values go through config_print_value. */
#ifndef OUTRO_DAEMON_LOGGER_H
#define OUTRO_DAEMON_LOGGER_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

enum log_level { LEVEL_ERROR, LEVEL_WARN, LEVEL_INFO, LEVEL_DEBUG };
enum log_format { FORMAT_TEXT, FORMAT_JSON };

struct logger {
    int fd; /* borrowed */
    _Atomic int level;
    _Atomic int format;
};

/* Longest line with its newline; longer messages are cut. Below PIPE_BUF, so a pipe takes it whole.
 */
#define LOG_LINE_MAX 4096

/** Caller's memory; owns nothing. */
void logger_init(struct logger *logger, int fd, enum log_level level, enum log_format format);

/** Writes one event. @param event a fixed word for machines ("partition-assigned")  @param format
 * the sentence for people */
void logger_event(struct logger *logger, enum log_level level, const char *event,
                  const char *format, ...) __attribute__((format(printf, 4, 5)));

/** Whether an event of this level would be written: asked where making the sentence costs. */
static inline int logger_wants(struct logger *logger, enum log_level level)
{
    return (int)level <= atomic_load_explicit(&logger->level, memory_order_relaxed);
}

/** The line of an event, pure. @param wall_ms UTC epoch milliseconds  @param out LOG_LINE_MAX bytes
 *  @return bytes written, newline included, not NUL-terminated */
size_t logger_line(char out[LOG_LINE_MAX], enum log_format format, enum log_level level,
                   int64_t wall_ms, const char *event, const char *message);

#endif
