/* The rows of the re-implemented system: files, order, the filter, clusters. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "seed/seed_rows.h"
#include "seed_fixture.h"
#include "temp_file.h"

static void test_seed_rows_read_what_the_files_say(void **state)
{
    (void)state;
    struct temp_file file;
    struct seed_rows rows = {0};
    struct err err = {0};
    temp_file_text(&file, "1676362200\t4\t1\t-1\t31\t5\t1155427200\t0\t0.0\t720\r\n"
                          "1676370960\t4\t2\t-1\t31\t5\t1155427200\t720\t720.25\t780\r\n");
    assert_int_equal(seed_rows_read(&rows, file.path, &err), 0);
    assert_int_equal(rows.count, 2);
    static const double expected[SEED_INPUTS] = {1676370960, 4,          2,   -1,    31,
                                                 5,          1155427200, 720, 720.25};
    for (int k = 0; k < SEED_INPUTS; k++)
        assert_true(rows.row[1].input[k] == expected[k]);
    assert_true(rows.row[1].length_s == 780);
    assert_int_equal(rows.row[1].place, 1);
    assert_int_equal(seed_rows_users(&rows), 1);
    seed_rows_release(&rows);
    temp_file_remove(&file);
}

static void test_seed_rows_refuse_other_files(void **state)
{
    (void)state;
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"1\t2\t3\t4\t5\t6\t7\t8\t9\n", ":1: 9 columns"},
        {"1\t2\t3\t4\t5\t6\t7\t8\t9\t10\t11\n", ":1: 11 columns"},
        {"1\t2\t3\t4\t5\t6\t7\t8\t9\t10\n1\t2\t3\tm\t5\t6\t7\t8\t9\t10\n",
         ":2: column 4: \"m\" is not a number"},
        {"1\t2\t3\t4\t5\t6\t7\t8\tnan\t10\n", "column 9"},
        {"1\t-2\t3\t4\t5\t6\t7\t8\t9\t10\n", "not the number of a user"},
        {"1\t2\t3\t4\t5\t6\t7\t8\t\t10\n", "column 9"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct temp_file file;
        struct seed_rows rows = {0};
        struct err err = {0};
        temp_file_text(&file, cases[i].text);
        assert_int_equal(seed_rows_read(&rows, file.path, &err), -1);
        assert_int_equal(err.code, ERR_INPUT);
        assert_non_null(strstr(err.text, cases[i].says));
        seed_rows_release(&rows);
        temp_file_remove(&file);
    }
}

static void test_seed_rows_sort_by_start_and_keep_ties(void **state)
{
    (void)state;
    static const double starts[] = {50, 20, 50, 10, 20, 50, 30};
    static const double lengths[] = {10, 2, 5, 7, 1, 3, 6, 4};
    static const size_t order[] = {3, 1, 4, 6, 0, 2, 5};
    struct seed_rows rows = {0};
    for (size_t i = 0; i < 7; i++)
        seed_fixture_add(&rows, starts[i], 1, 0, 0, lengths[i]);
    assert_int_equal(seed_rows_sort(&rows, NULL), 0);
    for (size_t i = 0; i < 7; i++)
        assert_int_equal(rows.row[i].place, order[i]);
    seed_rows_release(&rows);
}

/* numpy.percentile([15, 20, 35, 40, 50], ...) */
static void test_seed_percentile_is_numpys(void **state)
{
    (void)state;
    static const struct {
        double percent, value;
    } cases[] = {{0, 15}, {25, 20}, {40, 29}, {50, 35}, {99.5, 49.8}, {100, 50}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        double values[] = {50, 20, 15, 40, 35};
        assert_true(fabs(seed_percentile(values, 5, cases[i].percent) - cases[i].value) < 1e-9);
    }
    double one[] = {7};
    assert_true(seed_percentile(one, 1, 99) == 7);
}

/* The 75th percentile of 10 20 30 40 100 is 40: strictly below it are 10 20 30, but the row of 20
 * has a session before of 40. */
static void test_seed_rows_filter_by_their_own_label(void **state)
{
    (void)state;
    struct seed_rows rows = {0}, none = {0};
    static const double lengths[] = {10, 100, 20, 40, 30}, previous[] = {0, 10, 40, 20, 39};
    for (size_t i = 0; i < 5; i++)
        seed_fixture_add(&rows, (double)i, 1, previous[i], 0, lengths[i]);
    assert_int_equal(seed_rows_filter(&rows, 75, NULL), 0);
    assert_int_equal(rows.count, 2);
    assert_true(rows.row[0].length_s == 10 && rows.row[1].length_s == 30);
    assert_int_equal(seed_rows_filter(&none, 75, NULL), 0);
    seed_rows_release(&rows);
}

static void test_seed_members_say_whose_rows_are_whose(void **state)
{
    (void)state;
    struct seed_members members = {0};
    struct seed_rows rows = {0}, of = {0};
    static const struct seed_member given[] = {{9, 1}, {4, 0}, {7, 1}};
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(seed_members_add(&members, given[i], NULL), 0);
    assert_int_equal(seed_members_sort(&members, NULL), 0);
    assert_int_equal(members.clusters, 2);
    static const struct {
        uint32_t user;
        int64_t cluster;
    } cases[] = {{4, 0}, {7, 1}, {9, 1}, {5, -1}};
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(seed_members_find(&members, cases[i].user), cases[i].cluster);
        assert_int_equal(seed_members_find(NULL, cases[i].user), 0);
        seed_fixture_add(&rows, 0, cases[i].user, 0, 0, cases[i].user);
    }
    assert_int_equal(seed_rows_of_cluster(&rows, &members, 1, &of, NULL), 0);
    assert_int_equal(of.count, 2);
    assert_true(of.row[0].length_s == 7 && of.row[1].length_s == 9);
    struct err err = {0};
    assert_int_equal(seed_members_add(&members, given[0], NULL), 0);
    assert_int_equal(seed_members_sort(&members, &err), -1);
    assert_non_null(strstr(err.text, "user 9 is in two clusters"));
    seed_rows_release(&of);
    seed_rows_release(&rows);
    seed_members_release(&members);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_seed_rows_read_what_the_files_say),
        cmocka_unit_test(test_seed_rows_refuse_other_files),
        cmocka_unit_test(test_seed_rows_sort_by_start_and_keep_ties),
        cmocka_unit_test(test_seed_percentile_is_numpys),
        cmocka_unit_test(test_seed_rows_filter_by_their_own_label),
        cmocka_unit_test(test_seed_members_say_whose_rows_are_whose),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
