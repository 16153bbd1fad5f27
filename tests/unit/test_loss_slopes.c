/* Every loss against central differences, in double (linked with outro-nn-double). */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <string.h>

#include <cmocka.h>

#include "nn/loss.h"
#include "core/random.h"

#define ROWS      64
#define OUTPUTS   3
#define COUNT     (ROWS * OUTPUTS)
#define STEP      1e-5 /* of the differences: their error is about its square */
#define TOLERANCE 1e-6 /* relative to the largest gradient */

_Static_assert(sizeof(real) == sizeof(double), "differences of float32 tell nothing at 1e-6");

/* Away from the kinks, by more than a step: errors of .01 to 2.01, every third row negative. */
static void draw(struct random *random, real *prediction, real *target)
{
    for (size_t row = 0; row < ROWS; row++) {
        target[row] = (row % 3 ? 1 : -1) * (3.5 + 3 * random_uniform(random));
        for (size_t o = 0; o < OUTPUTS; o++) {
            double off = .01 + 2 * random_uniform(random);
            if (fabs(off - 1) < 1e-3) /* the corner of huber:1 */
                off += .01;
            prediction[row * OUTPUTS + o] = target[row] + (random_bits(random) % 2 ? off : -off);
        }
    }
}

static void check(const char *text)
{
    struct loss loss;
    struct random random;
    real prediction[COUNT], target[ROWS], gradient[COUNT];
    struct loss_rows rows = {ROWS, OUTPUTS, prediction, target, 1. / COUNT};
    double worst = 0, largest = 0;
    assert_int_equal(loss_by_name(text, &loss, NULL), 0);
    random_init(&random, 5, 0);
    draw(&random, prediction, target);
    loss_compute(&loss, &rows, gradient);
    for (size_t i = 0; i < COUNT; i++) {
        real kept = prediction[i];
        prediction[i] = kept + STEP;
        double above = loss_compute(&loss, &rows, NULL);
        prediction[i] = kept - STEP;
        double below = loss_compute(&loss, &rows, NULL);
        prediction[i] = kept;
        worst = fmax(worst, fabs((above - below) / (2 * STEP) - gradient[i]));
        largest = fmax(largest, fabs(gradient[i]));
    }
    print_message("%-20s %.1e\n", text, worst / largest);
    if (!(largest > 0 && worst <= TOLERANCE * largest))
        fail_msg("%s: off by %.3g where the largest is %.3g", text, worst, largest);
}

static void test_loss_slopes(void **state)
{
    (void)state;
    const char *name;
    for (size_t i = 0; (name = loss_name(i)); i++)
        if (strcmp(name, "pinball") == 0)
            check("pinball:.1,.5,.9");
        else if (strcmp(name, "rmse") != 0) /* a metric */
            check(name);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_loss_slopes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
