#include "prepare/tidy_sessions.h"

#include <stdbool.h>

#include "core/array.h"
#include "stream/sessionizer.h"

/* Of the rows kept so far: the same track among the last RECENT, at the same time. */
static bool is_there(const struct tidy_tables *tables, const struct play_row *kept, size_t count,
                     const struct play_row *row)
{
    for (size_t back = 1; back <= count && back <= RECENT; back++) {
        const struct play_row *other = &kept[count - back];
        if (other->time_ms != row->time_ms)
            return false;
        if (tables->names[other->variant].track == tables->names[row->variant].track)
            return true;
    }
    return false;
}

size_t tidy_drop_duplicates(const struct tidy_tables *tables, struct play_row *rows, size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++)
        if (!is_there(tables, rows, kept, &rows[i]))
            rows[kept++] = rows[i];
    return kept;
}

int tidy_sessions_cut(struct tidy_sessions *sessions, const struct tidy_tables *tables,
                      const struct play_row *rows, size_t count, struct err *err)
{
    struct tidy_session *session = NULL;
    int64_t last_ms = 0, duration_ms = 0;
    sessions->count = 0;
    for (size_t i = 0; i < count; i++) {
        int64_t time_ms = rows[i].time_ms;
        if (!session || session_rule_opens(time_ms - last_ms, duration_ms, TIDY_GAP_MS)) {
            struct tidy_session *all =
                array_grow(sessions->all, &sessions->capacity, sessions->count + 1, sizeof *all);
            if (!all)
                return err_set(err, ERR_MEMORY, "out of memory for %zu sessions", sessions->count);
            sessions->all = all;
            session = &all[sessions->count++];
            *session = (struct tidy_session){.first = i, .start_ms = time_ms};
        }
        last_ms = time_ms;
        duration_ms = tidy_duration_ms(tables, &rows[i]);
        session->end_ms = last_ms + duration_ms;
        session->count++;
    }
    return 0;
}
