/* Words and numbers as Python writes them, names of files, times as text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/random.h"
#include "prepare/decimal.h"
#include "prepare/file_name.h"
#include "prepare/play_text.h"
#include "prepare/words.h"

/* name.strip().lower() of Python 3 */
static void test_prepare_text_words(void **state)
{
    (void)state;
    static const struct {
        const char *name, *word;
    } CASES[] = {
        {"Radiohead", "radiohead"},
        {" \t The  Beatles\x1f\n", "the  beatles"},
        {"", ""},
        {"   ", ""},
        {"ÄRZTE", "ärzte"},
        {"Артист", "артист"},
        {"ΟΔΟΣ", "οδος"},         /* a final sigma */
        {"ΟΔΟΣ ΣΑΣ", "οδος σας"}, /* one in each word */
        {"Σ", "σ"},               /* none without a letter before it */
        {"İstanbul", "i̇stanbul"}, /* two code points from one */
        {"ẞ", "ß"},
        {"Ⅷ", "ⅷ"},
        {"\xc2\xa0Moby\xe3\x80\x80", "moby"}, /* no-break and ideographic space */
        {"\xe2\x80\x8bX", "\xe2\x80\x8bx"},   /* a zero-width space is none */
        {"\xc2\x85X\xe2\x80\xa8", "x"},       /* next line, line separator */
        {"坂本龍一", "坂本龍一"},
    };
    struct word_buffer buffer = {0};
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        struct slice word;
        struct slice name = {CASES[i].name, strlen(CASES[i].name)};
        assert_int_equal(word_of(name, &buffer, &word, NULL), 0);
        assert_int_equal(word.size, strlen(CASES[i].word));
        assert_memory_equal(word.data, CASES[i].word, word.size);
    }
    free(buffer.data);
}

static void assert_text(const char *text, size_t size, const char *expected)
{
    assert_int_equal(size, strlen(expected));
    assert_memory_equal(text, expected, size);
}

/* repr(value) of Python 3 */
static void test_prepare_text_repr(void **state)
{
    (void)state;
    static const struct {
        double value;
        const char *text;
    } CASES[] = {
        {0, "0.0"},
        {-1, "-1.0"},
        {90, "90.0"},
        {.96, "0.96"},
        {7843.5, "7843.5"},
        {1155427200, "1155427200.0"},
        {.001 * 186447, "186.447"},
        {.001 * 247730, "247.73000000000002"},
        {.1 + .2, "0.30000000000000004"},
        {1e-5, "1e-05"},
        {.0001, "0.0001"},
        {1. / 3, "0.3333333333333333"},
        {123456789012345.6, "123456789012345.6"},
        {1e15, "1000000000000000.0"},
        {1e16, "1e+16"},
        {1e22, "1e+22"},
    };
    char text[DECIMAL_MAX];
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++)
        assert_text(text, decimal_put_repr(CASES[i].value, text), CASES[i].text);
}

static void test_prepare_text_integers_and_seconds(void **state)
{
    (void)state;
    static const struct {
        int64_t value;
        const char *integer, *seconds;
    } CASES[] = {
        {0, "0", "0"},
        {7, "7", "0.007"},
        {1500, "1500", "1.5"},
        {3000, "3000", "3"},
        {-1, "-1", "-0.001"},
        {123456789, "123456789", "123456.789"},
        {INT64_MAX, "9223372036854775807", "9223372036854775.807"},
        {INT64_MIN, "-9223372036854775808", "-9223372036854775.808"},
    };
    char text[DECIMAL_MAX];
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        assert_text(text, decimal_put_int(CASES[i].value, text), CASES[i].integer);
        assert_text(text, decimal_put_seconds(CASES[i].value, text), CASES[i].seconds);
    }
}

/* Of every size, beside what the C library says. */
static void test_prepare_text_any_integer(void **state)
{
    (void)state;
    struct random random;
    char text[DECIMAL_MAX], expected[DECIMAL_MAX];
    random_init(&random, 1, 0);
    for (int i = 0; i < 200000; i++) {
        int64_t value = (int64_t)(random_bits(&random) >> random_below(&random, 64));
        snprintf(expected, sizeof expected, "%" PRId64, value);
        assert_text(text, decimal_put_int(value, text), expected);
    }
    for (int64_t power = 1; power <= INT64_MAX / 10; power *= 10)
        for (int64_t value = power - 1; value <= power + 1; value++) {
            snprintf(expected, sizeof expected, "%" PRId64, value);
            assert_text(text, decimal_put_int(value, text), expected);
        }
}

/* float("{:.2f}".format(value)): ties are those of the binary value, not of its decimal. */
static void test_prepare_text_two_decimals(void **state)
{
    (void)state;
    static const struct {
        double value, rounded;
    } CASES[] = {
        {0, 0},
        {1. / 3, .33},
        {.125, .12},
        {.375, .38},
        {2.675, 2.67},
        {1.005, 1.0},
        {1234.5, 1234.5},
        {.015, .01},
        {.995, .99},
        {.005, .01},
        {1e15 + .5, 1e15 + .5},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++)
        assert_true(decimal_round2(CASES[i].value) == CASES[i].rounded);
}

static void test_prepare_text_times(void **state)
{
    (void)state;
    static const struct {
        int64_t ms;
        int year;
        const char *text;
    } CASES[] = {
        {0, 1970, "1970-01-01T00:00:00Z"},
        {INT64_C(1241478537999), 2009, "2009-05-04T23:08:57Z"},
        {INT64_C(951782400000), 2000, "2000-02-29T00:00:00Z"},
        {INT64_C(1735689599000), 2024, "2024-12-31T23:59:59Z"},
        {INT64_C(4102444799000), 2099, "2099-12-31T23:59:59Z"},
    };
    char text[PLAY_TIME_BYTES];
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        play_put_time(CASES[i].ms, text);
        assert_memory_equal(text, CASES[i].text, sizeof text);
        assert_int_equal(play_year(CASES[i].ms / 1000), CASES[i].year);
    }
}

static void test_prepare_text_file_names(void **state)
{
    (void)state;
    static const struct {
        const char *id, *name;
    } CASES[] = {
        {"user_000004", "user_000004"},
        {"..", "%2E."},
        {"../../etc/passwd", "%2E.%2F..%2Fetc%2Fpasswd"},
        {".hidden", "%2Ehidden"},
        {"a b\n", "a%20b%0A"},
        {"100%", "100%25"},
        {"Zoë", "Zoë"},
    };
    char name[FILE_NAME_MAX];
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        file_name_of(CASES[i].id, name);
        assert_string_equal(name, CASES[i].name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_prepare_text_words),
        cmocka_unit_test(test_prepare_text_repr),
        cmocka_unit_test(test_prepare_text_integers_and_seconds),
        cmocka_unit_test(test_prepare_text_any_integer),
        cmocka_unit_test(test_prepare_text_two_decimals),
        cmocka_unit_test(test_prepare_text_times),
        cmocka_unit_test(test_prepare_text_file_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
