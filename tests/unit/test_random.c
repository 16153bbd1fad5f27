/* The generator: repeats by seed and stream, is uniform, shuffles without losing any. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/random.h"

static void test_random_is_uniform_and_repeats(void **state)
{
    (void)state;
    struct random a, b, other;
    unsigned counts[7] = {0};
    uint32_t order[50];
    bool seen[50] = {false};
    random_init(&a, 1, 2);
    random_init(&b, 1, 2);
    random_init(&other, 1, 3);
    unsigned same = 0;
    for (int i = 0; i < 1000; i++) {
        uint64_t bits = random_bits(&a);
        assert_int_equal(bits, random_bits(&b));
        same += bits == random_bits(&other);
    }
    assert_int_equal(same, 0);
    for (int i = 0; i < 70000; i++)
        counts[random_below(&a, 7)]++;
    for (size_t i = 0; i < 7; i++)
        assert_in_range(counts[i], 9600, 10400);
    for (uint32_t i = 0; i < 50; i++)
        order[i] = i;
    random_shuffle(&a, order, 50);
    size_t moved = 0;
    for (size_t i = 0; i < 50; i++) {
        assert_false(seen[order[i]]);
        seen[order[i]] = true;
        moved += order[i] != i;
    }
    assert_true(moved > 30);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_is_uniform_and_repeats),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
