#include "daemon/bundle_watcher.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "bundle/feature_names.h"
#include "bundle_fixture.h"

static const struct stream_params params = {
    .gap_ms = 1800000, .allowed_lateness_ms = 86400000, .window = 256};

static enum bundle_news look(struct bundle_watcher *watcher, struct bundle_fixture *fixture,
                             struct bundle **bundle)
{
    *bundle = NULL;
    return bundle_watcher_poll(watcher, fixture_path(fixture, "b"), &params, bundle);
}

static void test_bundle_watcher_hands_out_a_bundle_once(void **state)
{
    struct bundle_fixture fixture;
    struct bundle_watcher watcher = {0};
    struct bundle *bundle;
    (void)state;
    fixture_init(&fixture, 4, 1);
    fixture_save(&fixture, "b");
    assert_int_equal(look(&watcher, &fixture, &bundle), BUNDLE_NEW);
    assert_non_null(bundle);
    bundle_release(bundle);
    assert_int_equal(look(&watcher, &fixture, &bundle), BUNDLE_SAME);
    assert_null(bundle);
    fixture_release(&fixture);
}

static void test_bundle_watcher_complains_once_and_takes_the_repaired_one(void **state)
{
    struct bundle_fixture fixture;
    struct bundle_watcher watcher = {0};
    struct bundle *bundle;
    size_t size;
    (void)state;
    fixture_init(&fixture, 4, 1);
    assert_int_equal(look(&watcher, &fixture, &bundle), BUNDLE_BAD); /* nothing there yet */
    assert_int_equal(look(&watcher, &fixture, &bundle), BUNDLE_STILL_BAD);
    fixture_save(&fixture, "b");
    char *bytes = read_bytes(fixture_path(&fixture, WEIGHTS), &size);
    write_bytes(fixture_path(&fixture, WEIGHTS), bytes, size / 2);   /* half copied */
    assert_int_equal(look(&watcher, &fixture, &bundle), BUNDLE_BAD); /* another reason */
    assert_non_null(strstr(watcher.complaint.text, "safetensors"));
    assert_int_equal(look(&watcher, &fixture, &bundle), BUNDLE_STILL_BAD);
    write_bytes(fixture_path(&fixture, WEIGHTS), bytes,
                size); /* the manifest is the same as before */
    assert_int_equal(look(&watcher, &fixture, &bundle), BUNDLE_NEW);
    assert_string_equal(watcher.complaint.text, "");
    bundle_release(bundle);
    free(bytes);
    fixture_release(&fixture);
}

static void test_bundle_watcher_refuses_another_session_rule(void **state)
{
    struct bundle_fixture fixture;
    struct bundle_watcher watcher = {0};
    struct bundle *bundle;
    (void)state;
    fixture_init(&fixture, 4, 1);
    fixture.bundle.gap_ms = 900000;
    fixture_save(&fixture, "b");
    assert_int_equal(look(&watcher, &fixture, &bundle), BUNDLE_BAD);
    assert_non_null(
        strstr(watcher.complaint.text, "900000 ms, but session.gap.s makes it 1800000"));
    fixture_release(&fixture);
}

static void test_bundle_watcher_wants_dates_for_holidays(void **state)
{
    struct bundle_fixture fixture;
    struct bundle_watcher watcher = {0};
    struct bundle *bundle;
    (void)state;
    fixture_init(&fixture, 4, 1);
    fixture_panel(&fixture, 1 << PANEL_HOLIDAY);
    fixture_save(&fixture, "b");
    assert_int_equal(look(&watcher, &fixture, &bundle), BUNDLE_BAD);
    assert_non_null(strstr(watcher.complaint.text, "the feature holiday, but holidays.file"));
    assert_false(watcher.needs_holidays);
    watcher.has_holidays = true;
    assert_int_equal(look(&watcher, &fixture, &bundle), BUNDLE_NEW);
    assert_true(watcher.needs_holidays);
    bundle_release(bundle);
    fixture_release(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bundle_watcher_wants_dates_for_holidays),
        cmocka_unit_test(test_bundle_watcher_hands_out_a_bundle_once),
        cmocka_unit_test(test_bundle_watcher_complains_once_and_takes_the_repaired_one),
        cmocka_unit_test(test_bundle_watcher_refuses_another_session_rule),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
