#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bundle/bundle.h"
#include "bundle_fixture.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static float first_weight(const char *path)
{
    struct err err = {0};
    struct bundle *bundle = bundle_load(path, &err);
    if (!bundle) {
        fail_msg("%s", err.text);
        return 0;
    }
    float weight = bundle->net->params[0];
    bundle_release(bundle);
    return weight;
}

static void test_publish_replaces_and_leaves_nothing(void **state)
{
    (void)state;
    struct bundle_fixture f;
    fixture_init(&f, 4, 1);
    const char *path = fixture_path(&f, "b");
    assert_int_equal(mkdir(path, 0777), 0); /* an empty directory is free to take */
    for (int i = 0; i < 3; i++) {
        f.bundle.net->params[0] = (float)i;
        fixture_save(&f, "b/"); /* a trailing slash means the same name */
        assert_true(first_weight(path) == (float)i);
        assert_int_equal(fixture_entries(&f), 1);
    }
    fixture_release(&f);
}

static void test_publish_replaces_a_broken_bundle(void **state)
{
    (void)state;
    struct bundle_fixture f;
    fixture_init(&f, 4, 1);
    const char *path = fixture_path(&f, "b");
    assert_int_equal(mkdir(path, 0777), 0);
    write_bytes(fixture_path(&f, "b/manifest.json"), "{", 1);
    fixture_save(&f, "b");
    first_weight(path);
    assert_int_equal(fixture_entries(&f), 1);
    fixture_release(&f);
}

static void test_publish_switches_a_link(void **state)
{
    (void)state;
    struct bundle_fixture f;
    struct err err = {0};
    char version[2][BUNDLE_VERSION_MAX + 1], link[128];
    static const char *const created[2] = {"2026-11-24T10:15:00Z", "2026-11-25T10:15:00Z"};
    fixture_init(&f, 4, 1);
    const char *path = fixture_path(&f, "current");
    assert_int_equal(symlink("nowhere-yet", path), 0);
    for (int i = 0; i < 2; i++) {
        f.bundle.net->params[0] = (float)i;
        if (bundle_save(path, &f.bundle, created[i], version[i], &err))
            fail_msg("%s", err.text);
        ssize_t length = readlink(path, link, sizeof link - 1);
        assert_true(length > 0);
        link[length] = '\0';
        assert_string_equal(link, version[i]);
        assert_true(first_weight(path) == (float)i);
    }
    assert_true(first_weight(fixture_path(&f, version[0])) == 0); /* to go back to */
    assert_int_equal(fixture_entries(&f), 3);
    fixture_release(&f);
}

static void test_publish_refuses_what_is_not_a_bundle(void **state)
{
    (void)state;
    struct bundle_fixture f;
    size_t size;
    fixture_init(&f, 4, 1);
    write_bytes(fixture_path(&f, "file"), "precious", 8);
    assert_int_equal(mkdir(fixture_path(&f, "photos"), 0777), 0);
    write_bytes(fixture_path(&f, "photos/one.jpg"), "precious", 8);
    assert_int_equal(mkdir(fixture_path(&f, "extension"), 0777), 0);
    write_bytes(fixture_path(&f, "extension/manifest.json"), "{}", 2);
    write_bytes(fixture_path(&f, "extension/notes"), "precious", 8);
    static const struct {
        const char *name, *reason;
        enum err_code code;
    } cases[] = {
        {"file", "is not a bundle", ERR_INPUT},      {"photos", "is not a bundle", ERR_INPUT},
        {"extension", "is not a bundle", ERR_INPUT}, {".", "not a name", ERR_INPUT},
        {"photos/..", "not a name", ERR_INPUT},      {"missing/b", "No such file", ERR_IO},
        {"file/b", "Not a directory", ERR_IO},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct err err = {0};
        assert_int_equal(
            bundle_save(fixture_path(&f, cases[i].name), &f.bundle, CREATED, NULL, &err), -1);
        assert_int_equal(err.code, cases[i].code);
        if (!strstr(err.text, cases[i].reason))
            fail_msg("%s: %s", cases[i].name, err.text);
    }
    free(read_bytes(fixture_path(&f, "file"), &size));
    free(read_bytes(fixture_path(&f, "photos/one.jpg"), &size));
    free(read_bytes(fixture_path(&f, "extension/notes"), &size));
    assert_int_equal(fixture_entries(&f), 3);
    fixture_release(&f);
}

/* What fails on the way leaves the bundle that is there, and no directory beside it. */
static void test_publish_failure_leaves_the_old_one(void **state)
{
    (void)state;
    struct bundle_fixture f;
    struct err err = {0};
    char before[65], after[65];
    fixture_init(&f, 4, 1);
    fixture_save(&f, "b");
    const char *path = fixture_path(&f, "b");
    assert_int_equal(bundle_fingerprint(path, before, &err), 0);
    f.bundle.window = 0;
    assert_int_equal(bundle_save(path, &f.bundle, CREATED, NULL, &err), -1);
    assert_non_null(strstr(err.text, "kernel.window"));
    assert_int_equal(bundle_fingerprint(path, after, &err), 0);
    assert_string_equal(before, after);
    assert_int_equal(fixture_entries(&f), 1);
    fixture_release(&f);
}

struct reader {
    const char *path;
    int stop; /* atomic */
    unsigned loads, failures;
    struct err err;
};

static void *read_all_the_time(void *argument)
{
    struct reader *reader = argument;
    while (!__atomic_load_n(&reader->stop, __ATOMIC_ACQUIRE)) {
        struct bundle *bundle = bundle_load(reader->path, &reader->err);
        reader->loads++;
        reader->failures += !bundle;
        bundle_release(bundle);
    }
    return NULL;
}

static void test_publish_readers_see_a_whole_bundle_always(void **state)
{
    (void)state;
    struct bundle_fixture f;
    pthread_t thread;
    fixture_init(&f, 4, 1);
    fixture_save(&f, "b");
    struct reader reader = {.path = fixture_path(&f, "b")};
    assert_int_equal(pthread_create(&thread, NULL, read_all_the_time, &reader), 0);
    for (int i = 0; i < 40; i++) {
        f.bundle.net->params[0] = (float)i;
        fixture_save(&f, "b");
    }
    __atomic_store_n(&reader.stop, 1, __ATOMIC_RELEASE);
    pthread_join(thread, NULL);
    if (reader.failures)
        fail_msg("%u of %u loads failed: %s", reader.failures, reader.loads, reader.err.text);
    assert_true(reader.loads > 0);
    fixture_release(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_publish_replaces_and_leaves_nothing),
        cmocka_unit_test(test_publish_replaces_a_broken_bundle),
        cmocka_unit_test(test_publish_switches_a_link),
        cmocka_unit_test(test_publish_refuses_what_is_not_a_bundle),
        cmocka_unit_test(test_publish_failure_leaves_the_old_one),
        cmocka_unit_test(test_publish_readers_see_a_whole_bundle_always),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
