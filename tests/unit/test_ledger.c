#include "daemon/ledger.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

static void test_ledger_nothing_in_flight_settles_at_once(void **state)
{
    struct ledger ledger = {0};
    (void)state;
    assert_false(ledger_settled(&ledger));
    assert_true(ledger_close(&ledger));
    assert_true(ledger_settled(&ledger));
    ledger_reopen(&ledger);
    assert_false(ledger_settled(&ledger));
}

static void test_ledger_records_after_the_close_do_not_hold_it_up(void **state)
{
    struct ledger ledger = {0};
    (void)state;
    unsigned first = ledger_produced(&ledger), second = ledger_produced(&ledger);
    assert_true(ledger_close(&ledger));
    unsigned later = ledger_produced(&ledger);
    assert_int_not_equal(first, later);
    ledger_acknowledged(&ledger, second); /* in any order */
    assert_false(ledger_settled(&ledger));
    assert_false(ledger_close(&ledger)); /* one at a time */
    ledger_acknowledged(&ledger, first);
    assert_true(ledger_settled(&ledger));
    assert_int_equal(ledger_in_flight(&ledger), 1);
    ledger_reopen(&ledger);
    assert_true(ledger_close(&ledger));
    assert_false(ledger_settled(&ledger)); /* the later one is this epoch's */
    ledger_acknowledged(&ledger, later);
    assert_true(ledger_settled(&ledger));
}

static void test_ledger_state_is_counted_apart(void **state)
{
    struct ledger ledger = {0};
    (void)state;
    assert_true(ledger_state_settled(&ledger));
    unsigned output = ledger_produced(&ledger), record = ledger_state_produced(&ledger);
    assert_true(ledger_close(&ledger));
    ledger_acknowledged(&ledger, output);
    assert_true(ledger_settled(&ledger)); /* state holds up the offsets, not the epoch */
    assert_false(ledger_state_settled(&ledger));
    assert_int_equal(ledger_in_flight(&ledger), 1);
    ledger_acknowledged(&ledger, record);
    assert_true(ledger_state_settled(&ledger));
    assert_int_equal(ledger_in_flight(&ledger), 0);
}

/* Whatever the order of events, a settled epoch has no record in flight that was made before its
 * close. */
static void test_ledger_a_settled_epoch_has_nothing_older_in_flight(void **state)
{
    enum { RECORDS = 20000, OPEN_MAX = 64 };
    struct ledger ledger = {0};
    struct {
        unsigned epoch;
        int number;
    } open[OPEN_MAX];
    int count = 0, closed_at = 0;
    (void)state;
    srand(1);
    for (int number = 0; number < RECORDS; number++) {
        if (count < OPEN_MAX) {
            open[count].epoch = ledger_produced(&ledger);
            open[count++].number = number;
        }
        while (count > 0 && rand() % 2) {
            int i = rand() % count;
            ledger_acknowledged(&ledger, open[i].epoch);
            open[i] = open[--count];
        }
        if (rand() % 16 == 0 && ledger_close(&ledger)) {
            closed_at = number;
        }
        if (ledger_settled(&ledger)) {
            for (int i = 0; i < count; i++) {
                assert_true(open[i].number > closed_at);
            }
            ledger_reopen(&ledger);
        }
        assert_int_equal(ledger_in_flight(&ledger), count);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ledger_nothing_in_flight_settles_at_once),
        cmocka_unit_test(test_ledger_records_after_the_close_do_not_hold_it_up),
        cmocka_unit_test(test_ledger_state_is_counted_apart),
        cmocka_unit_test(test_ledger_a_settled_epoch_has_nothing_older_in_flight),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
