/* Where a key may come from, and that no message has it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sys/stat.h>

#include "crawl/api_key.h"
#include "temp_file.h"

#define KEY "0123456789abcdefABCDEF"

static void check(const char *path, const char *text, enum err_code code, const char *says)
{
    struct api_key key;
    struct err err = {0};
    int status = api_key_load(&key, path, text, &err);
    assert_int_equal(status, code == ERR_NONE ? 0 : -1);
    assert_int_equal(err.code, code);
    assert_string_equal(key.text, code == ERR_NONE ? KEY : "");
    if (!strstr(err.text, says) || strstr(err.text, "0123"))
        fail_msg("%s", err.text);
    api_key_forget(&key);
    assert_string_equal(key.text, "");
}

static void test_api_key_from_a_file(void **state)
{
    (void)state;
    static const struct {
        const char *content;
        mode_t mode;
        enum err_code code;
        const char *says;
    } CASES[] = {
        {KEY, 0600, ERR_NONE, ""},
        {" \t" KEY " \r\n\n", 0600, ERR_NONE, ""},
        {KEY, 0400, ERR_NONE, ""},
        {KEY, 0700, ERR_NONE, ""},
        {KEY, 0640, ERR_USAGE, "(mode 640): run chmod 600 /"},
        {KEY, 0604, ERR_USAGE, "(mode 604): run chmod 600 /"},
        {KEY, 0620, ERR_USAGE, "(mode 620): run chmod 600 /"},
        {KEY, 0601, ERR_USAGE, "(mode 601): run chmod 600 /"},
        {"", 0600, ERR_INPUT, "no API key"},
        {"\n", 0600, ERR_INPUT, "no API key"},
        {KEY "\n" KEY, 0600, ERR_INPUT, "no API key"},
        {KEY "&x", 0600, ERR_INPUT, "no API key"},
        {"cl\xc3\xa9", 0600, ERR_INPUT, "no API key"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        struct temp_file file;
        temp_file_text(&file, CASES[i].content);
        assert_int_equal(chmod(file.path, CASES[i].mode), 0);
        check(file.path, "other", CASES[i].code, CASES[i].says);
        temp_file_remove(&file);
    }
    check("/nonexistent", KEY, ERR_IO, "cannot open /nonexistent");
    check("/tmp", KEY, ERR_USAGE, "is not a regular file");
}

static void test_api_key_length(void **state)
{
    (void)state;
    static const size_t SIZES[] = {API_KEY_MIN,     API_KEY_MAX,     API_KEY_MIN - 1, 1,
                                   API_KEY_MAX + 1, 2 * API_KEY_MAX, 20 * API_KEY_MAX};
    for (size_t i = 0; i < sizeof SIZES / sizeof *SIZES; i++) {
        char content[20 * API_KEY_MAX + 1];
        struct temp_file file;
        struct api_key key;
        memset(content, 'k', SIZES[i]);
        content[SIZES[i]] = '\0';
        temp_file_text(&file, content);
        assert_int_equal(api_key_load(&key, file.path, NULL, NULL), i < 2 ? 0 : -1);
        assert_int_equal(api_key_load(&key, NULL, content, NULL), i < 2 ? 0 : -1);
        temp_file_remove(&file);
    }
}

static void test_api_key_from_the_environment(void **state)
{
    (void)state;
    check(NULL, KEY, ERR_NONE, "");
    check(NULL, KEY "\n", ERR_NONE, "");
    check(NULL, "", ERR_USAGE, "set LASTFM_API_KEY");
    check(NULL, NULL, ERR_USAGE, "give --key-file");
    check(NULL, KEY "/", ERR_INPUT, "LASTFM_API_KEY: what is there is no API key");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_api_key_from_a_file),
        cmocka_unit_test(test_api_key_length),
        cmocka_unit_test(test_api_key_from_the_environment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
