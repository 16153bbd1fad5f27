#include "daemon/demo_view.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <string.h>
#include <time.h>

#include <jansson.h>

#define SHOWN_USERS  14
#define FRAME_ROWS   7  /* titles, blanks and the row where the cursor stays */
#define ROW_COLUMNS  65 /* of a user's row, beside the bar */
#define BAR_MIN      8
#define BAR_MAX      60
#define LENGTH_BYTES 48
#define LINE_BYTES   512
#define WAIT_ROUNDS  20
#define BAR_S        21600.0 /* six hours from edge to edge */

void view_init(struct view *view, FILE *out, bool live)
{
    memset(view, 0, sizeof *view);
    view->out = out;
    view->live = live;
    if (live) {
        fputs("\x1b[?25l\x1b[2J", out); /* no cursor, clear */
    }
}

static double number(const json_t *record, const char *name)
{
    return json_number_value(json_object_get(record, name));
}

static int64_t whole(const json_t *record, const char *name)
{
    return (int64_t)json_integer_value(json_object_get(record, name));
}

/* The user's row; a free one or the least recent when there is none. */
static struct view_user *find_user(struct view *view, const char *user_id)
{
    struct view_user *oldest = &view->user[0];
    for (size_t i = 0; i < VIEW_USERS; i++) {
        struct view_user *user = &view->user[i];
        if (strcmp(user->user_id, user_id) == 0) {
            return user;
        }
        if (user->seen < oldest->seen) {
            oldest = user;
        }
    }
    memset(oldest, 0, sizeof *oldest);
    snprintf(oldest->user_id, sizeof oldest->user_id, "%s", user_id);
    return oldest;
}

void view_prediction(struct view *view, const char *json, size_t size)
{
    json_t *record = json_loadb(json, size, 0, NULL);
    const char *user_id = json_string_value(json_object_get(record, "user_id"));
    if (user_id) {
        struct view_user *user = find_user(view, user_id);
        int64_t session = whole(record, "session");
        if (whole(record, "scrobble") == 1) {
            memmove(user->start + 1, user->start, sizeof user->start - sizeof user->start[0]);
            user->start[0] = (struct view_start){session, number(record, "p50_s"),
                                                 number(record, "average_session_length_s")};
        }
        user->open = true;
        user->session = session;
        user->scrobble = whole(record, "scrobble");
        user->elapsed_s = number(record, "elapsed_s");
        user->p10_s = number(record, "p10_s");
        user->p50_s = number(record, "p50_s");
        user->p90_s = number(record, "p90_s");
        user->interval = json_object_get(record, "p10_s") != NULL;
        user->seen = ++view->records;
        view->time_ms = whole(record, "timestamp");
        view->predictions++;
    }
    json_decref(record);
}

static void format_length(double seconds, char out[LENGTH_BYTES])
{
    long minutes = lround(seconds / 60);
    snprintf(out, LENGTH_BYTES, "%ld:%02ld", minutes / 60, minutes % 60);
}

static void format_closed(const struct view_closed *closed, char out[LINE_BYTES])
{
    char length[LENGTH_BYTES], said[LENGTH_BYTES];
    format_length(closed->length_s, length);
    format_length(closed->said.p50_s, said);
    int used = snprintf(out, LINE_BYTES,
                        "  %-14.14s session %-4" PRId64 " %4" PRId64 " scrobbles, lasted %s",
                        closed->user_id, closed->session, closed->scrobbles, length);
    if (closed->said.session) {
        snprintf(out + used, LINE_BYTES - (size_t)used, ", said at start %s", said);
    }
}

void view_session(struct view *view, const char *json, size_t size)
{
    json_t *record = json_loadb(json, size, 0, NULL);
    const char *user_id = json_string_value(json_object_get(record, "user_id"));
    if (user_id) {
        if (view->waiting_count == VIEW_WAITING) {
            view_settle(view);
        }
        struct view_closed closed = {.session = whole(record, "session"),
                                     .scrobbles = whole(record, "scrobbles"),
                                     .length_s = number(record, "length_s")};
        snprintf(closed.user_id, sizeof closed.user_id, "%s", user_id);
        view->waiting[view->waiting_count++] = closed;
        view->sessions++;
    }
    json_decref(record);
}

/* Looks up what was said at the session's start. */
static bool find_start(struct view_user *user, struct view_closed *closed)
{
    for (int i = 0; i < VIEW_STARTS; i++) {
        if (user->start[i].session == closed->session) {
            closed->said = user->start[i];
            return true;
        }
    }
    return false;
}

static void show_closed(struct view *view, const struct view_closed *closed)
{
    memmove(view->closed + 1, view->closed, sizeof view->closed - sizeof view->closed[0]);
    view->closed[0] = *closed;
    if (closed->said.session > 1) { /* in the first there is no mean to stand beside */
        view->scored++;
        view->error_s += fabs(closed->length_s - closed->said.p50_s);
        view->average_error_s += fabs(closed->length_s - closed->said.average_s);
    }
    if (!view->live) {
        char line[LINE_BYTES];
        format_closed(closed, line);
        fprintf(view->out, "%s\n", line);
    }
}

void view_settle(struct view *view)
{
    size_t kept = 0;
    bool full = view->waiting_count == VIEW_WAITING;
    for (size_t i = 0; i < view->waiting_count; i++) {
        struct view_closed *closed = &view->waiting[i];
        struct view_user *user = find_user(view, closed->user_id);
        if (!find_start(user, closed) && closed->rounds++ < WAIT_ROUNDS && !full) {
            view->waiting[kept++] = *closed;
            continue;
        }
        user->open = user->open && user->session > closed->session;
        show_closed(view, closed);
    }
    view->waiting_count = kept;
}

/* # so far, - to the median, . to the ninth decile */
static void format_bar(const struct view_user *user, int columns, char out[BAR_MAX + 1])
{
    for (int i = 0; i < columns; i++) {
        double at_s = (i + .5) * BAR_S / columns;
        out[i] = at_s < user->elapsed_s ? '#'
                 : at_s < user->p50_s   ? '-'
                 : at_s < user->p90_s   ? '.'
                                        : ' ';
    }
    out[columns] = '\0';
}

static void format_user(const struct view_user *user, int bar_columns, char out[LINE_BYTES])
{
    char bar[BAR_MAX + 1], elapsed[LENGTH_BYTES], p10[LENGTH_BYTES] = "", p50[LENGTH_BYTES],
                                                  p90[LENGTH_BYTES] = "";
    format_bar(user, bar_columns, bar);
    format_length(user->elapsed_s, elapsed);
    format_length(user->p50_s, p50);
    if (user->interval) {
        format_length(user->p10_s, p10);
        format_length(user->p90_s, p90);
    }
    snprintf(out, LINE_BYTES, "  %-14.14s %6" PRId64 " %5" PRId64 " %7s  [%s] %6s  %s%s%s",
             user->user_id, user->session, user->scrobble, elapsed, bar, p50, p10,
             user->interval ? " to " : "", p90);
}

/* The most recently seen users: those below `seen`, one at a time. */
static const struct view_user *next_recent(const struct view *view, uint64_t seen)
{
    const struct view_user *best = NULL;
    for (size_t i = 0; i < VIEW_USERS; i++) {
        const struct view_user *user = &view->user[i];
        if (user->open && user->seen < seen && (!best || user->seen > best->seen)) {
            best = user;
        }
    }
    return best;
}

static void format_time(int64_t time_ms, char out[32])
{
    time_t seconds = (time_t)(time_ms / 1000);
    struct tm tm;
    gmtime_r(&seconds, &tm);
    strftime(out, 32, "%Y-%m-%d %H:%M", &tm);
}

/* One row of the terminal. A row that wrapped would push the others out of the picture; one that
 * filled the last column would lose it to the clearing of the rest. */
static void __attribute__((format(printf, 3, 4)))
put_row(const struct view *view, int columns, const char *format, ...)
{
    char line[LINE_BYTES];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    int size = (int)strnlen(line, (size_t)columns - 1);
    while (size > 0 && ((unsigned char)line[size] & 0xc0) == 0x80) {
        size--; /* not in the middle of a character */
    }
    fprintf(view->out, "%.*s\x1b[K\n", size, line);
}

static int clamp(int value, int low, int high)
{
    return value < low ? low : value > high ? high : value;
}

static void draw_live(const struct view *view, const struct view_frame *frame)
{
    int columns = frame->columns > 1 ? frame->columns : 80;
    int rows = (frame->rows > 0 ? frame->rows : 24) - FRAME_ROWS;
    int bar = clamp(columns - ROW_COLUMNS, BAR_MIN, BAR_MAX);
    int closed = clamp(rows / 3, 1, VIEW_CLOSED), users = clamp(rows - closed, 1, SHOWN_USERS);
    const struct view_user *user = NULL;
    char line[LINE_BYTES] = "";
    format_time(view->time_ms, line);
    fputs("\x1b[H", view->out);
    put_row(view, columns, "Outro demo   look in: kcat -b %s -C -t session-predictions",
            frame->address);
    put_row(view, columns,
            "%s   scrobbles %" PRIu64 " of %" PRIu64 "   predictions %" PRIu64
            "   open sessions %" PRIu64,
            view->predictions ? line : "joining the group", frame->fed, frame->total,
            view->predictions, frame->open_sessions);
    put_row(view, columns, "%s", "");
    put_row(view, columns, "  LISTENING     session plays  so far  0:00%*s6:00  median  likely",
            bar - 6, "");
    for (int i = 0; i < users; i++) {
        user = next_recent(view, i == 0 ? UINT64_MAX : user ? user->seen : 0);
        line[0] = '\0';
        if (user) {
            format_user(user, bar, line);
        }
        put_row(view, columns, "%s", line);
    }
    put_row(view, columns, "%s", "");
    put_row(view, columns, "  CLOSED %" PRIu64, view->sessions);
    for (int i = 0; i < closed; i++) {
        line[0] = '\0';
        if (view->closed[i].user_id[0]) {
            format_closed(&view->closed[i], line);
        }
        put_row(view, columns, "%s", line);
    }
    fputs("\x1b[J", view->out); /* what a larger window held */
}

void view_draw(struct view *view, const struct view_frame *frame)
{
    if (view->live) {
        draw_live(view, frame);
    } else {
        char now[32];
        format_time(view->time_ms, now);
        fprintf(view->out,
                "%s  %" PRIu64 " of %" PRIu64 " scrobbles, %" PRIu64 " predictions, %" PRIu64
                " sessions closed, %" PRIu64 " open\n",
                view->predictions ? now : "joining", frame->fed, frame->total, view->predictions,
                view->sessions, frame->open_sessions);
    }
    fflush(view->out);
}

void view_end(struct view *view, const struct view_frame *frame)
{
    view_draw(view, frame);
    if (view->live) {
        fputs("\x1b[?25h\n", view->out);
    }
    fprintf(view->out,
            "%" PRIu64 " predictions and %" PRIu64 " closed sessions read from the topics.\n",
            view->predictions, view->sessions);
    if (view->scored > 0) {
        double count = (double)view->scored;
        fprintf(view->out,
                "Mean error at the start of %" PRIu64
                " sessions: median predicted %.0f min, the user's running mean %.0f min.\n",
                view->scored, view->error_s / count / 60, view->average_error_s / count / 60);
    }
    fflush(view->out);
}
