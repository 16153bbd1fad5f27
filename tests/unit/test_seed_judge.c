/* The figures of the re-implemented system and the same without its errors, on tables small enough
 * to be done by hand: nets that say one number. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "seed/seed_judge.h"
#include "seed_fixture.h"

static void assert_near(double a, double b)
{
    if (!(fabs(a - b) < 1e-6))
        fail_msg("%.9g is not %.9g", a, b);
}

/* Two users in training (means 20 and 200), two test sessions each. */
static void fill(struct seed_data *data)
{
    seed_fixture_add(&data->train, 1, 1, 0, 0, 10);
    seed_fixture_add(&data->train, 2, 1, 10, 10, 30);
    seed_fixture_add(&data->train, 3, 2, 0, 0, 100);
    seed_fixture_add(&data->train, 4, 2, 100, 100, 300);
    seed_fixture_add(&data->test, 11, 1, 0, 20, 24);   /* off the mean by 4 */
    seed_fixture_add(&data->test, 13, 1, 24, 20, 14);  /* 6 */
    seed_fixture_add(&data->test, 12, 2, 0, 20, 220);  /* 20 */
    seed_fixture_add(&data->test, 14, 2, 24, 20, 150); /* 50 */
}

/* Models whose nets say one number a cluster, in the label's units. */
static void make(struct seed_models *models, const struct seed_recipe *recipe,
                 const struct seed_members *members, const struct seed_data *data,
                 const float said[2])
{
    assert_int_equal(seed_models_init(models, recipe, members, data, NULL), 0);
    assert_true(models->clusters <= 2);
    for (uint32_t c = 0; c < models->clusters && c < 2; c++) {
        struct seed_cluster *cluster = &models->cluster[c];
        if (!cluster->trained)
            continue;
        struct seed_rows rows = {0};
        assert_int_equal(seed_rows_of_cluster(&data->train, members, c, &rows, NULL), 0);
        seed_scaler_fit(&cluster->scaler, &rows);
        seed_rows_release(&rows);
        assert_int_equal(seed_net_init(&cluster->net, recipe, c, NULL), 0);
        size_t count = net_params_count(&cluster->net.spec);
        memset(cluster->net.params, 0, count * sizeof *cluster->net.params);
        cluster->net.params[count - 1] = said[c]; /* the bias of the head */
    }
}

static void test_seed_judge_of_one_raw_net(void **state)
{
    (void)state;
    struct seed_data data = {0};
    struct seed_models models;
    struct seed_judgement j;
    struct seed_recipe recipe = seed_recipe_defaults();
    static const float said[2] = {100};
    recipe.hidden_dim = 2;
    fill(&data);
    make(&models, &recipe, NULL, &data, said);
    assert_int_equal(seed_judge(&models, &models, &data, &j, NULL), 0);
    /* off by 76 86 120 50, the mean by 4 6 20 50 */
    for (int step = 0; step < SEED_STEPS; step++)
        assert_near(j.ratio[step], 332.0 / 80);
    assert_near(j.baseline_s, 20);
    assert_near(j.spread.mae_s, 83);
    assert_near(j.spread.rmse_s, sqrt((76 * 76 + 86 * 86 + 120 * 120 + 50 * 50) / 4.0));
    assert_near(j.spread.said_sd_s, 0);
    assert_near(j.spread.same, 1);
    assert_near(j.spread.mean_said_s, 100);
    assert_near(j.spread.median_s, 65); /* of 10 30 100 300 */
    /* the median is off by 41 51 155 85 */
    assert_near(j.spread.constant, 332.0 / 80);
    /* 24 14 220 150 are 102 on average */
    assert_near(j.spread.length_sd_s, sqrt((78 * 78 + 88 * 88 + 118 * 118 + 48 * 48) / 4.0));
    assert_int_equal(j.spread.rows, 4);
    assert_int_equal(j.spread.users, 2);
    assert_int_equal(j.spread.left_out, 0);
    seed_models_release(&models);
    seed_data_release(&data);
}

/* Test labels above the 75th percentile (167.5) go, and what is left has a baseline of 20: the
 * means of the training labels below their own 75th percentile (150). */
static void test_seed_judge_of_filtered_rows(void **state)
{
    (void)state;
    struct seed_data data = {0};
    struct seed_models models;
    struct seed_judgement j;
    struct seed_recipe recipe = seed_recipe_defaults();
    static const float said[2] = {100};
    recipe.hidden_dim = 2;
    recipe.filter = 75;
    fill(&data);
    make(&models, &recipe, NULL, &data, said);
    assert_int_equal(seed_judge(&models, &models, &data, &j, NULL), 0);
    /* tests 24 14 150; off by 76 86 50; means 20 and 100: 4 6 50 */
    assert_near(j.ratio[SEED_PUBLISHED], 212.0 / 60);
    assert_near(j.ratio[SEED_SECONDS], 212.0 / 60);
    assert_near(j.ratio[SEED_ALL_ROWS], 332.0 / 80);
    seed_models_release(&models);
    seed_data_release(&data);
}

/* A cluster of one person is left out; the other's error is divided by everybody's baseline. */
static void test_seed_judge_takes_back_who_was_left_out(void **state)
{
    (void)state;
    struct seed_data data = {0};
    struct seed_members members = {0};
    struct seed_models models;
    struct seed_judgement j;
    struct seed_recipe recipe = seed_recipe_defaults();
    static const float said[2] = {20, 0};
    static const struct seed_member given[] = {{1, 0}, {7, 0}, {2, 1}};
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(seed_members_add(&members, given[i], NULL), 0);
    assert_int_equal(seed_members_sort(&members, NULL), 0);
    recipe.hidden_dim = 2;
    recipe.min_users = 2;
    fill(&data);
    make(&models, &recipe, &members, &data, said);
    assert_int_equal(seed_judge(&models, &models, &data, &j, NULL), 0);
    assert_near(j.ratio[SEED_PUBLISHED], 5.0 / 20);
    assert_near(j.ratio[SEED_ALL_ROWS], 5.0 / 20);
    assert_near(j.ratio[SEED_SAME_ROWS], 1);
    assert_near(j.ratio[SEED_EVERYBODY], 1);
    assert_near(j.spread.constant_everybody, 1);
    assert_int_equal(j.spread.rows, 2);
    assert_int_equal(j.spread.left_out, 2);
    assert_int_equal(j.spread.users_left_out, 1);
    seed_models_release(&models);
    seed_members_release(&members);
    seed_data_release(&data);
}

/* Standardised: lengths 10 30 100 300 have mean 110 and deviation sqrt(13150). Joined wrongly, the
 * test rows at places 0 and 1 have the labels of rows 0 and 1 in the order of start, 24 and 220. */
static void test_seed_judge_of_misjoined_labels(void **state)
{
    (void)state;
    struct seed_data data = {0};
    struct seed_models models;
    struct seed_judgement j;
    struct seed_recipe recipe = seed_recipe_defaults();
    static const float said[2] = {0}; /* the mean */
    double sd = sqrt(13150);
    recipe.hidden_dim = 2;
    recipe.scaling = SEED_STANDARDISED;
    fill(&data);
    make(&models, &recipe, NULL, &data, said);
    assert_int_equal(seed_judge(&models, &models, &data, &j, NULL), 0);
    /* the baseline: training labels 10 and 30 for both users, so both means are 20; the original
     * did not sort for it: tests have 24 and 14 for both */
    assert_near(j.baseline_sd, 5 / sd);
    assert_near(j.ratio[SEED_PUBLISHED], (86 + 110) / 2.0 / sd / (5 / sd));
    /* joined: off by 86 96 110 40 over 4 6 20 50, all in the same deviations */
    assert_near(j.ratio[SEED_JOINED], 332.0 / 80);
    assert_near(j.ratio[SEED_SECONDS], 332.0 / 80);
    assert_near(j.ratio[SEED_EVERYBODY], 332.0 / 80);
    assert_near(j.spread.mean_said_s, 110);
    seed_models_release(&models);
    seed_data_release(&data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_seed_judge_of_one_raw_net),
        cmocka_unit_test(test_seed_judge_of_filtered_rows),
        cmocka_unit_test(test_seed_judge_takes_back_who_was_left_out),
        cmocka_unit_test(test_seed_judge_of_misjoined_labels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
