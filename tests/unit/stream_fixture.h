/* stream_fixture.h - what tests of the pipeline share: a log held in memory, a bundle whose net has
 * something to say, and a sink that keeps what it is given. Every function asserts that it worked.
 */
#ifndef OUTRO_TESTS_STREAM_FIXTURE_H
#define OUTRO_TESTS_STREAM_FIXTURE_H

#include <stddef.h>
#include <stdint.h>

#include "core/arena.h"
#include "stream/changelog.h"
#include "stream/pipeline.h"

/* Scrobbles in the order in which they arrive; strings live in the log's arena. */
struct test_log {
    struct scrobble *row;
    size_t count, capacity;
    struct arena strings;
};

void test_log_init(struct test_log *log);
void test_log_release(struct test_log *log);
void test_log_add(struct test_log *log, const struct scrobble *scrobble);
/** Rows of invented people (data/synth.h), in order. */
void test_log_synth(struct test_log *log, uint64_t seed, uint32_t users, uint64_t rows);
/** Disturbs arrival: some rows come twice, some a little late, some very late. */
void test_log_disturb(struct test_log *log, uint64_t seed);

/** A bundle with one holder (the caller), its net drawn from seed, its last layer loud enough to
 * move predictions. */
struct bundle *test_bundle_new(uint64_t seed, uint32_t hidden);
/** The same of any net. */
struct bundle *test_bundle_of(uint64_t seed, const struct net_spec *spec);

/* One prediction as it came, and its text. */
struct kept_prediction {
    struct prediction prediction; /* model is not kept */
    uint32_t json_at, json_size;  /* in capture.json */
    double start[START_FEATURES];
};

/* What a sink was given. */
struct capture {
    struct kept_prediction *prediction;
    size_t predictions, prediction_capacity;
    struct session *session;
    size_t sessions, session_capacity;
    char *json;
    size_t json_size, json_capacity;
    size_t fail_at_prediction, fail_at_session; /* from 1; 0: never */
};

struct pipeline_sink capture_sink(struct capture *capture);
void capture_release(struct capture *capture);
/** By user, session number, revision. */
void capture_sort_sessions(struct capture *capture);
/** By user; those of one user stay in order. */
void capture_sort_predictions(struct capture *capture);

/** Pushes rows from .. to - 1 into the store that each row's user has among stores. */
void push_rows(struct pipeline *pipeline, struct state_store *const *store, uint32_t stores,
               const struct test_log *log, size_t from, size_t to);

/** One user's records out of one store and into another, as the changelog carries them; then what
 * `to` holds is of the same moment as `from`. */
void carry_user(struct state_store *to, const struct state_store *from, struct slice user_id);

struct run_options {
    uint64_t bundle_seed; /* of a net with 16 hidden; 0: no bundle, sessions only */
    size_t batch_rows;    /* 0: 256 */
    uint32_t stores;      /* 0: one */
};

/** The whole log through a new pipeline and its end. */
void run_log(const struct test_log *log, const struct run_options *options,
             struct capture *capture);

void assert_same_sessions(const struct capture *got, const struct capture *expected);
/** Of the same scrobbles, in the same order, quantiles to 1e-5 relative. @param from first to be
 * compared */
void assert_near_predictions(const struct capture *got, const struct capture *expected,
                             size_t from);
void assert_same_predictions(const struct capture *got, const struct capture *expected);

#endif
