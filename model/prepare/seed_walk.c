#include "prepare/seed_walk.h"

#include "prepare/decimal.h"
#include "stream/sessionizer.h"

static int64_t second_of(const struct play_row *row)
{
    return row->time_ms / 1000;
}

void seed_walk_init(struct seed_walk *walk, const struct play_row *rows)
{
    *walk = (struct seed_walk){.start_s = second_of(rows), .session = 1};
}

/* The session before has ended; the play that was read last opens the next. */
static void open_next(struct seed_walk *walk, const struct play_row *row)
{
    walk->total_s += walk->length_s;
    walk->previous_s = (int64_t)walk->length_s;
    walk->average_s = decimal_round2(walk->total_s / walk->session);
    walk->session++;
    walk->start_s = second_of(row);
    walk->length_s = 0;
}

bool seed_walk_step(struct seed_walk *walk, const struct history *history,
                    const struct play_row *rows, size_t count)
{
    if (walk->ended)
        open_next(walk, &rows[walk->next]);
    walk->ended = false;
    if (walk->next + 1 >= count)
        return false;
    const struct play_row *play = &rows[walk->next], *next = &rows[++walk->next];
    int64_t diff_s = second_of(next) - second_of(play);
    int64_t duration_ms = history_duration_ms(history, play);
    walk->track_s = .001 * (double)duration_ms;
    walk->times_played = 0;
    walk->ended = session_rule_opens(diff_s * 1000, duration_ms, SEED_GAP_MS);
    if (walk->ended) {
        walk->length_s += walk->track_s;
        walk->times_played = duration_ms > 0 ? 1 : 0;
        return true;
    }
    walk->length_s += (double)diff_s;
    if (duration_ms > 0)
        walk->times_played = decimal_round2((double)diff_s / walk->track_s);
    return true;
}
