/* Averaged weights by hand. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "nn/average.h"

/* The parameter is 1, 2, 3, 4 after the steps; the average begins at 10. */
static void test_average_follows(void **state)
{
    (void)state;
    static const struct {
        struct average_settings settings;
        double average[4], params[4];
    } cases[] = {
        {{.decay = .5}, {1, 1.5, 2.25, 3.125}, {1, 2, 3, 4}},
        {{.decay = 0}, {1, 2, 3, 4}, {1, 2, 3, 4}},
        {{.decay = .5, .overwrite_every = 2}, {1, 1.5, 2.25, 3.125}, {1, 1.5, 3, 3.125}},
        /* 2/11, then no more than a fifth */
        {{.decay = .2, .ramp = true},
         {1 + 18. / 11, 2 + .2 * (7. / 11), 2.825454545, 3.765090909},
         {1, 2, 3, 4}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        real average = 10;
        for (uint64_t step = 1; step <= 4; step++) {
            real params = (real)step;
            average_step(&cases[i].settings, step, 1, &average, &params);
            if (fabs((double)average - cases[i].average[step - 1]) > 1e-6 ||
                fabs((double)params - cases[i].params[step - 1]) > 1e-6)
                fail_msg("case %zu, step %u: average %.9g, parameter %.9g", i, (unsigned)step,
                         (double)average, (double)params);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_average_follows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
