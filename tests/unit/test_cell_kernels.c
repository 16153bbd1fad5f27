/* The loops of training at every vector width: products against sums in double, and whole cells,
 * forward and backward, against the portable ones. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "nn/cell.h"
#include "nn/cell_kernels.h"
#include "core/random.h"
#include "nn/tensor.h"

#define NEAR 2e-6

static float *drawn(size_t count, uint64_t seed, float size)
{
    struct random random;
    float *values = calloc(count + 1, sizeof *values);
    assert_non_null(values);
    random_init(&random, seed, 0);
    for (size_t i = 0; i < count; i++)
        values[i] = size * (2 * (float)random_uniform(&random) - 1);
    return values;
}

/* Every number of columns up to two tiles and a bit, in matrices with gaps; what lies around the
 * result stays. */
static void test_cell_kernels_products(void **state)
{
    enum { ROWS = 15, INNER = 11, COLUMNS = 150, STRIDE = 160 };
    const struct cell_kernels *usable[3];
    size_t count = cell_kernels_usable(usable);
    float *a = drawn(ROWS * STRIDE, 1, 1), *w = drawn(INNER * STRIDE, 2, 1);
    float *before = drawn(ROWS * STRIDE, 3, 1), *c = drawn(ROWS * STRIDE, 0, 0);
    (void)state;
    for (size_t k = 0; k < count; k++)
        for (size_t columns = 1; columns <= COLUMNS; columns++) {
            size_t rows = 1 + columns % ROWS;
            memcpy(c, before, ROWS * STRIDE * sizeof *c);
            usable[k]->product(rows, INNER, columns, a, STRIDE, w, STRIDE, c, STRIDE);
            for (size_t i = 0; i < ROWS * STRIDE; i++) {
                double sum = (double)before[i];
                for (size_t j = 0; j < INNER && i / STRIDE < rows && i % STRIDE < columns; j++)
                    sum += (double)a[i / STRIDE * STRIDE + j] * (double)w[j * STRIDE + i % STRIDE];
                if (!(fabs((double)c[i] - sum) <= NEAR))
                    fail_msg("%s, %zu columns: %g, not %g", usable[k]->name, columns, (double)c[i],
                             sum);
            }
        }
    free(a);
    free(w);
    free(before);
    free(c);
}

/* The bits of a row do not depend on the rows above and below. */
static void test_cell_kernels_rows_are_alone(void **state)
{
    enum { ROWS = 23, INNER = 19, COLUMNS = 117 };
    const struct cell_kernels *usable[3];
    size_t count = cell_kernels_usable(usable);
    float *a = drawn(ROWS * INNER, 1, 1), *w = drawn(INNER * COLUMNS, 2, 1);
    (void)state;
    for (size_t k = 0; k < count; k++) {
        float *all = drawn(ROWS * COLUMNS, 0, 0), *one = drawn(COLUMNS, 0, 0);
        usable[k]->product(ROWS, INNER, COLUMNS, a, INNER, w, COLUMNS, all, COLUMNS);
        for (size_t r = 0; r < ROWS; r++) {
            memset(one, 0, COLUMNS * sizeof *one);
            usable[k]->product(1, INNER, COLUMNS, a + r * INNER, INNER, w, COLUMNS, one, COLUMNS);
            assert_memory_equal(one, all + r * COLUMNS, COLUMNS * sizeof *one);
        }
        free(all);
        free(one);
    }
    free(a);
    free(w);
}

enum { B = 5, T = 4, I = 3, H = 21, G = CELL_GATES_MAX };
#define STATES  (T * B * H + B * H)
#define WEIGHTS (G * H * (I + H + 2))
#define RESULTS (STATES + STATES + WEIGHTS + T * B * I)

/* States, their gradients, those of the weights, those of x. @return new, caller frees */
static float *run(const struct cell_kernels *kernels, enum cell_kind kind, enum gate_function gate)
{
    static const uint8_t valid[T * B] = {1, 1, 0, 1, 1, 1, 1, 0, 1, 1,
                                         1, 0, 0, 1, 1, 1, 0, 1, 1, 1};
    struct cell_shape shape = {kind, gate, I, H, kernels};
    float *weights = drawn(WEIGHTS, 5, .5f), *x = drawn(T * B * I, 6, 1),
          *out = drawn(RESULTS, 0, 0);
    float *c = drawn(STATES, 7, .5f), *d_c = drawn(B * H, 8, 1),
          *saved = drawn(T * B * 4 * H, 0, 0);
    float *work = drawn(cell_work_count(&shape, B, T), 0, 0), *masks = drawn(G * B * H, 9, 1);
    float *d = out + STATES, *d_weights = d + STATES, *given = drawn(STATES, 10, 1);
    const struct cell_params params = {weights, weights + G * H * I, weights + G * H * (I + H),
                                       weights + G * H * (I + H + 1)};
    const struct cell_gradients gradients = {d_weights, d_weights + G * H * I,
                                             d_weights + G * H * (I + H),
                                             d_weights + G * H * (I + H + 1)};
    struct cell_sequences s = {.batch = B,
                               .steps = T,
                               .x = x,
                               .valid = valid,
                               .masks = {.recurrent = masks},
                               .h = out,
                               .c = kind == CELL_LSTM ? c : NULL,
                               .saved = saved,
                               .work = work};
    memcpy(d, given, STATES * sizeof *d);
    cell_forward(&shape, &params, &s);
    cell_backward(&shape, &params, &s, 0, d, d_c, d_weights + WEIGHTS, &gradients);
    float *blocks[] = {weights, x, c, d_c, saved, work, masks, given};
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++)
        free(blocks[i]);
    return out;
}

static void test_cell_kernels_of_all_widths_agree(void **state)
{
    const struct cell_kernels *usable[3];
    size_t count = cell_kernels_usable(usable);
    (void)state;
    assert_string_equal(usable[count - 1]->name, "portable");
    for (int kind = 0; kind < CELL_KINDS; kind++)
        for (int gate = 0; gate < GATE_FUNCTIONS; gate++) {
            float *expected =
                run(usable[count - 1], (enum cell_kind)kind, (enum gate_function)gate);
            for (size_t k = 0; k + 1 < count; k++) {
                float *got = run(usable[k], (enum cell_kind)kind, (enum gate_function)gate);
                for (size_t i = 0; i < RESULTS; i++)
                    if (!(fabs((double)got[i] - (double)expected[i]) <=
                          NEAR * fmax(1, fabs((double)expected[i]))))
                        fail_msg("%s, cell %d, gate %d, number %zu: %g, not %g", usable[k]->name,
                                 kind, gate, i, (double)got[i], (double)expected[i]);
                free(got);
            }
            free(expected);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cell_kernels_products),
        cmocka_unit_test(test_cell_kernels_rows_are_alone),
        cmocka_unit_test(test_cell_kernels_of_all_widths_agree),
    };
    tensor_use_one_thread();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
