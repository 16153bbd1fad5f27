#include "daemon/demo_view.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static void predict(struct view *view, const char *user, int session, int scrobble, int p50_s)
{
    char json[512];
    snprintf(json, sizeof json,
             "{\"user_id\":\"%s\",\"timestamp\":1241478537000,\"session\":%d,\"scrobble\":%d,"
             "\"elapsed_s\":60,\"average_session_length_s\":900,\"p10_s\":100,\"p50_s\":%d,"
             "\"p90_s\":9000}",
             user, session, scrobble, p50_s);
    view_prediction(view, json, strlen(json));
}

static void close_session(struct view *view, const char *user, int session, int length_s)
{
    char json[256];
    snprintf(json, sizeof json,
             "{\"user_id\":\"%s\",\"session\":%d,\"scrobbles\":3,\"length_s\":%d}", user, session,
             length_s);
    view_session(view, json, strlen(json));
}

static void test_demo_view_scores_what_was_said_at_the_start(void **state)
{
    static struct view view;
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    (void)state;
    assert_non_null(out);
    view_init(&view, out, false);
    predict(&view, "ann", 2, 1, 600);
    predict(&view, "ann", 2, 2, 5000); /* later words do not count */
    close_session(&view, "ann", 2, 1200);
    predict(&view, "ann", 3, 1, 60); /* nor those of the next session, read before the end */
    view_settle(&view);
    close_session(&view, "bob", 5, 300); /* its start comes later, from the other topic */
    view_settle(&view);
    assert_int_equal(view.waiting_count, 1);
    predict(&view, "bob", 5, 1, 360);
    view_settle(&view);
    assert_int_equal(view.waiting_count, 0);
    assert_int_equal(view.scored, 2);
    assert_true(view.error_s == 600 + 60);
    assert_true(view.average_error_s == 300 + 600);
    fclose(out);
    assert_non_null(strstr(
        text, "ann            session 2       3 scrobbles, lasted 0:20, said at start 0:10\n"));
    free(text);
}

static void test_demo_view_a_start_never_seen_is_not_waited_for_for_ever(void **state)
{
    static struct view view;
    FILE *out = tmpfile();
    int rounds = 0;
    (void)state;
    assert_non_null(out);
    view_init(&view, out, false);
    close_session(&view, "ann", 2, 1200);
    while (view.waiting_count > 0 && rounds++ < 1000) {
        view_settle(&view);
    }
    assert_in_range(rounds, 2, 100);
    assert_int_equal(view.scored, 0);
    for (int i = 0; i < 2 * VIEW_WAITING; i++) { /* more at once than there is room for */
        close_session(&view, "bob", i + 1, 60);
    }
    assert_int_equal(view.sessions, 1 + 2 * VIEW_WAITING);
    fclose(out);
}

static void test_demo_view_draws_whatever_it_is_given(void **state)
{
    static struct view view;
    const struct view_frame frame = {"127.0.0.1:1", 5, 10, 1, 0, 0};
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    (void)state;
    assert_non_null(out);
    view_init(&view, out, true);
    view_draw(&view, &frame);
    view_prediction(&view, "no json", 7);
    view_prediction(&view, "{\"user_id\":7}", 13);
    view_session(&view, "[]", 2);
    assert_int_equal(view.predictions + view.sessions, 0);
    predict(&view, "ann", 1, 1, 7200);
    view_end(&view, &frame);
    fclose(out);
    assert_non_null(strstr(text, "ann"));
    assert_non_null(strstr(text, "2009-05-04 23:08"));
    assert_non_null(strstr(text, "\x1b[?25h")); /* the cursor is given back */
    free(text);
}

/* Seen on a terminal of 80 x 24: rows wrapped, the title scrolled away and every picture with it.
 */
static void test_demo_view_fits_into_the_terminal(void **state)
{
    static const struct {
        int columns, rows, fits_columns, fits_rows;
    } cases[] = {{80, 24, 80, 24}, {0, 0, 80, 24}, {200, 50, 200, 50}, {40, 10, 40, 10}};
    (void)state;
    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        static struct view view;
        const struct view_frame frame = {.address = "127.0.0.1:34997",
                                         .fed = 5000,
                                         .total = 5000,
                                         .open_sessions = 12,
                                         .columns = cases[c].columns,
                                         .rows = cases[c].rows};
        char *text = NULL, user[32];
        size_t size;
        FILE *out = open_memstream(&text, &size);
        assert_non_null(out);
        view_init(&view, out, true);
        for (int i = 0; i < 40; i++) {
            snprintf(user, sizeof user, "ann-\xc3\xa9-of-a-long-name-%d", i);
            predict(&view, user, 100, 1, 600);
            close_session(&view, user, 100, 1200);
            predict(&view, user, 101, 1, 600);
        }
        view_settle(&view);
        view_draw(&view, &frame);
        fclose(out);
        int rows = 1; /* the cursor's own */
        char *row = strstr(text, "\x1b[H");
        assert_non_null(row);
        for (row += 3; strchr(row, '\n'); row = strchr(row, '\n') + 1, rows++) {
            char *end = strstr(row, "\x1b[K");
            assert_non_null(end);
            assert_true(end - row < cases[c].fits_columns);
        }
        assert_true(rows <= cases[c].fits_rows);
        free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_demo_view_scores_what_was_said_at_the_start),
        cmocka_unit_test(test_demo_view_a_start_never_seen_is_not_waited_for_for_ever),
        cmocka_unit_test(test_demo_view_draws_whatever_it_is_given),
        cmocka_unit_test(test_demo_view_fits_into_the_terminal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
