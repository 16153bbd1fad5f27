/* How histories are cut and gathered, the scaler, the generator and the workers: what the trainer
 * stands on. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/random.h"
#include "nn/segments.h"

/* A user of n sessions whose row r is of session sessions[r]. */
static struct train_user user_of(size_t n, const uint32_t *sessions, size_t rows)
{
    struct train_user user = {.sessions = n, .rows = rows};
    user.steps = calloc(n * STEP_INPUTS, sizeof *user.steps);
    user.row = calloc(rows, sizeof *user.row);
    user.start = calloc(n * START_FEATURES, sizeof *user.start);
    assert_non_null(user.steps);
    assert_non_null(user.start);
    assert_non_null(user.row);
    for (size_t k = 0; k < n; k++)
        user.steps[k * STEP_INPUTS] = (float)k / 10;
    for (size_t r = 0; r < rows; r++)
        user.row[r] = (struct train_row){
            .session = sessions[r], .scrobble = 1, .kernel_s = {1, 2, 3}, .remaining_s = (float)r};
    return user;
}

static void free_user(struct train_user *user)
{
    free(user->steps);
    free(user->start);
    free(user->row);
}

static void test_segments_split_by_tenths(void **state)
{
    (void)state;
    static const size_t cases[][3] = {{0, 0, 0},  {1, 0, 0},    {2, 1, 1},    {3, 2, 2},
                                      {10, 7, 8}, {19, 13, 15}, {43, 30, 34}, {SIZE_MAX, 0, 0}};
    for (size_t i = 0; cases[i][0] != SIZE_MAX; i++) {
        assert_int_equal(train_sessions(cases[i][0]), cases[i][1]);
        assert_int_equal(validation_end(cases[i][0]), cases[i][2]);
    }
}

/* 30 sessions: 21 train, cut by 8 with 5 to warm up; sessions 8 .. 15 have no row, and what is past
 * 21 is not trained on. */
static void test_segments_cut_and_gather(void **state)
{
    (void)state;
    static const uint32_t sessions[] = {0, 0, 7, 16, 20, 21, 29};
    struct train_user user = user_of(30, sessions, 7);
    struct train_set set = {.users = 1, .user = &user};
    struct segments segments;
    struct err err = {0};
    assert_int_equal(segments_cut(&segments, &set, 8, 5, &err), 0);
    assert_int_equal(segments.count, 2);
    assert_int_equal(segments.rows, 5);
    assert_int_equal(segments.rows_max, 3);
    assert_int_equal(segments.steps_max, 9);
    const struct segment *s = segments.segment;
    assert_true(s[0].begin == 0 && s[0].first == 0 && s[0].end == 8 && s[0].rows == 3);
    assert_true(s[1].begin == 11 && s[1].first == 16 && s[1].end == 21 && s[1].row == 3);

    struct net_spec spec = PREDICTOR_SPEC(4, 6);
    struct predictor_scaler scaler = {0};
    struct group group;
    struct random random;
    static const uint32_t pick[] = {0, 1};
    random_init(&random, 1, 0);
    scaler.step_inverse_sd[0] = 1;
    assert_int_equal(group_init(&group, &segments, &spec, 0, &err), 0);
    group_fill(&group, &segments, pick, 2, &scaler, &random, 1);
    assert_int_equal(group.batch.steps, 9);
    assert_int_equal(group.batch.rows, 5);
    assert_null(group.batch.masks->dense[0]);
    assert_null(group.batch.masks->state);
    /* A row of session k reads the state after k - begin steps of its sequence, one of two. */
    static const uint32_t at[] = {0, 0, 2 * 7, 2 * 5 + 1, 2 * 9 + 1};
    assert_memory_equal(group.state, at, sizeof at);
    for (size_t t = 0; t < 9; t++) { /* the first is two steps shorter: padded behind */
        assert_true(group.x[2 * t * STEP_INPUTS] == (t < 7 ? (float)t / 10 : 0));
        assert_true(group.x[(2 * t + 1) * STEP_INPUTS] == (float)(11 + t) / 10);
    }
    assert_true(fabsf(group.target[3] - logf(3 + 30)) < 1e-6f);
    assert_true(fabsf(group.base[2] - logf(3 + 30)) < 1e-6f);
    group_release(&group);
    segments_release(&segments);
    free_user(&user);
}

static void test_segments_dropout_keeps_the_mean(void **state)
{
    (void)state;
    static uint32_t sessions[3000];
    struct train_user user = user_of(10, sessions, 3000);
    struct train_set set = {.users = 1, .user = &user};
    struct segments segments;
    struct net_spec spec = PREDICTOR_SPEC(1, 64);
    spec.dense[0].dropout = .3;
    struct predictor_scaler scaler = {0};
    struct group group;
    struct random random;
    struct err err = {0};
    static const uint32_t pick[] = {0};
    random_init(&random, 9, 0);
    assert_int_equal(segments_cut(&segments, &set, 32, 32, &err), 0);
    assert_int_equal(group_init(&group, &segments, &spec, .5, &err), 0);
    group_fill(&group, &segments, pick, 1, &scaler, &random, 1);
    const struct net_masks *masks = group.batch.masks;
    double sum = 0, dropped = 0, states = 0;
    for (size_t i = 0; i < 3000 * 64; i++) {
        sum += (double)masks->dense[0][i];
        dropped += masks->dense[0][i] == 0;
    }
    assert_true(fabs(sum / (3000 * 64) - 1) < .01);
    for (size_t i = 0; i < 3000; i++)
        states += masks->state[i] == 0;
    assert_true(fabs(dropped / (3000 * 64) - .3) < .01);
    assert_true(fabs(states / 3000 - .5) < .05);
    group_release(&group);
    segments_release(&segments);
    free_user(&user);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_segments_split_by_tenths),
        cmocka_unit_test(test_segments_cut_and_gather),
        cmocka_unit_test(test_segments_dropout_keeps_the_mean),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
