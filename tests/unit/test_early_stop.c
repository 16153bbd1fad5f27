/* Early stopping: which epoch is the best, and when to give up. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "nn/early_stop.h"

#define NEVER ((double)INFINITY)
#define NONE  ((double)NAN) /* no row to validate on */

static void test_early_stop_keeps_the_best(void **state)
{
    (void)state;
    static const struct {
        struct early_stop start;
        double values[6];
        uint32_t best_epoch, stops_at; /* 0: does not */
    } cases[] = {
        {{.patience = 2, .best = NEVER}, {5, 4, 3, 3.5, 3.2, 1}, 3, 5},
        {{.patience = 0, .best = NEVER}, {5, 4, 3, 3.5, 3.2, 3.1}, 3, 0},
        {{.patience = 2, .min_delta = .5, .best = NEVER}, {5, 4.8, 4.2, 4, 3.9, 0}, 3, 5},
        {{.patience = 3, .best = 1}, {5, 4, 3, 2, 1, 0}, 0, 3},     /* the start was best */
        {{.patience = 2, .best = NEVER}, {5, 5, 5, 5, 5, 5}, 1, 3}, /* a tie is not better */
        {{.patience = 1, .best = NEVER}, {NONE, NONE, NONE, NONE, NONE, NONE}, 6, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct early_stop stop = cases[i].start;
        uint32_t stopped = 0;
        for (uint32_t epoch = 1; epoch <= 6 && !stopped; epoch++) {
            bool better = early_stop_better(&stop, epoch, cases[i].values[epoch - 1]);
            assert_int_equal(better, stop.best_epoch == epoch);
            if (early_stop_due(&stop))
                stopped = epoch;
        }
        if (stop.best_epoch != cases[i].best_epoch || stopped != cases[i].stops_at)
            fail_msg("case %zu: best %u, stopped at %u", i, stop.best_epoch, stopped);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_early_stop_keeps_the_best),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
