#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "data/profiles.h"
#include "temp_file.h"

static const struct profile *find(const struct profiles *profiles, const char *user_id)
{
    return profiles_find(profiles, (struct slice){user_id, strlen(user_id)});
}

static void test_profiles_reads_every_field(void **state)
{
    (void)state;
    static const struct {
        const char *row;
        struct profile expected;
    } CASES[] = {
        {"u\tm\t\tJapan\tAug 13, 2006", {"u", 1, 0, "Japan", 1155427200, "Aug 13, 2006"}},
        {"u\tf\t22\tUnited States\tOct 30, 2005",
         {"u", 0, 22, "United States", 1130630400, "Oct 30, 2005"}},
        {"u\t\t\t\t", {"u", -1, 0, "", 0, ""}},
        {"u\tn\t103\tC\xc3\xb4te d'Ivoire\tFeb 29, 2008",
         {"u", -1, 103, "C\xc3\xb4te d'Ivoire", 1204243200, "Feb 29, 2008"}},
        {"u\tf\t0\t\tJan 1, 1970", {"u", 0, 0, "", 0, "Jan 1, 1970"}},
        {"u\tm\t7\tPeru\tjan 02, 1970\r", {"u", 1, 7, "Peru", 86400, "jan 02, 1970"}},
    };
    for (size_t i = 0; i < 2 * (sizeof CASES / sizeof *CASES); i++) {
        char content[300];
        snprintf(content, sizeof content, "%s%s\n",
                 i % 2 ? "#id\tgender\tage\tcountry\tregistered\n" : "", CASES[i / 2].row);
        struct temp_file file;
        temp_file_text(&file, content);
        struct err err = {0};
        struct profiles *profiles = profiles_load(file.path, &err);
        if (!profiles)
            fail_msg("%s", err.text);
        assert_int_equal(profiles_count(profiles), 1);
        const struct profile *found = find(profiles, "u"), *expected = &CASES[i / 2].expected;
        assert_non_null(found);
        assert_string_equal(found->user_id, expected->user_id);
        assert_int_equal(found->gender, expected->gender);
        assert_int_equal(found->age, expected->age);
        assert_string_equal(found->country, expected->country);
        assert_true(found->registered_s == expected->registered_s);
        assert_string_equal(found->registered, expected->registered);
        assert_null(find(profiles, "v"));
        assert_null(find(profiles, ""));
        profiles_free(profiles);
        temp_file_remove(&file);
    }
}

static void test_profiles_none_at_all(void **state)
{
    (void)state;
    assert_null(find(NULL, "u"));
    assert_int_equal(profiles_count(NULL), 0);
    profiles_free(NULL);
    static const char *const CONTENTS[] = {"", "#id\tgender\tage\tcountry\tregistered\n"};
    for (size_t i = 0; i < sizeof CONTENTS / sizeof *CONTENTS; i++) {
        struct temp_file file;
        temp_file_text(&file, CONTENTS[i]);
        struct err err = {0};
        struct profiles *profiles = profiles_load(file.path, &err);
        assert_non_null(profiles);
        assert_int_equal(profiles_count(profiles), 0);
        assert_null(find(profiles, "u"));
        profiles_free(profiles);
        temp_file_remove(&file);
    }
}

static void test_profiles_many(void **state)
{
    (void)state;
    enum { USERS = 3000 };
    struct temp_file file;
    temp_file_make(&file);
    FILE *stream = fopen(file.path, "wb");
    assert_non_null(stream);
    for (int i = 0; i < USERS; i++)
        fprintf(stream, "user_%d\t\t%d\t\t\n", i, i % 100);
    fclose(stream);
    struct err err = {0};
    struct profiles *profiles = profiles_load(file.path, &err);
    assert_non_null(profiles);
    assert_int_equal(profiles_count(profiles), USERS);
    for (int i = 0; i < USERS; i++) {
        char id[32];
        snprintf(id, sizeof id, "user_%d", i);
        assert_non_null(find(profiles, id));
        assert_int_equal(find(profiles, id)->age, i % 100);
    }
    profiles_free(profiles);
    temp_file_remove(&file);
}

static void test_profiles_bad_line_is_an_error_with_its_place(void **state)
{
    (void)state;
#define ID_65 "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffggggg"
    static const struct {
        const char *row, *reason;
    } CASES[] = {
        {"u\tm\t\tJapan", "4 tab-separated fields, not 5"},
        {"u\tm\t\tJapan\t\t", "6 tab-separated fields, not 5"},
        {"\tm\t\tJapan\t", "user id is empty"},
        {ID_65 "\tm\t\tJapan\t", "user id has 65 bytes, more than 64"},
        {"u\tm\t\t" ID_65 "\t", "country has 65 bytes, more than 63"},
        {"u\tm\t-1\t\t", "age \"-1\" is not a whole number"},
        {"u\tm\t1000\t\t", "age \"1000\" is not"},
        {"u\tm\t\t\tFeb 30, 2006", "registered \"Feb 30, 2006\" is not a date"},
        {"u\tm\t\t\t2006-02-03", "registered \"2006-02-03\" is not a date"},
        {"u\tm\t\t\tFeb 3, 2006 noon", "is not a date"},
        {"u\tm\t\t\tFebruary 3, 2006", "is not a date"},
        {"u\tm\t\tJap\xff\t", "not valid UTF-8"},
        {"first\t\t\t\t", "user first is there a second time"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        char content[300], place[300];
        snprintf(content, sizeof content, "first\t\t\t\t\n%s\n", CASES[i].row);
        struct temp_file file;
        temp_file_text(&file, content);
        struct err err = {0};
        assert_null(profiles_load(file.path, &err));
        assert_int_equal(err.code, ERR_INPUT);
        snprintf(place, sizeof place, "%s:2: ", file.path);
        assert_ptr_equal(strstr(err.text, place), err.text);
        if (!strstr(err.text, CASES[i].reason))
            fail_msg("\"%s\" is not in \"%s\"", CASES[i].reason, err.text);
        temp_file_remove(&file);
    }
    struct err err = {0};
    assert_null(profiles_load("/nonexistent/profiles.tsv", &err));
    assert_int_equal(err.code, ERR_IO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_profiles_reads_every_field),
        cmocka_unit_test(test_profiles_none_at_all),
        cmocka_unit_test(test_profiles_many),
        cmocka_unit_test(test_profiles_bad_line_is_an_error_with_its_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
