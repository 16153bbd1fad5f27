/* The rule of sessions, scrobble by scrobble, without pipeline or store: every row of a table is a
 * scrobble of one user and the place it must get. Seconds are written in their sums, so that a row
 * reads as the rule does. */
#include <assert.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "stream/sessionizer.h"

#define T0   INT64_C(1241478000000) /* a Monday of 2009 */
#define S    INT64_C(1000)
#define MIN  (60 * S)
#define HOUR (60 * MIN)
#define GAP  (30 * MIN)
#define DAY  (24 * HOUR)

struct step {
    const char *what;
    int64_t at;       /* ms after T0 */
    uint32_t track;   /* 0: one that nobody played before */
    int64_t duration; /* ms */
    enum placement expected;
    int64_t stream; /* ms after T0 that stream time has reached; at most what the steps moved it */
    bool closed;    /* the open session was closed before */
};

struct listener {
    struct stream_params params;
    struct user_layout layout;
    struct user_state *user;
    struct event_time stream_time;
    uint32_t next_track;
};

static void listener_init(struct listener *l)
{
    *l = (struct listener){.params = STREAM_PARAMS_DEFAULTS, .stream_time = EVENT_TIME_NEVER};
    l->params.window = 64;
    l->layout = user_layout_of(&l->params);
    assert(l->layout.size_bytes >= sizeof *l->user);
    l->user = malloc(l->layout.size_bytes);
    l->next_track = 1000;
    assert_non_null(l->user);
    user_state_init(&l->layout, l->user, (struct slice){"u", 1});
}

static void listener_release(struct listener *l)
{
    free(l->user);
}

/* What the pipeline does with a scrobble, as far as sessions are concerned. */
static enum placement take(struct listener *l, const struct play *play)
{
    struct user_state *user = l->user;
    l->stream_time = event_time_max(l->stream_time, play->time);
    enum placement placement = sessionizer_place(&l->params, user, play, l->stream_time);
    if (placement == PLACE_DUPLICATE || placement == PLACE_LATE)
        return placement;
    if (placement == PLACE_OPENS) {
        user->current.open = 0;
        sessionizer_open(&l->layout, user, play);
    }
    if (placement == PLACE_REOPENS)
        user->current.open = 1;
    struct session_sums *session = placement == PLACE_PREVIOUS ? &user->previous : &user->current;
    sessionizer_count(&l->layout, user, session, play, l->stream_time);
    return placement;
}

static struct play play_at(struct listener *l, int64_t at, uint32_t track, int64_t duration)
{
    return (struct play){.time = {T0 + at},
                         .duration_ms = duration,
                         .track = track ? track : l->next_track++,
                         .artist = 7};
}

static void run(const struct step *steps, size_t count, struct listener *l)
{
    for (size_t i = 0; i < count; i++) {
        const struct step *step = &steps[i];
        struct play play = play_at(l, step->at, step->track, step->duration);
        if (step->closed)
            l->user->current.open = 0;
        if (step->stream)
            l->stream_time = event_time_max(l->stream_time, (struct event_time){T0 + step->stream});
        enum placement got = take(l, &play);
        if (got != step->expected)
            fail_msg("%s: placement %d, expected %d", step->what, (int)got, (int)step->expected);
    }
}

#define RUN(steps, l) run(steps, sizeof(steps) / sizeof *(steps), l)

static void test_sessionizer_gap_in_order(void **state)
{
    /* Pairs: the first at 0 with that duration, the second at `at`. */
    static const struct {
        const char *what;
        int64_t duration, at;
        bool opens;
        int64_t length; /* of the first session, or of both in one */
    } table[] = {
        {"unknown, a second later", 0, 1 * S, false, 1 * S},
        {"unknown, one ms under the gap", 0, GAP - 1, false, GAP - 1},
        {"unknown, exactly 30 minutes", 0, GAP, false, GAP},
        {"unknown, 30 minutes and one ms", 0, GAP + 1, true, 0},
        {"known, before its end", 200 * S, 150 * S, false, 150 * S},
        {"known, at its end", 200 * S, 200 * S, false, 200 * S},
        {"known, one ms behind its end", 200 * S, 200 * S + 1, false, 200 * S + 1},
        {"known, 30 minutes from its start", 200 * S, GAP + 1, false, GAP + 1},
        {"known, exactly 30 minutes from its end", 200 * S, 200 * S + GAP, false, 200 * S + GAP},
        {"known, 30 minutes and one ms from its end", 200 * S, 200 * S + GAP + 1, true, 200 * S},
        {"longer than the gap, before its end", 2 * HOUR, HOUR, false, HOUR},
        {"longer than the gap, past it", 2 * HOUR, 2 * HOUR + GAP + 1, true, 2 * HOUR},
        {"equal stamps", 0, 0, false, 0},
        {"equal stamps, known", 200 * S, 0, false, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct listener l;
        listener_init(&l);
        struct play first = play_at(&l, 0, 0, table[i].duration);
        struct play second = play_at(&l, table[i].at, 0, 0);
        assert_int_equal(take(&l, &first), PLACE_OPENS);
        if (take(&l, &second) != (table[i].opens ? PLACE_OPENS : PLACE_CONTINUES))
            fail_msg("%s: not placed so", table[i].what);
        const struct session_sums *session = table[i].opens ? &l.user->previous : &l.user->current;
        if (session_length_ms(session) != table[i].length)
            fail_msg("%s: length %lld", table[i].what, (long long)session_length_ms(session));
        listener_release(&l);
    }
}

static void test_sessionizer_gap_is_a_parameter(void **state)
{
    struct listener l;
    (void)state;
    listener_init(&l);
    l.params.gap_ms = 60 * S;
    const struct step steps[] = {
        {"first", 0, 0, 0, PLACE_OPENS, 0, false},
        {"a minute", 60 * S, 0, 0, PLACE_CONTINUES, 0, false},
        {"a minute and one ms", 120 * S + 1, 0, 0, PLACE_OPENS, 0, false},
    };
    RUN(steps, &l);
    listener_release(&l);
}

static void test_sessionizer_duplicate(void **state)
{
    struct listener l;
    (void)state;
    listener_init(&l);
    const struct step steps[] = {
        {"first", 0, 5, 0, PLACE_OPENS, 0, false},
        {"the same again", 0, 5, 0, PLACE_DUPLICATE, 0, false},
        {"another track of that time", 0, 6, 0, PLACE_CONTINUES, 0, false},
        {"the same track later", 60 * S, 5, 0, PLACE_CONTINUES, 0, false},
        {"the first, late", 0, 5, 0, PLACE_DUPLICATE, 0, false},
        {"the first, when its session is closed", 0, 5, 0, PLACE_DUPLICATE, 0, true},
        {"next session", 2 * HOUR, 5, 0, PLACE_OPENS, 0, false},
        {"the first, in the session before", 0, 5, 0, PLACE_DUPLICATE, 0, false},
    };
    RUN(steps, &l);
    assert_int_equal(l.user->previous.scrobbles, 3);
    listener_release(&l);
}

static void test_sessionizer_duplicate_among_the_last_32(void **state)
{
    (void)state;
    for (int others = 30; others <= 32; others++) {
        struct listener l;
        listener_init(&l);
        struct play play = play_at(&l, 0, 5, 0);
        assert_int_equal(take(&l, &play), PLACE_OPENS);
        for (int i = 0; i < others; i++) {
            struct play other = play_at(&l, (i + 1) * S, 0, 0);
            assert_int_equal(take(&l, &other), PLACE_CONTINUES);
        }
        /* It is number others + 1 from behind. */
        assert_int_equal(take(&l, &play), others + 1 <= 32 ? PLACE_DUPLICATE : PLACE_INSIDE);
        listener_release(&l);
    }
}

static void test_sessionizer_duplicates_kept(void **state)
{
    struct listener l;
    (void)state;
    listener_init(&l);
    l.params.keep_duplicates = true;
    const struct step steps[] = {
        {"first", 0, 5, 0, PLACE_OPENS, 0, false},
        {"the same again", 0, 5, 0, PLACE_CONTINUES, 0, false},
        {"later", 60 * S, 6, 0, PLACE_CONTINUES, 0, false},
        {"the first once more", 0, 5, 0, PLACE_INSIDE, 0, false},
    };
    RUN(steps, &l);
    assert_int_equal(l.user->current.scrobbles, 4);
    listener_release(&l);
}

static void test_sessionizer_late_in_the_open_session(void **state)
{
    struct listener l;
    (void)state;
    listener_init(&l);
    const struct step steps[] = {
        {"first", 2 * HOUR, 0, 0, PLACE_OPENS, 0, false},
        {"last", 2 * HOUR + 10 * MIN, 0, 240 * S, PLACE_CONTINUES, 0, false},
        {"inside", 2 * HOUR + 5 * MIN, 0, 300 * S, PLACE_INSIDE, 0, false},
        {"at its start", 2 * HOUR, 0, 0, PLACE_INSIDE, 0, false},
    };
    RUN(steps, &l);
    const struct session_sums *current = &l.user->current;
    assert_int_equal(current->start_ms, T0 + 2 * HOUR);
    assert_int_equal(current->last_ms, T0 + 2 * HOUR + 10 * MIN);
    assert_int_equal(current->last_duration_ms, 240 * S);
    assert_int_equal(current->scrobbles, 4);
    assert_int_equal(current->intervals, 1);
    listener_release(&l);
}

static void test_sessionizer_before_the_open_session(void **state)
{
    struct listener l;
    (void)state;
    listener_init(&l);
    const struct step steps[] = {
        {"first", 2 * HOUR, 0, 0, PLACE_OPENS, 0, false},
        {"one ms too early", 2 * HOUR - GAP - 1, 0, 0, PLACE_LATE, 0, false},
        {"before by exactly the gap", 2 * HOUR - GAP, 0, 0, PLACE_BEFORE, 0, false},
        {"and by that again", 2 * HOUR - 2 * GAP, 0, 0, PLACE_BEFORE, 0, false},
        {"and one ms too much", 2 * HOUR - 3 * GAP - 1, 0, 0, PLACE_LATE, 0, false},
    };
    RUN(steps, &l);
    assert_int_equal(l.user->current.start_ms, T0 + HOUR);
    assert_int_equal(session_length_ms(&l.user->current), HOUR);
    assert_int_equal(l.user->current.scrobbles, 3);
    listener_release(&l);
}

static void test_sessionizer_before_moves_the_gap(void **state)
{
    struct listener l;
    (void)state;
    listener_init(&l);
    const struct step first[] = {
        {"first", 0, 0, 0, PLACE_OPENS, 0, false},
        {"before", -10 * MIN, 0, 0, PLACE_BEFORE, 0, false},
    };
    RUN(first, &l);
    /* the gap before a user's first session is 24 hours by definition, whatever its start */
    assert_int_equal(l.user->current.gap_ms, FIRST_GAP_MS);
    const struct step second[] = {
        {"next", 2 * HOUR, 0, 0, PLACE_OPENS, 0, false},
        {"before", 2 * HOUR - 10 * MIN, 0, 0, PLACE_BEFORE, 0, false},
    };
    RUN(second, &l);
    assert_int_equal(l.user->current.gap_ms, 2 * HOUR - 10 * MIN);
    listener_release(&l);
}

static void test_sessionizer_late_in_the_session_before(void **state)
{
    struct listener l;
    (void)state;
    listener_init(&l);
    const struct step steps[] = {
        {"first", 0, 0, 0, PLACE_OPENS, 0, false},
        {"last", 10 * MIN, 0, 0, PLACE_CONTINUES, 0, false},
        {"next", 3 * HOUR, 0, 0, PLACE_OPENS, 0, false},
        {"inside the one before", 5 * MIN, 0, 0, PLACE_PREVIOUS, 0, false},
        {"goes on with it", 40 * MIN, 0, 0, PLACE_PREVIOUS, 0, false},
        {"past that by one ms", 70 * MIN + 1, 0, 0, PLACE_LATE, 0, false},
        {"before it by the gap", -GAP, 0, 0, PLACE_PREVIOUS, 0, false},
        {"before that by one ms more", -2 * GAP - 1, 0, 0, PLACE_LATE, 0, false},
        {"as late as allowed", 20 * MIN, 0, 0, PLACE_PREVIOUS, DAY + 20 * MIN, false},
        {"one ms later", 20 * MIN + 1, 0, 0, PLACE_LATE, DAY + 20 * MIN + 2, false},
        {"within the open one still", 3 * HOUR - GAP, 0, 0, PLACE_BEFORE, 0, false},
    };
    RUN(steps, &l);
    assert_int_equal(l.user->previous.start_ms, T0 - GAP);
    assert_int_equal(l.user->previous.last_ms, T0 + 40 * MIN);
    assert_int_equal(l.user->previous.scrobbles, 6);
    listener_release(&l);
}

static void test_sessionizer_reopens_the_last_session(void **state)
{
    struct listener l;
    (void)state;
    listener_init(&l);
    const struct step steps[] = {
        {"first", 0, 0, 0, PLACE_OPENS, 0, false},
        {"last", 10 * MIN, 0, 60 * S, PLACE_CONTINUES, 0, false},
        {"in order, by exactly the gap", 11 * MIN + GAP, 0, 0, PLACE_REOPENS, 2 * HOUR, true},
        {"goes on as if it had not closed", 11 * MIN + 2 * GAP, 0, 0, PLACE_CONTINUES, 0, false},
        {"inside the closed one", 20 * MIN, 0, 0, PLACE_REOPENS, 0, true},
        {"before the closed one", -GAP, 0, 0, PLACE_REOPENS, 0, true},
        {"before that by one ms more", -2 * GAP - 1, 0, 0, PLACE_LATE, 0, true},
        {"as late as allowed", 0, 0, 0, PLACE_REOPENS, DAY, true},
        {"one ms later", -1, 0, 0, PLACE_LATE, DAY, true},
        {"past it, how far behind stream time ever", 11 * MIN + 3 * GAP + 1, 0, 0, PLACE_OPENS,
         90 * DAY, true},
    };
    RUN(steps, &l);
    assert_int_equal(l.user->current.number, 2);
    assert_int_equal(l.user->previous.start_ms, T0 - GAP);
    listener_release(&l);
}

/* A start moved back had come within the gap of the session before; a scrobble older than that one
 * moved it on, over the session before. */
static void test_sessionizer_sessions_never_overlap(void **state)
{
    (void)state;
    for (int closed = 0; closed < 2; closed++) {
        struct listener l;
        listener_init(&l);
        const struct step steps[] = {
            {"one long ago", -10 * HOUR, 0, 0, PLACE_OPENS, 0, false},
            {"the session before", 0, 0, 0, PLACE_OPENS, 0, false},
            {"goes on", 5 * S, 0, 0, PLACE_CONTINUES, 0, false},
            {"the next", GAP + 6 * S, 0, 0, PLACE_OPENS, 0, false},
            {"moves back", 10 * S, 0, 0, closed ? PLACE_REOPENS : PLACE_BEFORE, 0, closed},
            {"inside the one before", 2 * S, 0, 0, closed ? PLACE_LATE : PLACE_PREVIOUS, 0, closed},
            {"before that", -10 * S, 0, 0, closed ? PLACE_LATE : PLACE_PREVIOUS, 0, closed},
            {"between the two", 6 * S, 0, 0, closed ? PLACE_REOPENS : PLACE_BEFORE, 0, closed},
        };
        RUN(steps, &l);
        assert_true(l.user->previous.last_ms < l.user->current.start_ms);
        assert_int_equal(l.user->current.start_ms, T0 + 6 * S);
        listener_release(&l);
    }
}

static void test_sessionizer_session_before_stays_behind_the_folded_one(void **state)
{
    struct listener l;
    (void)state;
    listener_init(&l);
    const struct step steps[] = {
        {"folded in the end", 0, 0, 0, PLACE_OPENS, 0, false},
        {"next", GAP + 1 * S, 0, 0, PLACE_OPENS, 0, false},
        {"moved back to a second behind it", 1 * S, 0, 0, PLACE_BEFORE, 0, false},
        {"the one after", 3 * HOUR, 0, 0, PLACE_OPENS, 0, false},
        {"with the folded one's last", 0, 0, 0, PLACE_LATE, 0, false},
        {"just behind it", 1, 0, 0, PLACE_PREVIOUS, 0, false},
    };
    RUN(steps, &l);
    assert_int_equal(l.user->previous.gap_ms, 1);
    listener_release(&l);
}

static void test_sessionizer_due(void **state)
{
    static const struct {
        int64_t last, duration, arrival, due;
    } table[] = {
        {0, 0, 0, GAP},
        {10 * MIN, 0, 10 * MIN, 10 * MIN + GAP},
        {10 * MIN, 200 * S, 10 * MIN, 10 * MIN + 200 * S + GAP},
        {10 * MIN, 200 * S, 10 * MIN + 100 * S, 10 * MIN + 200 * S + GAP},
        {10 * MIN, 200 * S, 9 * HOUR, 9 * HOUR + GAP}, /* an offline day, uploaded late */
    };
    const struct stream_params params = STREAM_PARAMS_DEFAULTS;
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        const struct session_sums session = {.start_ms = T0,
                                             .last_ms = T0 + table[i].last,
                                             .last_duration_ms = (uint32_t)table[i].duration,
                                             .arrival_ms = T0 + table[i].arrival};
        assert_int_equal(sessionizer_due(&params, &session).ms, T0 + table[i].due);
    }
}

static void test_sessionizer_sums(void **state)
{
    struct listener l;
    struct session record;
    (void)state;
    listener_init(&l);
    const struct play plays[] = {
        {{T0}, 0, 11, 1},           {{T0 + 100 * S}, 0, 12, 1},      {{T0 + 400 * S}, 0, 21, 2},
        {{T0 + 400 * S}, 0, 13, 1}, {{T0 + 450 * S}, 90 * S, 11, 1},
    };
    for (size_t i = 0; i < sizeof plays / sizeof *plays; i++)
        take(&l, &plays[i]);
    const struct session_sums *now = &l.user->current;
    assert_int_equal(now->scrobbles, 5);
    assert_int_equal(now->intervals, 4);
    assert_int_equal(now->last_interval_ms, 50 * S);
    assert_int_equal(now->max_interval_ms, 300 * S);
    assert_true(fabs(now->ln_interval_sum - log(110) - log(310) - log(10) - log(60)) < 1e-12);
    assert_int_equal(now->distinct_artists, 2);
    assert_int_equal(now->new_artists, 2);
    assert_int_equal(now->same_artist, 2);
    assert_int_equal(now->last_track, 11);
    sessionizer_record(l.user, now, &record);
    assert_string_equal(record.user_id, "u");
    assert_int_equal(record.number, 1);
    assert_int_equal(record.start.ms, T0);
    assert_int_equal(record.end.ms, T0 + 540 * S);
    assert_int_equal(record.length_ms, 540 * S);
    assert_int_equal(record.scrobbles, 5);
    listener_release(&l);
}

static void test_sessionizer_ends_of_time(void **state)
{
    (void)state;
    struct listener l;
    listener_init(&l);
    const struct step steps[] = {
        {"1970-01-01T00:00:00", -T0, 0, 0, PLACE_OPENS, 0, false},
        {"goes on", -T0 + GAP, 0, 0, PLACE_CONTINUES, 0, false},
        {"inside", -T0 + 1, 0, 0, PLACE_INSIDE, 0, false},
        {"the last ms of 2099", EVENT_TIME_END_MS - 1 - T0, 0, 0, PLACE_OPENS, 0, false},
        {"before it", EVENT_TIME_END_MS - GAP - T0, 0, 0, PLACE_BEFORE, 0, false},
        {"the first one again", -T0, 0, 0, PLACE_LATE, 0, false},
    };
    RUN(steps, &l);
    assert_int_equal(l.user->current.gap_ms, EVENT_TIME_END_MS - 2 * GAP);
    listener_release(&l);
}

/* Scrobbles exactly the gap apart for 60 days: the session is as long, only the ring saturates. */
static void test_sessionizer_session_over_49_days(void **state)
{
    (void)state;
    struct listener l;
    listener_init(&l);
    for (int64_t at = 0; at <= 60 * DAY; at += GAP) {
        struct play play = play_at(&l, at, 0, 0);
        assert_int_equal(take(&l, &play), at == 0 ? PLACE_OPENS : PLACE_CONTINUES);
    }
    assert_int_equal(session_length_ms(&l.user->current), 60 * DAY);
    for (int64_t k = 1; k <= 2; k++) {
        struct play next = play_at(&l, 60 * DAY + k * HOUR, 0, 0);
        assert_int_equal(take(&l, &next), PLACE_OPENS);
    }
    assert_int_equal(l.user->history.finished, 1);
    assert_int_equal(l.user->history.total_length_ms, 60 * DAY);
    assert_int_equal(user_ring_length(&l.layout, l.user)[0], UINT32_MAX);
    listener_release(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sessionizer_gap_in_order),
        cmocka_unit_test(test_sessionizer_gap_is_a_parameter),
        cmocka_unit_test(test_sessionizer_duplicate),
        cmocka_unit_test(test_sessionizer_duplicate_among_the_last_32),
        cmocka_unit_test(test_sessionizer_duplicates_kept),
        cmocka_unit_test(test_sessionizer_late_in_the_open_session),
        cmocka_unit_test(test_sessionizer_before_the_open_session),
        cmocka_unit_test(test_sessionizer_before_moves_the_gap),
        cmocka_unit_test(test_sessionizer_late_in_the_session_before),
        cmocka_unit_test(test_sessionizer_reopens_the_last_session),
        cmocka_unit_test(test_sessionizer_sessions_never_overlap),
        cmocka_unit_test(test_sessionizer_session_before_stays_behind_the_folded_one),
        cmocka_unit_test(test_sessionizer_due),
        cmocka_unit_test(test_sessionizer_sums),
        cmocka_unit_test(test_sessionizer_ends_of_time),
        cmocka_unit_test(test_sessionizer_session_over_49_days),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
