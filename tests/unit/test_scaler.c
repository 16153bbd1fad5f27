/* Standardisation: fitted as the two-pass formulas have it, clipped, and deaf to NaN. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/random.h"
#include "nn/scaler.h"

static void test_scaler_matches_the_two_pass_formulas(void **state)
{
    (void)state;
    enum { N = 1000, WIDTH = 3 };
    struct moments moments = {0};
    struct random random;
    static float x[N][WIDTH];
    float mean[WIDTH], inverse_sd[WIDTH], out[2 * WIDTH];
    random_init(&random, 4, 0);
    for (size_t i = 0; i < N; i++) {
        x[i][0] = 1e6f + (float)random_uniform(&random); /* cancels badly when done in one sum */
        x[i][1] = (float)(100 * random_uniform(&random));
        x[i][2] = -3;
        moments_add(&moments, WIDTH, x[i]);
    }
    moments_scale(&moments, WIDTH, mean, inverse_sd);
    for (size_t c = 0; c < WIDTH - 1; c++) {
        double sum = 0, squares = 0;
        for (size_t i = 0; i < N; i++)
            sum += (double)x[i][c];
        for (size_t i = 0; i < N; i++)
            squares += ((double)x[i][c] - sum / N) * ((double)x[i][c] - sum / N);
        assert_true(fabs((double)mean[c] / (sum / N) - 1) < 1e-6);
        assert_true(fabs((double)inverse_sd[c] * sqrt(squares / N) - 1) < 1e-5);
    }
    assert_true(mean[2] == -3 && inverse_sd[2] == 1);
    const float edge[WIDTH] = {(float)NAN, 1e9f, -1e9f};
    scaler_apply(1, WIDTH, edge, mean, inverse_sd, out, WIDTH);
    assert_true(out[0] == -SCALED_CLIP && out[1] == SCALED_CLIP && out[2] == -SCALED_CLIP);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scaler_matches_the_two_pass_formulas),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
