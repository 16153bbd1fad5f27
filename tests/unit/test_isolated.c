#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/isolated.h"

#define LARGE ((size_t)3 << 20) /* more than a pipe holds */

static int make_bytes(void *context, unsigned char **bytes, size_t *size, struct err *err)
{
    (void)err;
    *size = *(size_t *)context;
    *bytes = malloc(*size + 1);
    for (size_t i = 0; *bytes && i < *size; i++)
        (*bytes)[i] = (unsigned char)(i * 7);
    return *bytes ? 0 : -1;
}

static int refuse(void *context, unsigned char **bytes, size_t *size, struct err *err)
{
    (void)bytes;
    (void)size;
    return err_set(err, ERR_SHAPE, "%s", (const char *)context);
}

/* As a library does that writes past its memory; a signal that no sanitizer takes for itself. */
static int break_down(void *context, unsigned char **bytes, size_t *size, struct err *err)
{
    (void)bytes;
    (void)size;
    (void)err;
    fputs("free(): invalid pointer\n", stderr);
    kill(getpid(), *(int *)context);
    return 0;
}

static int end_early(void *context, unsigned char **bytes, size_t *size, struct err *err)
{
    (void)bytes;
    (void)size;
    (void)err;
    _exit(*(int *)context);
    return 0;
}

static int never_end(void *context, unsigned char **bytes, size_t *size, struct err *err)
{
    volatile unsigned *count = context;
    (void)bytes;
    (void)size;
    (void)err;
    while (*count < 2)
        *count ^= 1;
    return 0;
}

static void test_isolated_hands_over_what_was_made(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, LARGE};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        size_t wanted = sizes[i], size = 0;
        unsigned char *bytes = NULL;
        assert_int_equal(isolated_run(make_bytes, &wanted, 10, &bytes, &size, NULL), 0);
        assert_int_equal(size, wanted);
        for (size_t k = 0; k < size; k++)
            assert_int_equal(bytes[k], (unsigned char)(k * 7));
        free(bytes);
    }
}

static void test_isolated_says_how_it_ended(void **state)
{
    (void)state;
    int killed = SIGUSR1, status = 3, good = 0;
    unsigned count = 0;
    char reason[] = "tensor x: shape (2) expected, (3) found";
    const struct {
        isolated_work *work;
        void *context;
        enum err_code code;
        const char *words;
    } cases[] = {
        {refuse, reason, ERR_SHAPE, "tensor x: shape (2) expected, (3) found"},
        {break_down, &killed, ERR_INPUT, "broke over it (User defined signal 1): it is damaged"},
        {end_early, &status, ERR_INPUT, "broke over it (its own check): it is damaged"},
        {end_early, &good, ERR_INPUT, "broke over it (its own check): it is damaged"},
        {never_end, &count, ERR_INPUT, "does not come to an end: it is damaged"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct err err = {0};
        unsigned char *bytes;
        size_t size;
        assert_int_equal(isolated_run(cases[i].work, cases[i].context, 1, &bytes, &size, &err), -1);
        assert_int_equal(err.code, cases[i].code);
        if (!strstr(err.text, cases[i].words))
            fail_msg("case %zu: \"%s\"", i, err.text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_isolated_hands_over_what_was_made),
        cmocka_unit_test(test_isolated_says_how_it_ended),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
