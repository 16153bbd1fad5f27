#include "prepare/tidy_sessions.h"

#include <stdbool.h>

#include "core/array.h"
#include "stream/sessionizer.h"

static bool is_there(const struct tidy_play *kept, size_t count, const struct tidy_play *play)
{
    for (size_t back = 1; back <= count && back <= RECENT; back++) {
        const struct tidy_play *other = &kept[count - back];
        if (other->time_ms != play->time_ms)
            return false;
        if (other->track_id == play->track_id)
            return true;
    }
    return false;
}

size_t tidy_plays_open(const struct tidy_tables *tables, const struct play_row *rows, size_t count,
                       struct tidy_play *out)
{
    enum { AHEAD = 12 }; /* the names lie anywhere in a large table */
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        const struct play_row *row = &rows[i];
        if (i + AHEAD < count)
            __builtin_prefetch(&tables->names[rows[i + AHEAD].variant]);
        const struct tidy_names *names = &tables->names[row->variant];
        out[kept] = (struct tidy_play){.time_ms = row->time_ms,
                                       .track_id = names->track_id,
                                       .artist_id = names->artist_id,
                                       .duration_ms = row->duration_ms ? row->duration_ms
                                                                       : names->duration_ms};
        kept += !is_there(out, kept, &out[kept]);
    }
    return kept;
}

int tidy_sessions_cut(struct tidy_sessions *sessions, const struct tidy_play *plays, size_t count,
                      struct err *err)
{
    struct tidy_session *session = NULL;
    int64_t last_ms = 0, duration_ms = 0;
    sessions->count = 0;
    for (size_t i = 0; i < count; i++) {
        int64_t time_ms = plays[i].time_ms;
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
        duration_ms = plays[i].duration_ms;
        session->end_ms = last_ms + duration_ms;
        session->count++;
    }
    return 0;
}
