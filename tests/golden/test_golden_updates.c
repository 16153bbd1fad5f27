/* What is done around a step, against Keras 3 and PyTorch in float64
 * (../shared/golden/keras/updates.safetensors): clipping, weight decay, learning-rate schedules,
 * averaged weights. Built in float32 and in double. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "golden_file.h"
#include "nn/average.h"
#include "nn/clip.h"
#include "nn/optimizer.h"
#include "nn/schedule.h"

#define IN_DOUBLE (sizeof(real) == sizeof(double))
/* Ten times what the reference saw of its own in float32. */
#define TOLERANCE (IN_DOUBLE ? 1e-12 : 4e-6)
/* Keras computes its schedules in float32. */
#define KERAS_SCHEDULE_TOLERANCE 1e-6
#define FILE_NAME                "keras/updates.safetensors"
#define STEPS                    10
#define CLIP_TENSORS             3

static const size_t clip_sizes[CLIP_TENSORS] = {12, 3, 5};

static void check_clip(const struct golden_file *golden, const char *prefix, const char *text)
{
    struct clip clip;
    char name[64];
    real block[20];
    assert_int_equal(clip_by_name(text, &clip, NULL), 0);
    for (size_t i = 0, at = 0; i < CLIP_TENSORS; at += clip_sizes[i++]) {
        snprintf(name, sizeof name, "clip.in.%zu", i);
        real *values = golden_fetch_real(golden, name, clip_sizes[i]);
        memcpy(block + at, values, clip_sizes[i] * sizeof *values);
        free(values);
    }
    real norm = (real)clip_gradient(&clip, block, clip_sizes, CLIP_TENSORS);
    double *norm_before = golden_fetch(golden, "clip.torch.norm_before", 1);
    if (golden_distance(&norm, norm_before, 1) > TOLERANCE)
        fail_msg("%s: a norm of %.17g, not %.17g", text, (double)norm, *norm_before);
    free(norm_before);
    for (size_t i = 0, at = 0; i < CLIP_TENSORS; at += clip_sizes[i++]) {
        snprintf(name, sizeof name, "clip.%s.%zu", prefix, i);
        golden_check_tensor(golden, name, block + at, clip_sizes[i], TOLERANCE);
    }
}

static void test_golden_updates_clipping(void **state)
{
    (void)state;
    struct golden_file golden;
    golden_open(&golden, FILE_NAME);
    check_clip(&golden, "keras3.norm_each", "norm_each:1");
    check_clip(&golden, "keras3.norm_global", "norm:1");
    check_clip(&golden, "keras3.norm_global_large", "norm:1000");
    check_clip(&golden, "keras3.value", "value:.5");
    check_clip(&golden, "torch.norm_global", "norm.torch:1");
    golden_close(&golden);
}

/* Where averages are kept: of what, and as the name of which tensor. */
struct averaged {
    const struct average_settings *settings;
    const char *tensor;
};

/* Ten steps; the parameters after each against one tensor, the averages against another. */
static void check_path(const struct golden_file *golden, const char *tensor, const char *text,
                       const struct averaged *averaged)
{
    struct optimizer_settings settings;
    assert_int_equal(optimizer_parse(text, &settings, NULL), 0);
    size_t count = golden_count(golden, "start");
    real *params = golden_fetch_real(golden, "start", count);
    real *gradients = golden_fetch_real(golden, "gradients", STEPS * count);
    real *path = calloc(STEPS * count, sizeof *path),
         *averages = calloc(STEPS * count, sizeof *path);
    real *average = calloc(count, sizeof *average);
    struct optimizer *optimizer = optimizer_new(&settings, count, NULL);
    assert_true(path && averages && average && optimizer);
    for (size_t step = 0; step < STEPS; step++) {
        optimizer_step(optimizer, settings.learning_rate, params, gradients + step * count);
        if (averaged)
            average_step(averaged->settings, step + 1, count, average, params);
        memcpy(path + step * count, params, count * sizeof *params);
        memcpy(averages + step * count, average, count * sizeof *average);
    }
    golden_check_tensor(golden, tensor, path, STEPS * count, TOLERANCE);
    if (averaged)
        golden_check_tensor(golden, averaged->tensor, averages, STEPS * count, TOLERANCE);
    optimizer_free(optimizer);
    free(params);
    free(gradients);
    free(path);
    free(averages);
    free(average);
}

static void test_golden_updates_weight_decay(void **state)
{
    (void)state;
    struct golden_file golden;
    golden_open(&golden, FILE_NAME);
    check_path(&golden, "decay.keras3.sgd", "sgd.keras weight_decay=.01", NULL);
    check_path(&golden, "decay.keras3.sgd_momentum", "momentum.keras weight_decay=.01", NULL);
    check_path(&golden, "decay.keras3.adam", "adam.keras weight_decay=.004", NULL);
    check_path(&golden, "decay.torch.sgd_l2", "sgd.torch lr=.01 l2=.01", NULL);
    check_path(&golden, "decay.torch.adam_l2", "adam.torch epsilon=1e-7 l2=.004", NULL);
    check_path(&golden, "decay.torch.adamw", "adamw.torch epsilon=1e-7 weight_decay=.004", NULL);
    golden_close(&golden);
}

static void test_golden_updates_averages(void **state)
{
    (void)state;
    static const struct average_settings plain = {.decay = .9};
    static const struct average_settings overwrite = {.decay = .9, .overwrite_every = 4};
    struct golden_file golden;
    golden_open(&golden, FILE_NAME);
    check_path(&golden, "ema.keras3.parameters", "adam.keras lr=.01",
               &(struct averaged){&plain, "ema.keras3.average"});
    check_path(&golden, "ema.keras3.overwrite4.parameters", "adam.keras lr=.01",
               &(struct averaged){&overwrite, "ema.keras3.overwrite4.average"});
    check_path(&golden, "ema.torch.parameters", "adam.torch lr=.01 epsilon=1e-7",
               &(struct averaged){&plain, "ema.torch.average"});
    golden_close(&golden);
}

/* In parts of the peak: behind it Keras' own rounding of 1 + cos is all that is left of a rate. */
static void check_schedule(const struct golden_file *golden, const char *tensor, const char *text,
                           double tolerance)
{
    const double peak = .01;
    struct schedule schedule;
    assert_int_equal(schedule_parse(text, &schedule, NULL), 0);
    size_t count = golden_count(golden, tensor);
    double *expected = golden_fetch(golden, tensor, count);
    real *rates = calloc(count, sizeof *rates);
    assert_non_null(rates);
    for (size_t step = 0; step < count; step++) {
        rates[step] = (real)(schedule_rate(&schedule, peak, (double)step) / peak);
        expected[step] /= peak;
    }
    golden_check(tensor, rates, expected, count, tolerance);
    free(expected);
    free(rates);
}

static void test_golden_updates_schedules(void **state)
{
    (void)state;
    struct golden_file golden;
    golden_open(&golden, FILE_NAME);
    check_schedule(&golden, "schedule.keras3.warmup_cosine",
                   "cosine warmup=10 start=.001 steps=40 floor=.1", KERAS_SCHEDULE_TOLERANCE);
    check_schedule(&golden, "schedule.keras3.cosine", "cosine steps=30", KERAS_SCHEDULE_TOLERANCE);
    check_schedule(&golden, "schedule.torch.warmup_cosine",
                   "cosine warmup=10 start=.01 steps=40 floor=.1", TOLERANCE);
    golden_close(&golden);
}

static void test_golden_updates_leaves_none_out(void **state)
{
    (void)state;
    struct golden_file golden;
    golden_open(&golden, FILE_NAME);
    /* start and gradients; clip: three in, five of three, a norm; decay; schedule; ema */
    assert_int_equal(golden.file.count, 2 + 3 + 5 * 3 + 1 + 6 + 3 + 6);
    golden_close(&golden);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden_updates_clipping),
        cmocka_unit_test(test_golden_updates_weight_decay),
        cmocka_unit_test(test_golden_updates_averages),
        cmocka_unit_test(test_golden_updates_schedules),
        cmocka_unit_test(test_golden_updates_leaves_none_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
