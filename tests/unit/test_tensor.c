/* Products against the sum written out, on matrices cut out of larger ones. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/random.h"
#include "nn/tensor.h"

#define SIDE 40 /* of every buffer */
#define ODD  (real)77

struct buffers {
    real a[SIDE * SIDE], b[SIDE * SIDE], c[SIDE * SIDE], before[SIDE * SIDE];
};

static void fill(struct random *random, real *out)
{
    for (size_t i = 0; i < SIDE * SIDE; i++)
        out[i] = (real)(2 * random_uniform(random) - 1);
}

/* Element (i,j) of c must be keep times itself before plus the sum; all around it untouched. */
static void assert_product(const struct buffers *x, size_t n, size_t k, size_t m, bool a_turned,
                           bool b_turned, double keep)
{
    for (size_t i = 0; i < SIDE; i++)
        for (size_t j = 0; j < SIDE; j++) {
            double sum = (double)x->before[i * SIDE + j];
            if (i < n && j < m) {
                sum *= keep;
                for (size_t l = 0; l < k; l++)
                    sum += (double)x->a[a_turned ? l * SIDE + i : i * SIDE + l] *
                           (double)x->b[b_turned ? j * SIDE + l : l * SIDE + j];
            }
            assert_true(fabs((double)x->c[i * SIDE + j] - sum) <= 1e-5);
        }
}

static void test_tensor_products(void **state)
{
    (void)state;
    static const size_t sizes[][3] = {{1, 1, 1}, {3, 5, 2}, {17, 33, 9}, {1, 32, 40}, {40, 40, 40}};
    static struct buffers x;
    struct random random;
    random_init(&random, 1, 0);
    for (size_t s = 0; s < 2 * sizeof sizes / sizeof *sizes; s++) {
        size_t n = sizes[s / 2][0], k = sizes[s / 2][1], m = sizes[s / 2][2];
        real keep = s % 2;
        fill(&random, x.a);
        fill(&random, x.b);
        fill(&random, x.before);
        memcpy(x.c, x.before, sizeof x.c);
        struct matrix c = {x.c, n, m, SIDE};
        tensor_multiply((struct const_matrix){x.a, n, k, SIDE},
                        (struct const_matrix){x.b, k, m, SIDE}, keep, c);
        assert_product(&x, n, k, m, false, false, (double)keep);
        memcpy(x.c, x.before, sizeof x.c);
        tensor_multiply_transposed((struct const_matrix){x.a, n, k, SIDE},
                                   (struct const_matrix){x.b, m, k, SIDE}, keep, c);
        assert_product(&x, n, k, m, false, true, (double)keep);
        memcpy(x.c, x.before, sizeof x.c);
        tensor_transposed_multiply((struct const_matrix){x.a, k, n, SIDE},
                                   (struct const_matrix){x.b, k, m, SIDE}, keep, c);
        assert_product(&x, n, k, m, true, false, (double)keep);
    }
}

static void test_tensor_rows_and_sums(void **state)
{
    (void)state;
    real data[12] = {ODD, ODD, ODD, ODD, ODD, ODD, ODD, ODD, ODD, ODD, ODD, ODD};
    static const real row[] = {1, 2};
    real sum[] = {10, 20};
    struct matrix middle = matrix_columns(matrix_of(data, 3, 4), 1, 2);
    tensor_fill_rows(middle, row);
    for (size_t i = 0; i < 12; i++)
        assert_true(data[i] == (i % 4 == 1 ? 1 : i % 4 == 2 ? 2 : ODD));
    tensor_add_column_sums(matrix_read(middle), sum);
    assert_true(sum[0] == 13 && sum[1] == 26);
}

static void test_tensor_of_no_rows_is_left_alone(void **state)
{
    (void)state;
    real c = 3;
    static const real nothing;
    tensor_multiply(const_matrix_of(&nothing, 0, 5), const_matrix_of(&nothing, 5, 1), 0,
                    matrix_of(&c, 0, 1));
    tensor_transposed_multiply(const_matrix_of(&nothing, 0, 1), const_matrix_of(&nothing, 0, 1), 1,
                               matrix_of(&c, 1, 1));
    assert_true(c == 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tensor_products),
        cmocka_unit_test(test_tensor_rows_and_sums),
        cmocka_unit_test(test_tensor_of_no_rows_is_left_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
