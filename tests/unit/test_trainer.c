/* The trainer on small synthetic people: it learns what the kernel does not know, the same on any
 * number of threads, and says so when it cannot. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "nn/validation.h"
#include "trainer_fixture.h"

static void test_trainer_learns_what_the_kernel_does_not_know(void **state)
{
    (void)state;
    static const struct {
        enum secret secret;
        uint32_t hidden;
        double at_least, at_most;
    } cases[] = {
        {SECRET_START, 8, .2, .6},     {SECRET_START, 0, .2, .6},  {SECRET_HISTORY, 8, .2, .6},
        {SECRET_HISTORY, 0, .95, 1.1}, {SECRET_NONE, 8, .95, 1.1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct train_set set = make_set(cases[i].secret);
        struct trainer_options options = small_options();
        struct trainer_report report;
        struct err err = {0};
        double ratio;
        options.spec = PREDICTOR_SPEC(cases[i].hidden, 16);
        options.spec.dense[0].dropout = .3;
        options.epochs = 60;
        struct predictor *net = trained(&set, &options, &report);
        assert_int_equal(validation_ratio(&set, net, &ratio, &err), 0);
        assert_true(fabs(ratio - report.best_validation) < 1e-12);
        if (!(ratio >= cases[i].at_least && ratio <= cases[i].at_most))
            fail_msg("case %zu: validation %.4f is not in %.2f .. %.2f", i, ratio,
                     cases[i].at_least, cases[i].at_most);
        predictor_free(net);
        free(report.curve);
        free_set(&set);
    }
}

static void check_threads(struct trainer_options options)
{
    struct train_set set = make_set(SECRET_HISTORY);
    options.epochs = 2;
    options.threads = 1;
    struct predictor *one = trained(&set, &options, NULL);
    for (uint32_t threads = 1; threads <= 4; threads++) {
        options.threads = threads;
        struct predictor *again = trained(&set, &options, NULL);
        assert_memory_equal(again->params, one->params, one->params_count * sizeof *one->params);
        assert_memory_equal(&again->scaler, &one->scaler, sizeof one->scaler);
        predictor_free(again);
    }
    options.seed++;
    struct predictor *other = trained(&set, &options, NULL);
    assert_memory_not_equal(other->params, one->params, one->params_count * sizeof *one->params);
    predictor_free(other);
    predictor_free(one);
    free_set(&set);
}

static void test_trainer_gives_the_same_bits_on_any_number_of_threads(void **state)
{
    struct err err = {0};
    struct trainer_options options = small_options();
    (void)state;
    check_threads(options);
    assert_int_equal(net_spec_parse("lstm:6 dropout=.2 recurrent_dropout=.1 gru-before:5",
                                    "8 tanh dropout=.2, 3", &options.spec, &err),
                     0);
    check_threads(options);
}

struct seen {
    uint32_t calls, epoch_ends, stop_after;
    uint64_t rows;
    double first_rate, peak_rate, last_rate, validation;
};

static bool watch(void *ctx, const struct trainer_progress *p)
{
    struct seen *seen = ctx;
    seen->calls++;
    assert_int_equal(seen->calls, (p->epoch - 1) * p->steps + p->step);
    assert_true(p->rows > seen->rows);
    assert_true(isfinite(p->loss) && p->loss > 0);
    assert_int_equal(p->epoch_end, p->step == p->steps);
    assert_int_equal(isnan(p->validation) != 0, p->epoch == 1 && !p->epoch_end);
    seen->rows = p->rows;
    seen->epoch_ends += p->epoch_end;
    seen->validation = p->validation;
    if (seen->calls == 1)
        seen->first_rate = p->learning_rate;
    seen->peak_rate = fmax(seen->peak_rate, p->learning_rate);
    seen->last_rate = p->learning_rate;
    return seen->calls != seen->stop_after;
}

static void test_trainer_tells_every_step(void **state)
{
    (void)state;
    struct train_set set = make_set(SECRET_START);
    struct trainer_options options = small_options();
    struct trainer_report report;
    struct err err = {0};
    struct seen seen = {0};
    const struct trainer_hooks hooks = {.ctx = &seen, .progress = watch};
    struct predictor *net = trainer_run(&set, &options, &hooks, &report, &err);
    assert_non_null(net);
    /* 140 training sessions a user: segments of 32, 32, 32, 32 and 12, six a step */
    assert_int_equal(seen.calls, options.epochs * 5);
    assert_int_equal(seen.epoch_ends, options.epochs);
    assert_int_equal(report.training_rows, USERS * 140 * ROWS_SESSION);
    assert_int_equal(report.validation_rows, USERS * 20 * ROWS_SESSION);
    assert_int_equal(seen.rows, options.epochs * report.training_rows);
    assert_true(seen.first_rate < .2 * options.learning_rate);
    assert_true(seen.peak_rate > .99 * options.learning_rate);
    assert_true(seen.last_rate < 1e-9);
    predictor_free(net);
    free(report.curve);
    free_set(&set);
}

static void test_trainer_stops_with_the_best_so_far(void **state)
{
    (void)state;
    struct train_set set = make_set(SECRET_START);
    struct trainer_options options = small_options();
    struct trainer_report report;
    struct err err = {0};
    struct seen seen = {.stop_after = 7};
    const struct trainer_hooks hooks = {.ctx = &seen, .progress = watch};
    struct predictor *net = trainer_run(&set, &options, &hooks, &report, &err);
    assert_non_null(net);
    assert_int_equal(seen.calls, 7);
    assert_in_range(report.best_epoch, 0, 1);
    predictor_free(net);
    free(report.curve);
    free_set(&set);
}

/* What is kept of the median's correction is the last layer's middle row times the factor, and
 * nothing else changes. */
static void test_trainer_shrinks_the_median_alone(void **state)
{
    (void)state;
    struct train_set set = make_set(SECRET_START);
    struct trainer_options options = small_options();
    struct trainer_report whole_report, half_report;
    struct net_tensor tensor[NET_TENSORS_MAX];
    size_t tensors = net_tensors(&options.spec, tensor);
    const struct net_tensor *weight = &tensor[tensors - 2], *bias = &tensor[tensors - 1];
    struct predictor *whole = trained(&set, &options, &whole_report);
    options.shrink = .5;
    struct predictor *half = trained(&set, &options, &half_report);
    assert_int_equal(whole_report.best_epoch, options.epochs);
    assert_int_equal(half_report.best_epoch, options.epochs);
    for (size_t i = 0; i < whole->params_count; i++) {
        size_t row = weight->offset + weight->columns;
        bool median = (i >= row && i < row + weight->columns) || i == bias->offset + 1;
        assert_true(half->params[i] == (median ? whole->params[i] / 2 : whole->params[i]));
    }
    predictor_free(whole);
    predictor_free(half);
    free(whole_report.curve);
    free(half_report.curve);
    free_set(&set);
}

/* Epochs that make it worse than untrained leave the untrained net. */
static void test_trainer_keeps_the_untrained_net_when_that_is_best(void **state)
{
    (void)state;
    struct train_set set = make_set(SECRET_START);
    for (size_t u = 0; u < USERS; u++) /* what held in training is turned round in validation */
        for (size_t k = 140; k < SESSIONS; k++)
            set.user[u].start[k * START_FEATURES] = 14 - set.user[u].start[k * START_FEATURES];
    struct trainer_options options = small_options();
    struct trainer_report report;
    struct predictor *net = trained(&set, &options, &report);
    struct err err = {0};
    struct predictor *untrained = predictor_new(&options.spec, options.seed, &err);
    assert_non_null(untrained);
    assert_int_equal(report.best_epoch, 0);
    assert_memory_equal(net->params, untrained->params, net->params_count * sizeof *net->params);
    predictor_free(untrained);
    predictor_free(net);
    free(report.curve);
    free_set(&set);
}

static void test_trainer_fits_the_scaler_on_training_rows(void **state)
{
    (void)state;
    struct train_set set = make_set(SECRET_NONE);
    struct trainer_options options = small_options();
    options.epochs = 1;
    for (size_t u = 0; u < USERS; u++) {
        for (size_t i = 0; i < set.user[u].rows; i++)
            set.user[u].row[i].live[3] = 4; /* no deviation: counts as 1 */
        for (size_t i = 140 * ROWS_SESSION; i < set.user[u].rows; i++)
            set.user[u].row[i].live[2] = 1e6f; /* nobody is to learn from these */
    }
    struct predictor *net = trained(&set, &options, NULL);
    assert_true(fabs((double)net->scaler.step_mean[0] - 3) < .2);
    assert_true(fabs((double)net->scaler.step_inverse_sd[0] - .5) < .05);
    assert_true(fabs((double)net->scaler.start_mean[5] - 7) < .2);
    assert_true(fabs((double)net->scaler.live_mean[2]) < .2);
    assert_true(net->scaler.live_mean[3] == 4 && net->scaler.live_inverse_sd[3] == 1);
    predictor_free(net);
    free_set(&set);
}

static void assert_refused(const struct train_set *set, enum err_code code)
{
    struct trainer_options options = small_options();
    struct err err = {0};
    struct predictor *net = trainer_run(set, &options, NULL, NULL, &err);
    assert_null(net);
    assert_int_equal(err.code, code);
    assert_true(strlen(err.text) > 20);
}

static void test_trainer_refuses_what_it_cannot_learn_from(void **state)
{
    (void)state;
    struct train_set nobody = {0};
    assert_refused(&nobody, ERR_INPUT);
    struct train_set set = make_set(SECRET_NONE);
    set.user[2].row[9].session = 180; /* out of order */
    assert_refused(&set, ERR_INPUT);
    free_set(&set);
    set = make_set(SECRET_NONE);
    set.user[USERS - 1].row[SESSIONS * ROWS_SESSION - 1].session = SESSIONS; /* past the last */
    assert_refused(&set, ERR_INPUT);
    free_set(&set);
    set = make_set(SECRET_NONE);
    set.user[1].row[7].remaining_s = (float)NAN;
    assert_refused(&set, ERR_CHECK);
    free_set(&set);
}

/* One session, one row: no step to take before it, none behind it. */
static void test_trainer_takes_the_smallest_history(void **state)
{
    (void)state;
    struct train_set set = make_set(SECRET_START);
    for (size_t u = 0; u < USERS; u++) {
        set.user[u].sessions = 2;
        set.user[u].rows = ROWS_SESSION;
    }
    struct trainer_options options = small_options();
    struct trainer_report report;
    struct predictor *net = trained(&set, &options, &report);
    assert_int_equal(report.training_rows, USERS * ROWS_SESSION);
    assert_int_equal(report.validation_rows, 0);
    assert_int_equal(report.best_epoch, options.epochs); /* with nothing to judge by, the last */
    predictor_free(net);
    free(report.curve);
    free_set(&set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_trainer_learns_what_the_kernel_does_not_know),
        cmocka_unit_test(test_trainer_gives_the_same_bits_on_any_number_of_threads),
        cmocka_unit_test(test_trainer_tells_every_step),
        cmocka_unit_test(test_trainer_stops_with_the_best_so_far),
        cmocka_unit_test(test_trainer_shrinks_the_median_alone),
        cmocka_unit_test(test_trainer_keeps_the_untrained_net_when_that_is_best),
        cmocka_unit_test(test_trainer_fits_the_scaler_on_training_rows),
        cmocka_unit_test(test_trainer_refuses_what_it_cannot_learn_from),
        cmocka_unit_test(test_trainer_takes_the_smallest_history),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
