#include "data/json_scan.h"
#include "data/utf8.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static void test_json_scan_versions_stop_at_the_same_byte(void **state)
{
    (void)state;
    for (size_t size = 0; size < 70; size++) {
        char *data = malloc(size ? size : 1);
        assert_non_null(data);
        memset(data, 'a', size);
        for (size_t at = 0; at < size; at++) {
            for (int byte = 0; byte < 256; byte++) {
                data[at] = (char)byte;
                const char *expected = json_scan_bytes(data, data + size);
                assert_ptr_equal(json_scan_plain(data, data + size), expected);
                assert_ptr_equal(json_scan_plain_words(data, data + size), expected);
            }
            data[at] = (char)(0x20 + at); // differs from its neighbours from here on
            if (!json_is_plain(data[at]))
                data[at] = 'b';
        }
        free(data);
    }
}

static void test_json_scan_utf8_is_what_unicode_says(void **state)
{
    (void)state;
    int good = 0;
    for (uint32_t code = 0x80; code < 0x110000; code++) {
        char text[4];
        size_t size = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
        for (size_t i = size - 1; i > 0; i--)
            text[i] = (char)(0x80 | ((code >> (6 * (size - 1 - i))) & 0x3f));
        text[0] = (char)(((0xf00u >> size) & 0xffu) | (code >> (6 * (size - 1))));
        bool surrogate = code >= 0xd800 && code < 0xe000;
        assert_int_equal(utf8_sequence(text, text + 4), surrogate ? 0 : size);
        assert_int_equal(utf8_sequence(text, text + size - 1), 0);
        good += !surrogate;
    }
    assert_int_equal(good, 0x110000 - 0x80 - 0x800);
    assert_int_equal(utf8_valid_prefix("abcdefghijklmnop\xc3\xb6q\xff", 20), 19);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_json_scan_versions_stop_at_the_same_byte),
        cmocka_unit_test(test_json_scan_utf8_is_what_unicode_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
