/* What the re-implemented system standardised, and the error it made. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "seed/seed_standardise.h"
#include "seed_fixture.h"

static void assert_near(double a, double b)
{
    assert_true(fabs(a - b) < 1e-12);
}

static void test_seed_scaler_has_population_deviations(void **state)
{
    (void)state;
    struct seed_rows rows = {0};
    struct seed_scaler scaler;
    seed_fixture_add(&rows, 1e9, 1, 2, 5, 10);
    seed_fixture_add(&rows, 2e9, 1, 6, 5, 40);
    seed_scaler_fit(&scaler, &rows);
    static const double mean[] = {4, 5, 25}, sd[] = {2, 1, 15}; /* a deviation of 0 counts as 1 */
    for (int k = 0; k < SEED_SCALED; k++) {
        assert_near(scaler.mean[k], mean[k]);
        assert_near(scaler.sd[k], sd[k]);
    }
    seed_scaler_apply(&scaler, &rows);
    assert_near(rows.row[1].input[SEED_PREVIOUS], 1);
    assert_near(rows.row[1].input[SEED_AVERAGE], 0);
    assert_near(rows.row[1].length_s, 1);
    assert_near(rows.row[1].input[SEED_START], 2e9); /* starts and ids stay */
    rows.count = 0;
    seed_scaler_fit(&scaler, &rows);
    assert_near(scaler.mean[0], 0);
    assert_near(scaler.sd[0], 1);
    seed_rows_release(&rows);
}

/* What pandas 1.5.3 makes of frame.sort_values('start').join(DataFrame(scaled)): user 1 plays at
 * 10, 20, 30, user 2 at 25, 26, 27, 35, the scaled column is 100 starts. */
static void test_seed_rows_misjoin_as_a_stale_index_does(void **state)
{
    (void)state;
    static const struct {
        double start, length;
    } expected[] = {{10, 1000}, {25, 1000}, {20, 2000}, {26, 2000},
                    {27, 2500}, {30, 2500}, {35, 2600}};
    struct seed_rows rows = {0};
    for (int i = 1; i <= 3; i++)
        seed_fixture_add(&rows, 10.0 * i, 1, 1000.0 * i, 1000.0 * i + 1, 1000.0 * i);
    static const double second[] = {25, 26, 27, 35};
    for (int i = 0; i < 4; i++)
        seed_fixture_add(&rows, second[i], 2, 100 * second[i], 100 * second[i] + 1,
                         100 * second[i]);
    assert_int_equal(seed_rows_sort(&rows, NULL), 0);
    assert_int_equal(seed_rows_misjoin(&rows, NULL), 0);
    assert_int_equal(rows.count, 7);
    for (size_t i = 0; i < 7; i++) {
        assert_near(rows.row[i].input[SEED_START], expected[i].start);
        assert_near(rows.row[i].length_s, expected[i].length);
        assert_near(rows.row[i].input[SEED_PREVIOUS], expected[i].length);
        assert_near(rows.row[i].input[SEED_AVERAGE], expected[i].length + 1);
    }
    seed_rows_release(&rows);
}

static void test_seed_rows_misjoin_leaves_out_what_has_no_partner(void **state)
{
    (void)state;
    struct seed_rows rows = {0};
    for (int i = 0; i < 4; i++)
        seed_fixture_add(&rows, i, 1, 0, 0, i);
    rows.row[1] = rows.row[3]; /* place 3 of a set of 2 */
    rows.count = 2;
    assert_int_equal(seed_rows_misjoin(&rows, NULL), 0);
    assert_int_equal(rows.count, 1);
    assert_int_equal(rows.row[0].place, 0);
    seed_rows_release(&rows);
    assert_int_equal(seed_rows_misjoin(&rows, NULL), 0);
    seed_rows_release(&rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_seed_scaler_has_population_deviations),
        cmocka_unit_test(test_seed_rows_misjoin_as_a_stale_index_does),
        cmocka_unit_test(test_seed_rows_misjoin_leaves_out_what_has_no_partner),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
