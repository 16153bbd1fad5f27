/* The networks of the re-implemented system: who gets one, that they can learn, and why they do
 * not.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/random.h"
#include "seed/seed_models.h"
#include "seed_fixture.h"

#define SESSIONS 200

/* A session is as long as the one before, doubled. @param start of the first: epoch seconds, or
 * small */
static void fill(struct seed_data *data, uint32_t users, double start)
{
    struct random random;
    random_init(&random, 1, 0);
    for (uint32_t u = 1; u <= users; u++)
        for (int i = 0; i < SESSIONS; i++) {
            double previous = random_uniform(&random);
            seed_fixture_add(&data->train, start * (1 + i * 1e-4), u, previous, .5, 2 * previous);
            data->train.row[data->train.count - 1].input[SEED_SESSION] = 1;
        }
}

static struct seed_recipe small_recipe(void)
{
    struct seed_recipe recipe = seed_recipe_defaults();
    recipe.hidden_dim = 8;
    recipe.layer_dims = 6;
    recipe.batch = 16;
    recipe.epochs = 10;
    assert_int_equal(optimizer_parse("adam.keras2 lr=.01", &recipe.optimizer, NULL), 0);
    return recipe;
}

static void test_seed_models_rules_are_the_originals_by_default(void **state)
{
    (void)state;
    static const struct {
        uint32_t min_users, epochs, users, expected;
        bool mixed;
    } cases[] = {
        {31, 500, 31, 500, true},   {31, 500, 75, 500, true},   {31, 500, 76, 400, true},
        {31, 500, 200, 400, true},  {31, 500, 201, 350, false}, {31, 500, 400, 350, false},
        {31, 500, 401, 100, false}, {31, 10, 401, 10, false},   {31, 11, 401, 2, false},
        {2, 500, 6, 400, true},     {2, 500, 7, 350, false},    {2, 500, 14, 100, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct seed_recipe recipe = seed_recipe_defaults();
        recipe.min_users = cases[i].min_users;
        recipe.epochs = cases[i].epochs;
        assert_int_equal(seed_epochs_of(&recipe, cases[i].users), cases[i].expected);
        assert_int_equal(seed_mixed_standardises(&recipe, cases[i].users), cases[i].mixed);
    }
}

static void test_seed_models_leave_small_clusters_out(void **state)
{
    (void)state;
    struct seed_data data = {0};
    struct seed_members members = {0};
    struct seed_models models;
    struct seed_recipe recipe = small_recipe();
    fill(&data, 4, 1);
    static const struct seed_member given[] = {{1, 0}, {2, 0}, {3, 1}, {9, 2}, {10, 2}};
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(seed_members_add(&members, given[i], NULL), 0);
    assert_int_equal(seed_members_sort(&members, NULL), 0);
    recipe.min_users = 2;
    assert_int_equal(seed_models_init(&models, &recipe, &members, &data, NULL), 0);
    static const bool trained[] = {true, false, false}; /* one person; nobody with a session */
    for (uint32_t c = 0; c < 3; c++)
        assert_int_equal(models.cluster[c].trained, trained[c]);
    assert_int_equal(models.cluster[0].sessions, 2 * SESSIONS);
    assert_int_equal(seed_models_work(&models), 2 * SESSIONS * 10);
    seed_models_release(&models);
    seed_members_release(&members);
    seed_data_release(&data);
}

/* @return what is said of the training rows, new; and the curve's last loss */
static double *train(const struct seed_data *data, const struct seed_recipe *recipe,
                     uint32_t threads, double *loss)
{
    struct seed_models models;
    struct seed_models *all[] = {&models};
    struct seed_rows rows = {0};
    assert_int_equal(seed_models_init(&models, recipe, NULL, data, NULL), 0);
    assert_int_equal(seed_models_train(all, 1, data, threads, NULL, NULL), 0);
    assert_int_equal(seed_models_rows(&models, models.cluster, &data->train, &rows, NULL), 0);
    double *said = calloc(rows.count, sizeof *said);
    assert_non_null(said);
    assert_int_equal(seed_net_predict(&models.cluster->net, &rows, said, NULL), 0);
    *loss = models.cluster->curve[models.cluster->epochs - 1].loss;
    assert_true(isnan(models.cluster->curve[0].validation));
    seed_rows_release(&rows);
    seed_models_release(&models);
    return said;
}

static void test_seed_models_learn_when_their_inputs_are_small(void **state)
{
    (void)state;
    static const enum seed_cell cells[] = {SEED_LSTM, SEED_GRU, SEED_LAYERED_LSTM};
    struct seed_data data = {0};
    fill(&data, 2, 1);
    for (size_t i = 0; i < 3; i++) {
        struct seed_recipe recipe = small_recipe();
        double loss;
        recipe.cell = cells[i];
        recipe.epochs = 20;
        double *said = train(&data, &recipe, 1, &loss);
        assert_true(loss < .1); /* a constant is off by .5 */
        free(said);
    }
    seed_data_release(&data);
}

/* The same rows, but starts in epoch seconds: every gate is shut or open whatever the session. */
static void test_seed_models_are_constants_when_epoch_seconds_enter(void **state)
{
    (void)state;
    struct seed_data data = {0};
    struct seed_recipe recipe = small_recipe();
    double loss;
    fill(&data, 2, 1.2e9);
    recipe.epochs = 20;
    double *said = train(&data, &recipe, 1, &loss);
    for (size_t i = 1; i < 2 * SESSIONS; i++)
        assert_true(said[i] == said[0]);
    assert_true(loss > .4);
    free(said);
    seed_data_release(&data);
}

/* One step of one session: nothing ever reaches the recurrence. */
static void test_seed_models_never_move_their_recurrent_weights(void **state)
{
    (void)state;
    static const enum seed_cell cells[] = {SEED_LSTM, SEED_GRU, SEED_LAYERED_LSTM};
    struct seed_data data = {0};
    fill(&data, 1, 1);
    for (size_t i = 0; i < 3; i++) {
        struct seed_recipe recipe = small_recipe();
        struct seed_net before, after;
        struct net_tensor tensor[NET_TENSORS_MAX];
        recipe.cell = cells[i];
        assert_int_equal(seed_net_init(&before, &recipe, 0, NULL), 0);
        assert_int_equal(seed_net_init(&after, &recipe, 0, NULL), 0);
        assert_int_equal(
            seed_net_fit(&after, &recipe, 0, 2, &data.train, &data.test, NULL, NULL, NULL), 0);
        size_t tensors = net_tensors(&before.spec, tensor);
        for (size_t t = 0; t < tensors; t++) {
            size_t count = (size_t)tensor[t].rows * tensor[t].columns;
            int same = memcmp(before.params + tensor[t].offset, after.params + tensor[t].offset,
                              count * sizeof *before.params) == 0;
            assert_int_equal(same, strstr(tensor[t].name, "weight_hh") != NULL);
        }
        seed_net_release(&before);
        seed_net_release(&after);
    }
    seed_data_release(&data);
}

static void test_seed_models_depend_on_the_seed_and_not_on_threads(void **state)
{
    (void)state;
    struct seed_data data = {0};
    struct seed_recipe recipe = small_recipe();
    double loss[3];
    double *said[3];
    fill(&data, 2, 1);
    recipe.dropout = .2;
    said[0] = train(&data, &recipe, 1, &loss[0]);
    said[1] = train(&data, &recipe, 3, &loss[1]);
    recipe.seed = 2;
    said[2] = train(&data, &recipe, 1, &loss[2]);
    assert_memory_equal(said[0], said[1], 2 * SESSIONS * sizeof *said[0]);
    assert_true(said[0][0] != said[2][0]);
    for (int i = 0; i < 3; i++)
        free(said[i]);
    seed_data_release(&data);
}

static void test_seed_models_say_what_cannot_be(void **state)
{
    (void)state;
    struct seed_recipe recipe = small_recipe();
    struct net_spec spec;
    struct err err = {0};
    recipe.cell = SEED_LAYERED_LSTM;
    recipe.layers = NET_LAYERS_MAX;
    assert_int_equal(seed_recipe_spec(&recipe, &spec, &err), -1);
    assert_int_equal(err.code, ERR_SHAPE);

    struct seed_data data = {0};
    struct seed_models models;
    struct seed_models *all[] = {&models};
    fill(&data, 1, 1);
    data.train.row[7].length_s = HUGE_VAL;
    recipe = small_recipe();
    assert_int_equal(seed_models_init(&models, &recipe, NULL, &data, NULL), 0);
    assert_int_equal(seed_models_train(all, 1, &data, 1, NULL, &err), -1);
    assert_int_equal(err.code, ERR_CHECK);
    assert_non_null(strstr(err.text, "epoch 1"));
    seed_models_release(&models);
    seed_data_release(&data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_seed_models_rules_are_the_originals_by_default),
        cmocka_unit_test(test_seed_models_leave_small_clusters_out),
        cmocka_unit_test(test_seed_models_learn_when_their_inputs_are_small),
        cmocka_unit_test(test_seed_models_are_constants_when_epoch_seconds_enter),
        cmocka_unit_test(test_seed_models_never_move_their_recurrent_weights),
        cmocka_unit_test(test_seed_models_depend_on_the_seed_and_not_on_threads),
        cmocka_unit_test(test_seed_models_say_what_cannot_be),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
