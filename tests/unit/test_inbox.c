#include "daemon/inbox.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <poll.h>

#include "bundle_fixture.h"

static bool rings(int fd)
{
    struct pollfd bell = {.fd = fd, .events = POLLIN};
    return poll(&bell, 1, 0) == 1;
}

static void test_inbox_the_last_offer_wins_and_is_taken_once(void **state)
{
    struct bundle_fixture fixture;
    struct inbox inbox;
    struct err err;
    (void)state;
    fixture_init(&fixture, 4, 1);
    fixture_save(&fixture, "b");
    assert_int_equal(inbox_init(&inbox, &err), 0);
    assert_false(rings(inbox.bell));
    assert_null(inbox_take_bundle(&inbox));

    struct bundle *first = bundle_load(fixture_path(&fixture, "b"), &err);
    struct bundle *second = bundle_load(fixture_path(&fixture, "b"), &err);
    assert_non_null(first);
    assert_non_null(second);
    inbox_offer_bundle(&inbox, first);
    inbox_offer_bundle(&inbox, second); /* first is released: nobody took it */
    assert_true(rings(inbox.bell));
    inbox_answer(inbox.bell);
    assert_false(rings(inbox.bell));
    struct bundle *taken = inbox_take_bundle(&inbox);
    assert_ptr_equal(taken, second);
    assert_null(inbox_take_bundle(&inbox));
    inbox_offer_bundle(&inbox, taken); /* left over at the end: released with the inbox */
    inbox_release(&inbox);
    fixture_release(&fixture);
}

static struct tables *tables_of(struct durations *durations)
{
    struct tables *tables = calloc(1, sizeof *tables);
    assert_non_null(tables);
    tables->durations = durations;
    return tables;
}

static void test_inbox_no_tables_is_an_offer_too(void **state)
{
    struct inbox inbox;
    struct err err;
    (void)state;
    assert_int_equal(inbox_init(&inbox, &err), 0);
    assert_null(inbox_take_tables(&inbox));
    inbox_offer_tables(&inbox, tables_of(durations_new(&err))); /* nobody takes it */
    inbox_offer_tables(&inbox, tables_of(NULL));
    assert_true(rings(inbox.bell));
    struct tables *tables = inbox_take_tables(&inbox);
    assert_non_null(tables);
    assert_null(tables->durations);
    assert_null(tables->holidays);
    tables_free(tables);
    inbox_offer_tables(&inbox, tables_of(NULL)); /* left over at the end */
    inbox_release(&inbox);
}

static void test_inbox_stop_rings_with_its_deadline(void **state)
{
    struct inbox inbox;
    struct err err;
    (void)state;
    assert_int_equal(inbox_init(&inbox, &err), 0);
    inbox_stop(&inbox, 12345);
    assert_true(rings(inbox.bell));
    assert_false(rings(inbox.done));
    assert_true(atomic_load(&inbox.stop));
    assert_int_equal(atomic_load(&inbox.stop_deadline_ms), 12345);
    inbox_ring(inbox.done);
    assert_true(rings(inbox.done));
    inbox_release(&inbox);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_inbox_the_last_offer_wins_and_is_taken_once),
        cmocka_unit_test(test_inbox_no_tables_is_an_offer_too),
        cmocka_unit_test(test_inbox_stop_rings_with_its_deadline),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
