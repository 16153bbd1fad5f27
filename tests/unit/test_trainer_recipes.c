/* The trainer by every loss and optimizer, stopped and resumed, and when it comes apart. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "trainer_fixture.h"

static void set_loss(struct trainer_options *options, const char *text)
{
    struct err err = {0};
    if (loss_by_name(text, &options->loss, &err))
        fail_msg("%s", err.text);
    options->spec.dense[2].width = loss_outputs(&options->loss) ? QUANTILES : 1;
}

static void set_optimizer(struct trainer_options *options, const char *text)
{
    struct err err = {0};
    if (optimizer_parse(text, &options->optimizer, &err))
        fail_msg("%s", err.text);
}

/* The loss of the last epoch is below the first's, by a tenth of what there is to gain at least. */
static void assert_learns(const struct train_set *set, const struct trainer_options *options,
                          const char *what)
{
    struct trainer_report report;
    struct predictor *net = trained(set, options, &report);
    double first = report.curve[0].loss, last = report.curve[report.epochs - 1].loss;
    if (!(last < .95 * first))
        fail_msg("%s: training loss %g in the first epoch, %g in the last", what, first, last);
    predictor_free(net);
    free(report.curve);
}

static void test_trainer_learns_by_every_loss(void **state)
{
    (void)state;
    struct train_set set = make_set(SECRET_START);
    const char *name;
    for (size_t i = 0; (name = loss_name(i)); i++) {
        for (int base = 0; base < PREDICTOR_BASES; base++) {
            struct trainer_options options = small_options();
            char text[64];
            snprintf(text, sizeof text, "%s%s", name,
                     strcmp(name, "pinball") == 0 ? ":.1,.5,.9" : "");
            set_loss(&options, text);
            if (loss_is_metric(&options.loss))
                continue;
            options.base = (enum predictor_base)base;
            options.learning_rate = .01;
            assert_learns(&set, &options, text);
        }
    }
    free_set(&set);
}

static void test_trainer_learns_by_every_optimizer(void **state)
{
    (void)state;
    static const char *const forms[] = {"keras", "keras2", "torch"};
    /* the others do with .01 */
    static const struct {
        const char *name;
        double rate;
    } rates[] = {{"sgd", 5},        {"momentum", 1},  {"nesterov", 1},
                 {"adadelta", 100}, {"adagrad", .05}, {"adagrad.keras", 3}};
    struct train_set set = make_set(SECRET_START);
    struct optimizer_settings row;
    size_t tried = 0;
    for (size_t i = 0; optimizer_row(i, &row); i++) {
        char name[OPTIMIZER_TEXT_MAX], text[OPTIMIZER_TEXT_MAX + 16];
        optimizer_print(&row, name);
        name[strcspn(name, ". ")] = '\0';
        for (size_t f = 0; f < sizeof forms / sizeof *forms; f++) {
            struct trainer_options options = small_options();
            snprintf(text, sizeof text, "%s.%s", name, forms[f]);
            if (optimizer_parse(text, &options.optimizer, NULL))
                continue; /* this one has no such form */
            options.learning_rate = .01;
            for (size_t r = 0; r < sizeof rates / sizeof *rates; r++)
                if (strncmp(rates[r].name, text, strlen(rates[r].name)) == 0)
                    options.learning_rate = rates[r].rate;
            options.average_decay = 0;
            assert_learns(&set, &options, text);
            tried++;
        }
    }
    assert_true(tried >= 20);
    free_set(&set);
}

/* ---- checkpoints ---- */

struct kept {
    uint32_t stop_after, epochs; /* epochs, and those seen */
    void *bytes;                 /* the last checkpoint */
    size_t size;
};

static bool until(void *ctx, const struct trainer_progress *p)
{
    struct kept *kept = ctx;
    /* a few steps further than the checkpoint: they are to be forgotten */
    return p->epoch <= kept->stop_after || p->step < 3;
}

static int keep(void *ctx, const void *bytes, size_t size, struct err *err)
{
    struct kept *kept = ctx;
    (void)err;
    free(kept->bytes);
    kept->bytes = malloc(size);
    assert_non_null(kept->bytes);
    memcpy(kept->bytes, bytes, size);
    kept->size = size;
    kept->epochs++;
    return 0;
}

static void stop_after(const struct train_set *set, const struct trainer_options *options,
                       uint32_t epochs, struct kept *kept)
{
    *kept = (struct kept){.stop_after = epochs};
    const struct trainer_hooks hooks = {.ctx = kept, .progress = until, .checkpoint = keep};
    predictor_free(trained_with(set, options, &hooks, NULL));
    assert_int_equal(kept->epochs, epochs);
}

static void test_trainer_resumes_to_the_same_bits(void **state)
{
    (void)state;
    static const char *const optimizers[] = {
        "adamw.torch weight_decay=.001", "sgd",      "momentum.keras",       "nadam.torch",
        "rmsprop.torch centered=1",      "adadelta", "adam.keras amsgrad=1", "adagrad.keras2",
    };
    struct train_set set = make_set(SECRET_HISTORY);
    for (size_t i = 0; i < sizeof optimizers / sizeof *optimizers; i++) {
        struct trainer_options options = small_options();
        struct trainer_report whole_report, report;
        struct kept kept;
        options.epochs = 5;
        set_optimizer(&options, optimizers[i]);
        struct predictor *whole = trained(&set, &options, &whole_report);
        stop_after(&set, &options, 1 + (uint32_t)i % 5, &kept);
        options.threads = 2;
        const struct trainer_hooks hooks = {.resume = kept.bytes, .resume_size = kept.size};
        struct predictor *net = trained_with(&set, &options, &hooks, &report);
        assert_memory_equal(net->params, whole->params, net->params_count * sizeof *net->params);
        assert_memory_equal(report.curve, whole_report.curve, 5 * sizeof *report.curve);
        assert_int_equal(report.epochs, 5);
        assert_int_equal(report.best_epoch, whole_report.best_epoch);
        predictor_free(net);
        predictor_free(whole);
        free(report.curve);
        free(whole_report.curve);
        free(kept.bytes);
    }
    free_set(&set);
}

static void refuses(const struct train_set *set, const struct trainer_options *options,
                    const void *bytes, size_t size, const char *why)
{
    const struct trainer_hooks hooks = {.resume = bytes, .resume_size = size};
    struct err err = {0};
    assert_null(trainer_run(set, options, &hooks, NULL, &err));
    assert_int_equal(err.code, ERR_INPUT);
    if (!strstr(err.text, why))
        fail_msg("\"%s\" does not say \"%s\"", err.text, why);
}

static void test_trainer_refuses_a_checkpoint_of_something_else(void **state)
{
    (void)state;
    struct train_set set = make_set(SECRET_START);
    struct trainer_options options = small_options(), other;
    struct kept kept;
    options.epochs = 2;
    stop_after(&set, &options, 1, &kept);
    other = options;
    other.learning_rate *= 2;
    refuses(&set, &other, kept.bytes, kept.size, "another recipe");
    other = options;
    other.spec.recurrent[0].width++;
    refuses(&set, &other, kept.bytes, kept.size, "another recipe");
    other = options;
    set_optimizer(&other, "sgd");
    refuses(&set, &other, kept.bytes, kept.size, "another recipe");
    refuses(&set, &options, kept.bytes, kept.size - 1, "damaged");
    refuses(&set, &options, kept.bytes, 3, "no checkpoint");
    static const char text[1000] = "not of a training";
    refuses(&set, &options, text, sizeof text, "no checkpoint");
    ((unsigned char *)kept.bytes)[kept.size / 2] ^= 1;
    refuses(&set, &options, kept.bytes, kept.size, "damaged");
    ((unsigned char *)kept.bytes)[kept.size / 2] ^= 1;
    set.user[3].row[7].remaining_s += 1;
    refuses(&set, &options, kept.bytes, kept.size, "other rows");
    free(kept.bytes);
    free_set(&set);
}

/* ---- ends ---- */

static void test_trainer_says_when_it_comes_apart(void **state)
{
    (void)state;
    struct train_set set = make_set(SECRET_START);
    struct trainer_options options = small_options();
    struct err err = {0};
    set_optimizer(&options, "sgd");
    assert_int_equal(clip_by_name("none", &options.clip, &err), 0);
    options.learning_rate = 1e9;
    assert_null(trainer_run(&set, &options, NULL, NULL, &err));
    assert_int_equal(err.code, ERR_CHECK);
    static const char *const says[] = {"epoch 1, step", "gradient norm", "smaller learning rate"};
    for (size_t i = 0; i < sizeof says / sizeof *says; i++)
        if (!strstr(err.text, says[i]))
            fail_msg("\"%s\" does not say \"%s\"", err.text, says[i]);
    free_set(&set);
}

static void test_trainer_ends_when_its_patience_does(void **state)
{
    (void)state;
    struct train_set set = make_set(SECRET_NONE);
    struct trainer_options options = small_options();
    struct trainer_report report;
    options.epochs = 40;
    options.patience = 3;
    options.learning_rate = .02;
    struct predictor *net = trained(&set, &options, &report);
    assert_in_range(report.epochs, 3, 39);
    assert_int_equal(report.epochs, report.best_epoch + 3);
    predictor_free(net);
    free(report.curve);
    free_set(&set);
}

static void test_trainer_refuses_what_does_not_go_together(void **state)
{
    (void)state;
    static const struct {
        const char *loss;
        uint32_t outputs;
        const char *why;
    } cases[] = {
        {"mae", 3, "is of 1 value"},
        {"pinball:.1,.5,.9", 1, "is of 3 values"},
        {"pinball:.2,.5,.8", 3, "pinball:.1,.5,.9"},
        {"rmse", 1, "no gradient"},
    };
    struct train_set set = make_set(SECRET_NONE);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct trainer_options options = small_options();
        struct err err = {0};
        set_loss(&options, cases[i].loss);
        options.spec.dense[2].width = cases[i].outputs;
        assert_null(trainer_run(&set, &options, NULL, NULL, &err));
        if (!strstr(err.text, cases[i].why))
            fail_msg("\"%s\" does not say \"%s\"", err.text, cases[i].why);
    }
    free_set(&set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_trainer_learns_by_every_loss),
        cmocka_unit_test(test_trainer_learns_by_every_optimizer),
        cmocka_unit_test(test_trainer_resumes_to_the_same_bits),
        cmocka_unit_test(test_trainer_refuses_a_checkpoint_of_something_else),
        cmocka_unit_test(test_trainer_says_when_it_comes_apart),
        cmocka_unit_test(test_trainer_ends_when_its_patience_does),
        cmocka_unit_test(test_trainer_refuses_what_does_not_go_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
