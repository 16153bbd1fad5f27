/* The names that a bundle lists stand in the order of the rows that the kkm reference holds stream/
 * to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <jansson.h>

#include "bundle/feature_names.h"

static void check(const json_t *reference, const char *kind, const char *const *names, size_t count)
{
    const json_t *list = json_object_get(reference, kind);
    assert_int_equal(json_array_size(list), count);
    for (size_t i = 0; i < count; i++)
        assert_string_equal(names[i], json_string_value(json_array_get(list, i)));
}

static void test_golden_feature_names_are_those_of_the_reference(void **state)
{
    (void)state;
    json_t *reference = json_load_file(OUTRO_GOLDEN "/kkm/features.json", 0, NULL);
    if (!reference) {
        print_message("no reference values in " OUTRO_GOLDEN "\n");
        skip();
    }
    check(reference, "step", STEP_NAMES, STEP_INPUTS);
    check(reference, "start", START_NAMES, START_FEATURES);
    check(reference, "live", LIVE_NAMES, LIVE_FEATURES);
    json_decref(reference);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden_feature_names_are_those_of_the_reference)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
