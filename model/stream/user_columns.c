#include "stream/user_columns.h"

#include <math.h>
#include <stdlib.h>

#define WINDOW_MAX_SESSIONS 4096 /* user_layout_of() takes no larger ring */

bool user_columns_has(enum user_column column)
{
    switch (column) {
    case COLUMN_GENDER:
    case COLUMN_AGE:
    case COLUMN_REGISTERED:
    case COLUMN_TOTAL_SESSIONS:
    case COLUMN_AVERAGE_LENGTH:
    case COLUMN_MAX_LENGTH:
    case COLUMN_MEDIAN_LENGTH:
        return true;
    case COLUMN_COUNTRY:
    case COLUMN_TOP_ARTIST:
    case COLUMN_TOP_TRACK:
    case COLUMN_TOTAL_ROWS:
    case USER_COLUMNS:
        break;
    }
    return false;
}

static bool is_finished(const struct session_sums *session)
{
    return session->number > 0 && !session->open;
}

uint32_t user_finished_sessions(const struct user_state *user)
{
    return user->history.finished + is_finished(&user->previous) + is_finished(&user->current);
}

static int by_value(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* @param lengths_ms (count), put into order */
static void length_columns(int64_t *lengths_ms, size_t count, double out[USER_COLUMNS])
{
    out[COLUMN_MAX_LENGTH] = out[COLUMN_MEDIAN_LENGTH] = 0;
    if (count == 0)
        return;
    qsort(lengths_ms, count, sizeof *lengths_ms, by_value);
    out[COLUMN_MAX_LENGTH] = (double)lengths_ms[count - 1] / 1000;
    out[COLUMN_MEDIAN_LENGTH] =
        (double)(lengths_ms[(count - 1) / 2] + lengths_ms[count / 2]) / 2000;
}

void user_columns(const struct user_layout *layout, const struct user_state *user,
                  const struct profile *profile, double out[USER_COLUMNS])
{
    struct user_state *u = (struct user_state *)(uintptr_t)user; /* the accessors serve both */
    const uint32_t *ring_ms = user_ring_length(layout, u);
    const struct session_sums *const last[] = {&user->previous, &user->current};
    int64_t lengths_ms[WINDOW_MAX_SESSIONS + 2];
    uint32_t finished = user->history.finished;
    size_t count = finished < layout->window ? finished : layout->window;
    int64_t total_ms = user->history.total_length_ms;
    for (size_t i = 0; i < count; i++)
        lengths_ms[i] = ring_ms[i];
    for (size_t i = 0; i < sizeof last / sizeof *last; i++)
        if (is_finished(last[i])) {
            lengths_ms[count++] = session_length_ms(last[i]);
            total_ms += session_length_ms(last[i]);
        }
    for (int c = 0; c < USER_COLUMNS; c++)
        out[c] = (double)NAN;
    finished = user_finished_sessions(user);
    out[COLUMN_GENDER] = profile ? profile->gender : -1;
    out[COLUMN_AGE] = profile ? profile->age : 0;
    out[COLUMN_REGISTERED] = profile ? (double)profile->registered_s : 0;
    out[COLUMN_TOTAL_SESSIONS] = finished;
    out[COLUMN_AVERAGE_LENGTH] = finished ? (double)total_ms / 1000 / finished : 0;
    length_columns(lengths_ms, count, out);
}
