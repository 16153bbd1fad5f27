/* The re-implemented system's rows, scaler, misjoined labels, baselines and filter on its own files
 * in ../shared/golden/seed, against the same steps in pandas 1.5.3: concat, sort_values,
 * population deviations, join; numpy.percentile. Sums weigh a row by its position, so that order
 * counts. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "seed/seed_judge.h"
#include "seed/seed_standardise.h"

static const uint32_t everybody[] = {4, 9, 20, 26, 28, 29}, some[] = {20, 26, 28};

static void read_users(const char *set, const uint32_t *user, size_t users, struct seed_rows *rows)
{
    char path[512];
    struct err err = {0};
    if (access(OUTRO_GOLDEN "/seed/summary/train", R_OK) != 0) {
        print_message("SKIPPED: no reference values at %s\n", OUTRO_GOLDEN "/seed");
        skip();
    }
    for (size_t i = 0; i < users; i++) {
        snprintf(path, sizeof path, OUTRO_GOLDEN "/seed/summary/%s/user_%06u.csv", set, user[i]);
        if (access(path, R_OK) == 0 && seed_rows_read(rows, path, &err))
            fail_msg("%s", err.text);
    }
}

static void assert_close(double value, double expected)
{
    if (!(fabs(value - expected) <= 1e-8 * fabs(expected)))
        fail_msg("%.10g, expected %.10g", value, expected);
}

static double weighted(const struct seed_rows *rows, int column)
{
    double sum = 0, weight = 0;
    for (size_t i = 0; i < rows->count; i++) {
        const struct seed_row *row = &rows->row[i];
        sum += (double)(i + 1) * (column == SEED_INPUTS ? row->length_s : row->input[column]);
        weight += (double)(i + 1);
    }
    return sum / weight;
}

static void test_golden_seed_rows_misjoined(void **state)
{
    (void)state;
    static const struct {
        const uint32_t *user;
        size_t users, rows;
        double mean[SEED_SCALED], sd[SEED_SCALED];
        double start, number, previous, average, length;
    } cases[] = {
        {everybody,
         6,
         3850,
         {3224.60078, 3338.66619, 3230.16805},
         {4545.37053, 1612.13736, 4544.56558},
         1.51052603e+09,
         14.7828836,
         0.129697724,
         0.330469281,
         0.130134482},
        {some,
         3,
         1567,
         {3602.56924, 3844.80426, 3611.30568},
         {4689.83642, 2127.21485, 4688.49722},
         1.58086803e+09,
         25.8740883,
         -0.175520869,
         -0.610687277,
         -0.175471021},
    };
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        struct seed_rows rows = {0};
        struct seed_scaler scaler;
        read_users("train", cases[c].user, cases[c].users, &rows);
        assert_int_equal(rows.count, cases[c].rows);
        assert_int_equal(seed_rows_sort(&rows, NULL), 0);
        seed_scaler_fit(&scaler, &rows);
        for (int k = 0; k < SEED_SCALED; k++) {
            assert_close(scaler.mean[k], cases[c].mean[k]);
            assert_close(scaler.sd[k], cases[c].sd[k]);
        }
        seed_scaler_apply(&scaler, &rows);
        assert_int_equal(seed_rows_misjoin(&rows, NULL), 0);
        assert_int_equal(rows.count, cases[c].rows);
        assert_close(weighted(&rows, SEED_START), cases[c].start);
        assert_close(weighted(&rows, SEED_USER), cases[c].number);
        assert_close(weighted(&rows, SEED_PREVIOUS), cases[c].previous);
        assert_close(weighted(&rows, SEED_AVERAGE), cases[c].average);
        assert_close(weighted(&rows, SEED_INPUTS), cases[c].length);
        seed_rows_release(&rows);
    }
}

static void test_golden_seed_rows_baselines_and_filter(void **state)
{
    (void)state;
    struct seed_data data = {0};
    double raw, standardised;
    read_users("train", everybody, 6, &data.train);
    read_users("test", everybody, 6, &data.test);
    assert_int_equal(seed_baseline(&data, false, false, 0, &raw, NULL), 0);
    assert_close(raw, 2162.56922);
    assert_int_equal(seed_baseline(&data, true, true, 0, &standardised, NULL), 0);
    assert_close(standardised, 0.358000877);
    assert_int_equal(seed_rows_filter(&data.train, 99.5, NULL), 0);
    assert_int_equal(data.train.count, 3810);
    seed_data_release(&data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden_seed_rows_misjoined),
        cmocka_unit_test(test_golden_seed_rows_baselines_and_filter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
