#include "data/synth.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "core/hash.h"
#include "data/scrobble_json.h"
#include "data/synth_names.h"
#include "data/tsv_write.h"

#define GAP_MS   INT64_C(1800000)
#define START_MS INT64_C(1262304000000) /* 2010-01-01 */

static struct synth *make(uint64_t seed, uint64_t rows, uint32_t users)
{
    struct synth_options options = {seed, rows, users, {START_MS}, 0};
    struct err err = {0};
    struct synth *synth = synth_new(&options, &err);
    if (!synth)
        fail_msg("%s", err.text);
    return synth;
}

static uint32_t user_number(struct slice user_id)
{
    char text[USER_ID_MAX + 1];
    memcpy(text, user_id.data, user_id.size);
    text[user_id.size] = '\0';
    assert_int_equal(strncmp(text, "user_", 5), 0);
    return (uint32_t)strtoul(text + 5, NULL, 10) - 1;
}

static uint64_t digest(uint64_t seed, uint64_t rows, uint32_t users)
{
    struct synth *synth = make(seed, rows, users);
    struct scrobble scrobble;
    char row[4096];
    uint64_t hash = 0, count = 0;
    while (synth_next(synth, &scrobble)) {
        hash = hash_bytes(row, scrobble_to_json(&scrobble, row, sizeof row), hash);
        count++;
    }
    assert_int_equal(count, rows);
    synth_free(synth);
    return hash;
}

static void test_synth_same_options_same_bytes(void **state)
{
    (void)state;
    assert_true(digest(1, 20000, 50) == digest(1, 20000, 50));
    assert_true(digest(1, 20000, 50) != digest(2, 20000, 50));
    assert_true(digest(1, 20000, 50) != digest(1, 20000, 51));
    digest(1, 0, 1);
}

static void test_synth_is_in_time_order_and_readable(void **state)
{
    (void)state;
    struct synth *synth = make(7, 50000, 300);
    struct scrobble_scratch *scratch = scrobble_scratch_new();
    struct scrobble scrobble, again;
    struct event_time last = {START_MS};
    while (synth_next(synth, &scrobble)) {
        char row[4096];
        assert_false(event_time_before(scrobble.time, last));
        last = scrobble.time;
        assert_int_equal(scrobble.time.ms % 1000, 0);
        size_t size = scrobble_to_json(&scrobble, row, sizeof row);
        assert_int_equal(scrobble_from_json(row, size, scratch, &again, NULL), 0);
        assert_int_equal(again.track.size, scrobble.track.size);
        assert_int_equal(again.duration_ms, scrobble.duration_ms);
    }
    scrobble_scratch_free(scratch);
    synth_free(synth);
}

/* What the statistics need of the running session of each user. */
struct running {
    int64_t start_ms, last_ms;
    uint32_t scrobbles;
};

struct shape {
    double *lengths_s; /* finished sessions, all users */
    size_t sessions, singles, scrobbles;
    double *sum_ln, *count; /* (users) of finished sessions of more than one scrobble */
};

static void finish_session(struct shape *shape, const struct running *running, uint32_t user)
{
    double length_s = (double)(running->last_ms - running->start_ms) / 1000;
    shape->lengths_s[shape->sessions++] = length_s;
    shape->scrobbles += running->scrobbles;
    shape->singles += running->scrobbles == 1;
    if (length_s > 0) {
        shape->sum_ln[user] += log(length_s);
        shape->count[user]++;
    }
}

static void measure(struct shape *shape, uint64_t rows, uint32_t users)
{
    struct synth *synth = make(1, rows, users);
    struct running *running = calloc(users, sizeof *running);
    struct scrobble scrobble;
    *shape = (struct shape){.lengths_s = malloc(rows * sizeof(double)),
                            .sum_ln = calloc(users, sizeof(double)),
                            .count = calloc(users, sizeof(double))};
    assert_true(running && shape->lengths_s && shape->sum_ln && shape->count);
    while (synth_next(synth, &scrobble)) {
        uint32_t user = user_number(scrobble.user_id);
        assert_true(user < users);
        struct running *now = &running[user];
        if (now->scrobbles && scrobble.time.ms - now->last_ms > GAP_MS) {
            finish_session(shape, now, user);
            now->scrobbles = 0;
        }
        if (!now->scrobbles++)
            now->start_ms = scrobble.time.ms;
        now->last_ms = scrobble.time.ms;
    }
    free(running);
    synth_free(synth);
}

static void shape_release(struct shape *shape)
{
    free(shape->lengths_s);
    free(shape->sum_ln);
    free(shape->count);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void assert_between(double value, double low, double high, const char *what)
{
    if (!(value >= low && value <= high))
        fail_msg("%s is %g, not in %g .. %g", what, value, low, high);
}

/* Last.fm-1K: deciles 4, 12, 20, 30, 43, 58, 81, 118, 196 minutes, 24 tracks a session. Here the
 * last track does not count, which takes some four minutes off each. */
static void test_synth_sessions_have_the_shape_of_lastfm(void **state)
{
    static const double bounds_min[9][2] = {{0, 4},   {2, 10},  {8, 18},   {16, 28},  {26, 42},
                                            {40, 62}, {60, 90}, {95, 140}, {165, 230}};
    (void)state;
    struct shape shape;
    measure(&shape, 600000, 150);
    qsort(shape.lengths_s, shape.sessions, sizeof(double), by_value);
    for (size_t i = 0; i < 9; i++)
        assert_between(shape.lengths_s[(i + 1) * shape.sessions / 10] / 60, bounds_min[i][0],
                       bounds_min[i][1], "a decile of session lengths");
    double sessions = (double)shape.sessions;
    assert_between((double)shape.scrobbles / sessions, 18, 29, "scrobbles a session");
    assert_between((double)shape.singles / sessions, 0.10, 0.20, "share of single scrobbles");
    assert_between(shape.lengths_s[shape.sessions - 1] / 3600, 12, 1000, "the longest, in hours");
    shape_release(&shape);
}

static void test_synth_people_differ(void **state)
{
    (void)state;
    enum { USERS = 150 };
    struct shape shape;
    double sum = 0, squares = 0;
    measure(&shape, 600000, USERS);
    for (uint32_t user = 0; user < USERS; user++) {
        assert_true(shape.count[user] > 10);
        double mean = shape.sum_ln[user] / shape.count[user];
        sum += mean;
        squares += mean * mean;
    }
    double variance = squares / USERS - sum / USERS * (sum / USERS);
    assert_between(sqrt(variance), 0.3, 0.9, "sd of ln length between users");
    shape_release(&shape);
}

/* What makes lengths predictable at all: at the person's own long hours they are longer. */
static void test_synth_hours_make_lengths_predictable(void **state)
{
    (void)state;
    enum { USERS = 40 };
    double sum[USERS][24] = {{0}}, count[USERS][24] = {{0}};
    struct running running[USERS] = {{0}};
    struct synth *synth = make(3, 400000, USERS);
    struct scrobble scrobble;
    while (synth_next(synth, &scrobble)) {
        uint32_t user = user_number(scrobble.user_id);
        struct running *now = &running[user];
        if (now->scrobbles && scrobble.time.ms - now->last_ms > GAP_MS) {
            int hour = (int)(now->start_ms / 3600000 % 24);
            sum[user][hour] += log(30 + (double)(now->last_ms - now->start_ms) / 1000);
            count[user][hour]++;
            now->scrobbles = 0;
        }
        if (!now->scrobbles++)
            now->start_ms = scrobble.time.ms;
        now->last_ms = scrobble.time.ms;
    }
    synth_free(synth);
    double swing = 0;
    for (int user = 0; user < USERS; user++) {
        int busiest = 0;
        double far = 0, far_count = 0, near = 0, near_count = 0;
        for (int hour = 0; hour < 24; hour++)
            busiest = count[user][hour] > count[user][busiest] ? hour : busiest;
        for (int off = -3; off <= 3; off++) {
            near += sum[user][(busiest + off + 24) % 24];
            near_count += count[user][(busiest + off + 24) % 24];
            far += sum[user][(busiest + off + 36) % 24];
            far_count += count[user][(busiest + off + 36) % 24];
        }
        if (far_count > 0 && near_count > 0)
            swing += near / near_count - far / far_count;
    }
    assert_between(swing / USERS, 0.2, 1.5, "ln length at the busy hours above the others");
}

/* The durations file names each known track that was played, once, and what a scrobble carries is
 * the same. */
static void test_synth_durations_are_those_of_the_scrobbles(void **state)
{
    (void)state;
    enum { PLACES = 1 << 16 };
    static uint64_t known[PLACES];
    struct synth *synth = make(5, 30000, 20);
    struct scrobble scrobble;
    size_t carried = 0, distinct = 0, listed = 0;
    memset(known, 0, sizeof known);
    while (synth_next(synth, &scrobble)) {
        if (!scrobble.duration_ms)
            continue;
        carried++;
        assert_true(scrobble.duration_ms > 60000 && scrobble.duration_ms < 1000000);
        uint64_t hash =
            hash_bytes(scrobble.artist.data, scrobble.artist.size, (uint64_t)scrobble.duration_ms);
        hash = hash_bytes(scrobble.track.data, scrobble.track.size, hash) | 1;
        size_t at = (size_t)(hash >> 8) % PLACES;
        while (known[at] && known[at] != hash)
            at = (at + 1) % PLACES;
        distinct += !known[at];
        known[at] = hash;
    }
    for (uint64_t cursor = 0; synth_next_duration(synth, &cursor, &scrobble); listed++) {
        uint64_t hash =
            hash_bytes(scrobble.artist.data, scrobble.artist.size, (uint64_t)scrobble.duration_ms);
        hash = hash_bytes(scrobble.track.data, scrobble.track.size, hash) | 1;
        size_t at = (size_t)(hash >> 8) % PLACES;
        while (known[at] && known[at] != hash)
            at = (at + 1) % PLACES;
        assert_true(known[at] == hash);
    }
    assert_int_equal(listed, distinct);
    assert_between((double)carried, 30000 * 0.15, 30000 * 0.25, "scrobbles with a duration");
    synth_free(synth);
}

static void test_synth_names_are_unique(void **state)
{
    (void)state;
    enum { PLACES = 1 << 18 };
    uint64_t *seen = calloc(PLACES, sizeof *seen);
    assert_non_null(seen);
    for (uint32_t artist = 0; artist < SYNTH_ARTISTS; artist++) {
        char name[SYNTH_NAME_MAX];
        uint64_t hash = hash_bytes(name, synth_artist_name(1, artist, name), 0);
        size_t at = (size_t)hash % PLACES;
        for (; seen[at]; at = (at + 1) % PLACES)
            assert_true(seen[at] != hash);
        seen[at] = hash;
    }
    free(seen);
    for (uint32_t artist = 0; artist < 500; artist++) {
        char names[SYNTH_TRACKS_MAX][SYNTH_NAME_MAX];
        size_t sizes[SYNTH_TRACKS_MAX];
        uint32_t count = synth_track_count(1, artist);
        assert_true(count <= SYNTH_TRACKS_MAX);
        for (uint32_t i = 0; i < count; i++) {
            sizes[i] = synth_track_name(1, (struct synth_track){artist, i}, names[i]);
            assert_true(sizes[i] <= SYNTH_NAME_MAX);
            for (uint32_t j = 0; j < i; j++)
                assert_false(sizes[i] == sizes[j] && !memcmp(names[i], names[j], sizes[i]));
        }
    }
}

static void test_synth_refuses_what_cannot_be_made(void **state)
{
    static const struct {
        struct synth_options options;
        const char *about;
    } rows[] = {
        {{1, 10, 0, {START_MS}, 0}, "users"},
        {{1, 10, SYNTH_USERS_MAX + 1u, {START_MS}, 0}, "users"},
        {{1, 100000000, 1, {START_MS}, 0}, "2099"},
        {{1, 10, 1, {EVENT_TIME_END_MS}, 0}, "first day"},
        {{1, 10, 1, {START_MS}, 1000000}, "sessions"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct err err = {0};
        assert_null(synth_new(&rows[i].options, &err));
        assert_int_equal(err.code, ERR_USAGE);
        assert_non_null(strstr(err.text, rows[i].about));
    }
}

/* However long a life the estimate allows, no scrobble is later than a scrobble may be. */
static void test_synth_stops_at_the_end_of_time(void **state)
{
    (void)state;
    struct synth_options options = {1, 1000, 1, {EVENT_TIME_END_MS - 90 * INT64_C(86400000)}, 0};
    struct scrobble scrobble;
    struct synth *synth = synth_new(&options, NULL);
    assert_non_null(synth);
    int count = 0;
    for (; synth_next(synth, &scrobble); count++)
        assert_true(event_time_valid(scrobble.time));
    assert_true(count > 100);
    synth_free(synth);
}

static void assert_row(const char *row, size_t size, const char *expected)
{
    assert_int_equal(size, strlen(expected));
    assert_memory_equal(row, expected, size);
}

static void test_synth_rows_are_the_documented_ones(void **state)
{
    (void)state;
    char row[256];
    struct scrobble scrobble = {{"u1", 2}, {1241478537999}, {"A\tb", 3}, {"T", 1}, {"am", 2},
                                {0},       215000};
    size_t size = scrobble_to_tsv(&scrobble, row, sizeof row);
    assert_row(row, size, "u1\t2009-05-04T23:08:57Z\tam\tA b\t\tT\n");
    assert_int_equal(scrobble_to_tsv(&scrobble, row, 20), (size_t)-1);
    scrobble.time.ms = EVENT_TIME_END_MS - 1;
    size = scrobble_to_tsv(&scrobble, row, sizeof row);
    assert_row(row, size, "u1\t2099-12-31T23:59:59Z\tam\tA b\t\tT\n");
    scrobble.time.ms = INT64_C(951827696000);
    size = scrobble_to_tsv(&scrobble, row, sizeof row);
    assert_row(row, size, "u1\t2000-02-29T12:34:56Z\tam\tA b\t\tT\n");
    size = duration_to_tsv(&scrobble, row, sizeof row);
    assert_row(row, size, "A b\tT\t215000\n");
    struct profile profile = {"user_000003", 1, 31, "Peru", 1155427200, ""};
    size = profile_to_tsv(&profile, row, sizeof row);
    assert_row(row, size, "user_000003\tm\t31\tPeru\tAug 13, 2006\n");
    profile = (struct profile){"u", -1, 0, "", 0, ""};
    size = profile_to_tsv(&profile, row, sizeof row);
    assert_row(row, size, "u\t\t\t\t\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_synth_same_options_same_bytes),
        cmocka_unit_test(test_synth_is_in_time_order_and_readable),
        cmocka_unit_test(test_synth_sessions_have_the_shape_of_lastfm),
        cmocka_unit_test(test_synth_people_differ),
        cmocka_unit_test(test_synth_hours_make_lengths_predictable),
        cmocka_unit_test(test_synth_durations_are_those_of_the_scrobbles),
        cmocka_unit_test(test_synth_names_are_unique),
        cmocka_unit_test(test_synth_refuses_what_cannot_be_made),
        cmocka_unit_test(test_synth_stops_at_the_end_of_time),
        cmocka_unit_test(test_synth_rows_are_the_documented_ones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
