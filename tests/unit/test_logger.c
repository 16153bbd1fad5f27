#include "daemon/logger.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include <jansson.h>

#define AT_MS INT64_C(1241478537042) /* 2009-05-04T23:08:57.042Z */

static void test_logger_text_is_one_line(void **state)
{
    static const struct {
        const char *message, *line;
    } cases[] = {
        {"all well", "2009-05-04T23:08:57.042Z warn  an-event: all well\n"},
        {"two\nlines\tand\r more",
         "2009-05-04T23:08:57.042Z warn  an-event: two\\nlines\\tand\\r more\n"},
        {"bell \a and esc \x1b",
         "2009-05-04T23:08:57.042Z warn  an-event: bell \\x07 and esc \\x1b\n"},
        {"caf\xC3\xA9 \xFF \xC3",
         "2009-05-04T23:08:57.042Z warn  an-event: caf\xC3\xA9 \xEF\xBF\xBD \xEF\xBF\xBD\n"},
        {"", "2009-05-04T23:08:57.042Z warn  an-event: \n"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char line[LOG_LINE_MAX];
        size_t size =
            logger_line(line, FORMAT_TEXT, LEVEL_WARN, AT_MS, "an-event", cases[i].message);
        assert_int_equal(size, strlen(cases[i].line));
        assert_memory_equal(line, cases[i].line, size);
    }
}

static void test_logger_json_reads_back_whatever_the_message(void **state)
{
    static const struct {
        const char *message, *expected;
    } cases[] = {
        {"all \"well\" \\ here", "all \"well\" \\ here"},
        {"two\nlines\x01", "two\nlines\x01"},
        {"bad \xC0\x80 \xED\xA0\x80 utf-8",
         "bad \xEF\xBF\xBD\xEF\xBF\xBD \xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD utf-8"},
        {"\xF0\x9F\x8E\xB5", "\xF0\x9F\x8E\xB5"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char line[LOG_LINE_MAX];
        size_t size =
            logger_line(line, FORMAT_JSON, LEVEL_ERROR, AT_MS, "an-event", cases[i].message);
        assert_ptr_equal(memchr(line, '\n', size), line + size - 1);
        json_t *event = json_loadb(line, size, 0, NULL);
        assert_non_null(event);
        assert_string_equal(json_string_value(json_object_get(event, "time")),
                            "2009-05-04T23:08:57.042Z");
        assert_string_equal(json_string_value(json_object_get(event, "level")), "error");
        assert_string_equal(json_string_value(json_object_get(event, "event")), "an-event");
        assert_string_equal(json_string_value(json_object_get(event, "message")),
                            cases[i].expected);
        json_decref(event);
    }
}

static void test_logger_a_long_message_is_cut_into_a_whole_line(void **state)
{
    static char message[3 * LOG_LINE_MAX];
    (void)state;
    for (size_t i = 0; i + 2 < sizeof message;
         i += 2) { /* cut anywhere, never inside a character */
        memcpy(message + i, "\xC3\xA9", 2);
    }
    for (int format = FORMAT_TEXT; format <= FORMAT_JSON; format++) {
        char line[LOG_LINE_MAX];
        size_t size =
            logger_line(line, (enum log_format)format, LEVEL_INFO, AT_MS, "long", message);
        assert_in_range(size, LOG_LINE_MAX - 10, LOG_LINE_MAX);
        assert_int_equal(line[size - 1], '\n');
        if (format == FORMAT_JSON) {
            json_t *event = json_loadb(line, size, 0, NULL);
            assert_non_null(event);
            json_decref(event);
        }
    }
}

static void test_logger_writes_what_its_level_wants(void **state)
{
    struct logger logger;
    int end[2];
    char text[LOG_LINE_MAX] = "";
    (void)state;
    assert_int_equal(pipe(end), 0);
    logger_init(&logger, end[1], LEVEL_WARN, FORMAT_TEXT);
    logger_event(&logger, LEVEL_INFO, "no", "not this");
    logger_event(&logger, LEVEL_WARN, "yes", "%d of %s", 1, "two");
    atomic_store(&logger.level, LEVEL_DEBUG);
    atomic_store(&logger.format, FORMAT_JSON);
    logger_event(&logger, LEVEL_DEBUG, "yes", "now this");
    close(end[1]);
    size_t used = 0;
    for (ssize_t got; (got = read(end[0], text + used, sizeof text - 1 - used)) > 0;) {
        used += (size_t)got;
    }
    close(end[0]);
    assert_null(strstr(text, "not this"));
    assert_non_null(strstr(text, "Z warn  yes: 1 of two\n{\"time\":"));
    assert_non_null(strstr(text, "\"message\":\"now this\"}\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_logger_text_is_one_line),
        cmocka_unit_test(test_logger_json_reads_back_whatever_the_message),
        cmocka_unit_test(test_logger_a_long_message_is_cut_into_a_whole_line),
        cmocka_unit_test(test_logger_writes_what_its_level_wants),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
