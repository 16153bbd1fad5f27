#include "cli/progress.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { REDRAW_NS = 200 * 1000 * 1000 };

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

void progress_begin(struct progress *progress, const char *what, const char *unit, bool quiet)
{
    *progress = (struct progress){.what = what, .unit = unit, .begun_ns = now_ns()};
    progress->shown = !quiet && isatty(STDERR_FILENO);
}

char *progress_number(uint64_t number, char *out)
{
    char digits[24];
    int size = snprintf(digits, sizeof digits, "%llu", (unsigned long long)number);
    char *p = out;
    for (int i = 0; i < size; i++) {
        if (i > 0 && (size - i) % 3 == 0)
            *p++ = ',';
        *p++ = digits[i];
    }
    *p = '\0';
    return out;
}

static int format_left(double seconds, char *out, size_t capacity)
{
    long s = (long)(seconds + .5);
    if (s >= 3600)
        return snprintf(out, capacity, "  %ld:%02ld:%02ld left", s / 3600, s / 60 % 60, s % 60);
    return snprintf(out, capacity, "  %ld:%02ld left", s / 60, s % 60);
}

void progress_update(struct progress *progress, uint64_t count, double fraction, const char *note,
                     ...)
{
    if (!progress->shown)
        return;
    int64_t now = now_ns();
    if (now - (progress->drawn_ns ? progress->drawn_ns : progress->begun_ns) < REDRAW_NS)
        return;
    progress->drawn_ns = now;

    double elapsed = (double)(now - progress->begun_ns) / 1e9;
    char number[28], rate[28], percent[16] = "", left[32] = "", extra[128];
    va_list args;
    va_start(args, note);
    vsnprintf(extra, sizeof extra, note, args);
    va_end(args);
    if (fraction >= 0) {
        fraction = fraction > 1 ? 1 : fraction;
        snprintf(percent, sizeof percent, "  %3.0f %%", 100 * fraction);
        if (fraction > .01)
            format_left(elapsed * (1 - fraction) / fraction, left, sizeof left);
    }
    /* One write, so that the line never flickers half drawn; \033[K erases what a longer one left
     * behind. */
    fprintf(stderr, "\r%s%s  %s %s  %s/s%s%s%s\033[K", progress->what, percent,
            progress_number(count, number), progress->unit,
            progress_number((uint64_t)((double)count / elapsed), rate), left, extra[0] ? "  " : "",
            extra);
    fflush(stderr);
}

double progress_end(struct progress *progress)
{
    if (progress->shown && progress->drawn_ns) {
        fputs("\r\033[K", stderr);
        fflush(stderr);
    }
    progress->drawn_ns = 0;
    return (double)(now_ns() - progress->begun_ns) / 1e9;
}

void progress_log_rows(void *progress, uint64_t rows, uint64_t bytes, uint64_t total_bytes)
{
    double fraction = total_bytes ? (double)bytes / (double)total_bytes : -1;
    progress_update(progress, rows, fraction, "%s", "");
}
