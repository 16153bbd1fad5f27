#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bundle_fixture.h"
#include "cli/commands.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* Sends what the command writes to fd into a file of the fixture; gives back the old fd. */
static int redirect(struct bundle_fixture *f, int fd, const char *name)
{
    int saved = dup(fd), file = open(fixture_path(f, name), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(saved >= 0 && file >= 0);
    assert_true(dup2(file, fd) >= 0);
    close(file);
    return saved;
}

static int run(struct bundle_fixture *f, const char *verb, const char *name)
{
    char command[] = "bundle", first[32], second[256];
    char *argv[] = {command, first, second, NULL};
    snprintf(first, sizeof first, "%s", verb);
    snprintf(second, sizeof second, "%s", fixture_path(f, name));
    fflush(stdout);
    int out = redirect(f, STDOUT_FILENO, "out"), err = redirect(f, STDERR_FILENO, "err");
    int status = cmd_bundle(3, argv);
    fflush(stdout);
    dup2(out, STDOUT_FILENO);
    dup2(err, STDERR_FILENO);
    close(out);
    close(err);
    return status;
}

static void said(struct bundle_fixture *f, const char *file, const char *words)
{
    size_t size;
    char *text = read_bytes(fixture_path(f, file), &size);
    if (words ? !strstr(text, words) : size > 0)
        fail_msg("%s: \"%s\" where \"%s\" was expected", file, text, words ? words : "nothing");
    free(text);
}

static void test_cmd_bundle_says_what_it_finds(void **state)
{
    (void)state;
    static const struct {
        const char *verb, *name;
        int status;
        const char *out, *err; /* NULL: nothing */
    } cases[] = {
        {"show", "b", 0, "version      20261124T101500Z-", NULL},
        {"show", "b", 0, "parameters   607 in 10 tensors", NULL},
        {"show", "b", 0, "validation.pinball_ratio         0.973", NULL},
        {"check", "b", 0, "b: ok, 20261124T101500Z-", NULL},
        {"check", "b", 0, "self-test: 4 cases within 0.0001", NULL},
        {"show", "nan", 0, "self-test    4 cases", NULL}, /* looks at the manifest alone */
        {"check", "nan", 1, NULL, "nan: global.safetensors: sha256 is"},
        {"show", "none", 1, NULL, "none: No such file or directory"},
        {"check", "none", 1, NULL, "none: No such file or directory"},
        {"chek", "b", 2, NULL, "\"chek\" is none of show, check, recipe"},
    };
    struct bundle_fixture f;
    fixture_init(&f, 4, 1);
    fixture_save(&f, "b");
    fixture_save(&f, "nan");
    size_t size;
    char *weights = read_bytes(fixture_path(&f, "nan/global.safetensors"), &size);
    memset(weights + size - 4, 0xff, 4);
    write_bytes(fixture_path(&f, "nan/global.safetensors"), weights, size);
    free(weights);
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_int_equal(run(&f, cases[i].verb, cases[i].name), cases[i].status);
        said(&f, "out", cases[i].out);
        said(&f, "err", cases[i].err);
    }
    fixture_release(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_cmd_bundle_says_what_it_finds)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
