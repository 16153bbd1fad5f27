/* A net under another standardisation says the same; and training that goes on from a net. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/random.h"
#include "nn/rescale.h"
#include "nn/scaler.h"
#include "nn/validation.h"
#include "trainer_fixture.h"

enum { STEPS = 4 };

/* The remaining time after a few steps, of inputs well within the clip. */
static void answer(const struct predictor *net, uint64_t seed, float out[QUANTILES])
{
    struct random random;
    struct predictor_runner *runner = predictor_runner_new(net, 1, NULL, NULL);
    float state[128] = {0}, base[64], x[STEP_INPUTS], start[START_FEATURES_MAX],
          live[LIVE_FEATURES];
    const float kernel[QUANTILES] = {300, 1200, 4000};
    float *states = state, *bases = base;
    const float *read_state = state, *read_base = base;
    assert_non_null(runner);
    random_init(&random, seed, 0);
    for (int k = 0; k < STEPS; k++) {
        for (int i = 0; i < STEP_INPUTS; i++)
            x[i] = (float)random_uniform(&random);
        predictor_step(runner, 1, x, &states);
    }
    for (int i = 0; i < START_FEATURES_MAX; i++)
        start[i] = (float)random_uniform(&random);
    for (int i = 0; i < LIVE_FEATURES; i++)
        live[i] = (float)random_uniform(&random);
    predictor_base(runner, 1, &read_state, start, &bases);
    predictor_live(runner, 1, &read_base, live, kernel, out);
    predictor_runner_free(runner);
}

static void spread(struct random *random, float *mean, float *inverse_sd, int count)
{
    for (int i = 0; i < count; i++) {
        mean[i] = (float)random_uniform(random) - .5f;
        inverse_sd[i] = .5f + (float)random_uniform(random);
    }
}

static struct predictor_scaler some_scaler(uint64_t seed)
{
    struct random random;
    struct predictor_scaler s = {0};
    random_init(&random, seed, 0);
    spread(&random, s.step_mean, s.step_inverse_sd, STEP_INPUTS);
    spread(&random, s.start_mean, s.start_inverse_sd, START_FEATURES_MAX);
    spread(&random, s.live_mean, s.live_inverse_sd, LIVE_FEATURES);
    return s;
}

static void test_rescale_says_the_same(void **state)
{
    static const struct {
        const char *net, *head;
        uint32_t panel;
    } nets[] = {{"gru:8", "16 relu, 3", 0},
                {"lstm:8,4", "16 relu, 8 relu, 3", 5},
                {"gru-before:8", "3", (1 << PANEL_FEATURES) - 1},
                {"none", "16 tanh, 3", 0}};
    (void)state;
    for (size_t n = 0; n < sizeof nets / sizeof *nets; n++) {
        struct net_spec spec = {.inputs = STEP_INPUTS,
                                .features = predictor_row_features(nets[n].panel)};
        assert_int_equal(net_spec_parse(nets[n].net, nets[n].head, &spec, NULL), 0);
        struct predictor *net = predictor_new(&spec, n + 1, NULL);
        assert_non_null(net);
        net->scaler = some_scaler(1);
        const struct predictor_scaler other = some_scaler(2);
        for (uint64_t seed = 1; seed <= 5; seed++) {
            float before[QUANTILES], after[QUANTILES];
            struct predictor *changed = predictor_copy(net, NULL);
            answer(net, seed, before);
            assert_int_equal(predictor_rescale(changed, &other, NULL), 0);
            assert_memory_equal(&changed->scaler, &other, sizeof other);
            answer(changed, seed, after);
            for (int q = 0; q < QUANTILES; q++)
                if (!(fabsf(after[q] - before[q]) <= 1e-4f * before[q]))
                    fail_msg("%s: %.9g, expected %.9g", nets[n].net, (double)after[q],
                             (double)before[q]);
            predictor_free(changed);
        }
        predictor_free(net);
    }
}

static void test_rescale_needs_biases(void **state)
{
    (void)state;
    struct net_spec spec = {.inputs = STEP_INPUTS, .features = ROW_FEATURES};
    assert_int_equal(net_spec_parse("lstm:8 biases=0", "3", &spec, NULL), 0);
    struct predictor *net = predictor_new(&spec, 1, NULL);
    const struct predictor_scaler other = some_scaler(2), before = net->scaler;
    assert_int_equal(predictor_rescale(net, &other, NULL), -1);
    assert_memory_equal(&net->scaler, &before, sizeof before);
    predictor_free(net);
}

/* Going on from a net: what is kept is never worse than it, and better where there is something to
 * learn; under its own scaler or one fitted to the rows. */
static void test_training_goes_on_from_a_net(void **state)
{
    (void)state;
    struct train_set plain = make_set(SECRET_NONE), set = make_set(SECRET_START);
    struct trainer_options options = small_options();
    struct predictor *start = trained(&plain, &options, NULL);
    double before, after;
    struct predictor_scaler foreign = start->scaler; /* of people who are a little different */
    for (int i = 0; i < START_FEATURES; i++)
        foreign.start_mean[i] += .25f;
    assert_int_equal(predictor_rescale(start, &foreign, NULL), 0);
    assert_int_equal(validation_ratio(&set, start, &before, NULL), 0);
    for (int own = 0; own < 2; own++) {
        const struct trainer_hooks hooks = {.start = start, .own_scaler = own};
        struct trainer_report report;
        struct predictor *net = trained_with(&set, &options, &hooks, &report);
        assert_int_equal(validation_ratio(&set, net, &after, NULL), 0);
        assert_true(after < before);
        assert_true(report.best_epoch > 0);
        assert_int_equal(scaler_same(&net->scaler, &start->scaler), !own);
        predictor_free(net);
        free(report.curve);
    }
    predictor_free(start);
    free_set(&plain);
    free_set(&set);
}

/* A rate that ruins every epoch: the start is what is kept, unless it is to be left. */
static void test_training_keeps_the_start_when_nothing_is_better(void **state)
{
    (void)state;
    struct train_set set = make_set(SECRET_START);
    struct trainer_options options = small_options();
    struct predictor *start = trained(&set, &options, NULL);
    options.learning_rate = .5;
    options.epochs = 1;
    for (int leave = 0; leave < 2; leave++) {
        const struct trainer_hooks hooks = {.start = start, .leave_start = leave};
        struct trainer_report report;
        struct predictor *net = trained_with(&set, &options, &hooks, &report);
        bool same = memcmp(net->params, start->params, start->params_count * sizeof(float)) == 0;
        assert_int_equal(same, !leave);
        assert_int_equal(report.best_epoch, leave);
        predictor_free(net);
        free(report.curve);
    }
    predictor_free(start);
    free_set(&set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rescale_says_the_same),
        cmocka_unit_test(test_rescale_needs_biases),
        cmocka_unit_test(test_training_goes_on_from_a_net),
        cmocka_unit_test(test_training_keeps_the_start_when_nothing_is_better),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
