/* Every optimizer in every form: ten steps against Keras 3, Keras 2.2.4 and PyTorch in float64
 * (../shared/golden/keras/optimizers.safetensors). The gradients hold an element that is always 0,
 * a tiny, a large one and one that is 0 for five steps. Built in float32 and in double. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "golden_file.h"
#include "nn/optimizer.h"

#define IN_DOUBLE (sizeof(real) == sizeof(double))
/* Ten times what the reference saw of its own in float32. */
#define TOLERANCE (IN_DOUBLE ? 1e-12 : 4e-6)
#define FILE_NAME "keras/optimizers.safetensors"
#define STEPS     10

/* The numbers are the reference's; what is not said are our defaults, which so are checked too. */
static const struct row {
    const char *tensor, *optimizer;
} cases[] = {
    {"keras3.sgd", "sgd.keras"},
    {"keras3.sgd_momentum", "momentum.keras"},
    {"keras3.sgd_nesterov", "nesterov.keras"},
    {"keras3.rmsprop", "rmsprop.keras"},
    {"keras3.rmsprop_momentum", "rmsprop.keras momentum=.9"},
    {"keras3.rmsprop_centered", "rmsprop.keras centered=1"},
    {"keras3.adagrad", "adagrad.keras"},
    {"keras3.adadelta", "adadelta.keras"},
    {"keras3.adam", "adam.keras"},
    {"keras3.adam_amsgrad", "adam.keras amsgrad=1"},
    {"keras3.adamax", "adamax.keras"},
    {"keras3.nadam", "nadam.keras"},
    {"keras3.adamw", "adamw.keras"},
    {"torch.sgd", "sgd.torch"},
    {"torch.sgd_momentum", "momentum.torch"},
    {"torch.sgd_nesterov", "nesterov.torch"},
    {"torch.rmsprop", "rmsprop.torch"},
    {"torch.rmsprop_momentum", "rmsprop.torch momentum=.9"},
    {"torch.rmsprop_centered", "rmsprop.torch centered=1"},
    {"torch.adagrad", "adagrad.torch"},
    {"torch.adadelta", "adadelta.torch"},
    {"torch.adam", "adam.torch"},
    {"torch.adam_amsgrad", "adam.torch amsgrad=1"},
    {"torch.adamax", "adamax.torch"},
    {"torch.nadam", "nadam.torch"},
    {"torch.adamw", "adamw.torch"},
    {"torch_keras_values.sgd", "sgd.torch lr=.01"},
    {"torch_keras_values.sgd_momentum", "momentum.torch lr=.01"},
    {"torch_keras_values.sgd_nesterov", "nesterov.torch lr=.01"},
    {"torch_keras_values.rmsprop", "rmsprop.torch lr=.001 rho=.9 epsilon=1e-7"},
    {"torch_keras_values.rmsprop_momentum",
     "rmsprop.torch lr=.001 rho=.9 epsilon=1e-7 momentum=.9"},
    {"torch_keras_values.rmsprop_centered", "rmsprop.torch lr=.001 rho=.9 epsilon=1e-7 centered=1"},
    {"torch_keras_values.adagrad", "adagrad.torch lr=.001 epsilon=1e-7 accumulator=.1"},
    {"torch_keras_values.adadelta", "adadelta.torch lr=.001 rho=.95 epsilon=1e-7"},
    {"torch_keras_values.adam", "adam.torch epsilon=1e-7"},
    {"torch_keras_values.adam_amsgrad", "adam.torch epsilon=1e-7 amsgrad=1"},
    {"torch_keras_values.adamax", "adamax.torch lr=.001 epsilon=1e-7"},
    {"torch_keras_values.nadam", "nadam.torch lr=.001 epsilon=1e-7"},
    {"torch_keras_values.adamw", "adamw.torch epsilon=1e-7 weight_decay=.004"},
    {"k224.sgd", "sgd.keras2"},
    {"k224.sgd_momentum", "momentum.keras2"},
    {"k224.sgd_nesterov", "nesterov.keras2"},
    {"k224.rmsprop", "rmsprop.keras2"},
    {"k224.adagrad", "adagrad.keras2"},
    {"k224.adadelta", "adadelta.keras2"},
    {"k224.adam", "adam.keras2"},
    {"k224.adam_decay", "adam.keras2 decay=.01"},
    {"k224.adam_amsgrad", "adam.keras2 amsgrad=1"},
    {"k224.adamax", "adamax.keras2"},
    {"k224.nadam", "nadam.keras2"},
};
#define CASES (sizeof cases / sizeof *cases)

/* @return new, parameters after each step (STEPS,count) */
static real *path_of(const struct golden_file *golden, const char *text, size_t count)
{
    struct optimizer_settings settings;
    struct err err = {0};
    if (optimizer_parse(text, &settings, &err))
        fail_msg("%s", err.text);
    real *params = golden_fetch_real(golden, "start", count);
    real *gradients = golden_fetch_real(golden, "gradients", STEPS * count);
    real *path = calloc(STEPS * count, sizeof *path);
    struct optimizer *optimizer = optimizer_new(&settings, count, NULL);
    assert_non_null(path);
    assert_non_null(optimizer);
    for (size_t step = 0; step < STEPS; step++) {
        optimizer_step(optimizer, settings.learning_rate, params, gradients + step * count);
        memcpy(path + step * count, params, count * sizeof *params);
    }
    optimizer_free(optimizer);
    free(params);
    free(gradients);
    return path;
}

static void test_golden_optimizers_match(void **state)
{
    (void)state;
    struct golden_file golden;
    golden_open(&golden, FILE_NAME);
    size_t count = golden_count(&golden, "start");
    for (size_t i = 0; i < CASES; i++) {
        real *path = path_of(&golden, cases[i].optimizer, count);
        golden_check_tensor(&golden, cases[i].tensor, path, STEPS * count, TOLERANCE);
        free(path);
    }
    assert_int_equal(golden.file.count, CASES + 2); /* none left out; start and gradients */
    golden_close(&golden);
}

/* The form beside it, with the same numbers, must be seen to be another: in float32 where it is far
 * enough. */
static void test_golden_optimizers_tells_forms_apart(void **state)
{
    (void)state;
    static const struct {
        struct row row;
        bool in_float;
    } others[] = {
        {{"keras3.rmsprop", "rmsprop.keras2"}, true},
        {{"keras3.adagrad", "adagrad.torch lr=.001 epsilon=1e-7 accumulator=.1"}, false},
        {{"keras3.adam", "adam.torch epsilon=1e-7"}, true},
        {{"keras3.adam", "adam.keras amsgrad=1"}, false},
        {{"keras3.adamax", "adamax.torch lr=.001 epsilon=1e-7"}, false},
        {{"keras3.nadam", "nadam.torch lr=.001 epsilon=1e-7"}, true},
        {{"keras3.sgd_nesterov", "momentum.keras"}, true},
        {{"k224.adam_decay", "adam.keras2"}, true},
    };
    struct golden_file golden;
    golden_open(&golden, FILE_NAME);
    size_t count = golden_count(&golden, "start");
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        double *expected = golden_fetch(&golden, others[i].row.tensor, STEPS * count);
        real *path = path_of(&golden, others[i].row.optimizer, count);
        double off = golden_distance(path, expected, STEPS * count);
        print_message("%-24s is not %-52s %.1e\n", others[i].row.tensor, others[i].row.optimizer,
                      off);
        if ((IN_DOUBLE || others[i].in_float) && off <= TOLERANCE)
            fail_msg("%s passes as %s", others[i].row.optimizer, others[i].row.tensor);
        free(expected);
        free(path);
    }
    golden_close(&golden);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden_optimizers_match),
        cmocka_unit_test(test_golden_optimizers_tells_forms_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
