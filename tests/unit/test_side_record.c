/* Records of the topics beside the scrobbles: what each makes known, and why one is bad. */
#include "daemon/side_record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "data/durations.h"

static struct slice slice_of(const char *text)
{
    return (struct slice){text, text ? strlen(text) : 0};
}

#define VALUE(duration)                                                                            \
    "{\"artist\":\" Kalomi\",\"track\":\"Bare Rune\",\"duration_ms\":" duration "}"

static const struct {
    enum side_input input;
    const char *key, *value; /* NULL: null */
    uint32_t known;
    const char *bad; /* in the reason; NULL: it is good */
} cases[] = {
    {SIDE_DURATIONS, "kalomi\tbare rune", VALUE("215000"), 215000, NULL},
    {SIDE_DURATIONS, "kalomi\tbare rune", VALUE("215000.0"), 215000, NULL},
    {SIDE_DURATIONS, "kalomi\tbare rune", VALUE("86400000"), 86400000, NULL},
    {SIDE_DURATIONS, "kalomi\tbare rune", VALUE("86400001"), 0, NULL},
    {SIDE_DURATIONS, "kalomi\tbare rune", VALUE("0"), 0, NULL},
    {SIDE_DURATIONS, "kalomi\tbare rune", NULL, 0, NULL},
    {SIDE_DURATIONS, "Kalomi\tbare rune", NULL, 0, "lower-cased"},
    {SIDE_DURATIONS, "kalomi", NULL, 0, "no tab"},
    {SIDE_DURATIONS, NULL, VALUE("1"), 0, "no key"},
    {SIDE_DURATIONS, "Kalomi\tBare Rune", VALUE("1"), 0, "lower-cased"},
    {SIDE_DURATIONS, "kalomi\tanother", VALUE("1"), 0, "lower-cased"},
    {SIDE_DURATIONS, "kalomi\tbare rune", VALUE("-1"), 0, "duration_ms"},
    {SIDE_DURATIONS, "kalomi\tbare rune", VALUE("1.5"), 0, "duration_ms"},
    {SIDE_DURATIONS, "kalomi\tbare rune", VALUE("\"1\""), 0, "duration_ms"},
    {SIDE_DURATIONS, "kalomi\tbare rune", VALUE("1e300"), 0, "duration_ms"},
    {SIDE_DURATIONS, "kalomi\tbare rune", VALUE("1,\"track\":\"x\""), 0, "not JSON"},
    {SIDE_DURATIONS, "kalomi\tbare rune", "{\"artist\":\"Kalomi\",\"duration_ms\":1}", 0,
     "track is"},
    {SIDE_DURATIONS, "kalomi\tbare rune",
     "{\"artist\":\"a\\tb\",\"track\":\"c\",\"duration_ms\":1}", 0, "artist is"},
    {SIDE_DURATIONS, "kalomi\tbare rune", "hello", 0, "not JSON"},
    {SIDE_DURATIONS, "kalomi\tbare rune", "", 0, "not JSON"},
    {SIDE_DURATIONS, "kalomi\tbare rune", "[]", 0, "no JSON object"},
    {SIDE_DURATIONS, "kal\xffomi\tbare rune", NULL, 0, "UTF-8"},
    {SIDE_PROFILES, "ann", "{\"user_id\":\"ann\"}", 1, NULL},
    {SIDE_PROFILES, "ann",
     "{\"user_id\":\"ann\",\"gender\":\"f\",\"age\":22,\"country\":\"Peru\",\"registered\":\"2005-"
     "09-29\"}",
     1, NULL},
    {SIDE_PROFILES, "ann", "{\"user_id\":\"ann\",\"age\":null,\"registered\":null}", 1, NULL},
    {SIDE_PROFILES, "ann", NULL, 0, NULL},
    {SIDE_PROFILES, "ann", "{\"user_id\":\"bob\"}", 0, "different users"},
    {SIDE_PROFILES, "ann", "{}", 0, "different users"},
    {SIDE_PROFILES, "", NULL, 0, "user id"},
    {SIDE_PROFILES, "ann", "{\"user_id\":\"ann\",\"age\":\"22\"}", 0, "age"},
    {SIDE_PROFILES, "ann", "{\"user_id\":\"ann\",\"age\":1000}", 0, "age"},
    {SIDE_PROFILES, "ann", "{\"user_id\":\"ann\",\"registered\":\"2005-02-30\"}", 0, "registered"},
    {SIDE_PROFILES, "ann", "{\"user_id\":\"ann\",\"registered\":\"Sep 29, 2005\"}", 0,
     "registered"},
    {SIDE_PROFILES, "ann", "{\"user_id\":\"ann\",\"country\":1}", 0, "country"},
};

static void test_side_record_is_taken_or_says_why_not(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct side_change change = {.value = 77};
        struct err err = {0};
        int rc = side_record_read(cases[i].input, slice_of(cases[i].key), slice_of(cases[i].value),
                                  &change, &err);
        if (rc != (cases[i].bad ? -1 : 0) ||
            (cases[i].bad ? !strstr(err.text, cases[i].bad) : change.value != cases[i].known)) {
            fail_msg("case %zu: %d, %u, %s", i, rc, change.value, err.text);
        }
    }
}

static void test_side_record_names_the_track_that_scrobbles_name(void **state)
{
    struct side_change change;
    struct err err;
    (void)state;
    assert_int_equal(side_record_read(SIDE_DURATIONS, slice_of("kalomi\tbare rune"), slice_of(NULL),
                                      &change, &err),
                     0);
    struct table_key key = durations_key(slice_of("KALOMI "), slice_of("Bare Rune"));
    assert_true(change.key.high == key.high && change.key.low == key.low);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_side_record_is_taken_or_says_why_not),
        cmocka_unit_test(test_side_record_names_the_track_that_scrobbles_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
