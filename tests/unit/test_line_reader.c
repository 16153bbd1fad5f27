#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>

#include "data/line_reader.h"
#include "temp_file.h"

static void test_line_reader_ends_of_lines(void **state)
{
    (void)state;
    static const struct {
        const char *content;
        size_t size;
        size_t count;
        const char *lines[3];
    } CASES[] = {
        {"", 0, 0, {0}},
        {"\n", 1, 1, {""}},
        {"a", 1, 1, {"a"}},
        {"a\n", 2, 1, {"a"}},
        {"a\nb", 3, 2, {"a", "b"}},
        {"a\r\nb\r\n", 6, 2, {"a", "b"}},
        {"a\r\n\r\nb\r", 7, 3, {"a", "", "b"}},
        {"a\rb\r\r\n", 6, 1, {"a\rb\r"}},
        {"\xef\xbb\xbf"
         "a\nb\n",
         7,
         2,
         {"a", "b"}},
        {"\xef\xbb", 2, 1, {"\xef\xbb"}},
    };
    for (size_t i = 0; i < 2 * (sizeof CASES / sizeof *CASES); i++) {
        struct temp_file file;
        if (i % 2 == 0)
            temp_file_write(&file, CASES[i / 2].content, CASES[i / 2].size);
        else
            temp_file_gzip(&file, CASES[i / 2].content, CASES[i / 2].size);
        struct err err = {0};
        struct line line;
        struct line_reader *reader = line_reader_open(file.path, &err);
        assert_non_null(reader);
        for (size_t j = 0; j < CASES[i / 2].count; j++) {
            const char *expected = CASES[i / 2].lines[j];
            assert_int_equal(line_reader_next(reader, &line, &err), 1);
            assert_int_equal(line.number, j + 1);
            assert_false(line.too_long);
            assert_int_equal(line.text.size, strlen(expected));
            assert_memory_equal(line.text.data, expected, line.text.size);
        }
        assert_int_equal(line_reader_next(reader, &line, &err), 0);
        assert_int_equal(line_reader_next(reader, &line, &err), 0);
        line_reader_free(reader);
        temp_file_remove(&file);
    }
}

/* Lines around the limit, and one of several buffers; the line behind is whole again. */
static void test_line_reader_skips_lines_over_the_limit(void **state)
{
    (void)state;
    static const size_t SIZES[] = {LINE_MAX_BYTES - 1, LINE_MAX_BYTES, LINE_MAX_BYTES + 1,
                                   5 * LINE_MAX_BYTES + 3};
    for (size_t i = 0; i < sizeof SIZES / sizeof *SIZES; i++) {
        size_t size = SIZES[i];
        char *content = malloc(size + 20);
        assert_non_null(content);
        memcpy(content, "before\n", 7);
        memset(content + 7, 'x', size);
        memcpy(content + 7 + size, "\nafter", 6);
        struct temp_file file;
        temp_file_write(&file, content, size + 13);
        free(content);

        struct err err = {0};
        struct line line;
        struct line_reader *reader = line_reader_open(file.path, &err);
        assert_non_null(reader);
        assert_int_equal(line_reader_next(reader, &line, &err), 1);
        assert_int_equal(line_reader_next(reader, &line, &err), 1);
        assert_int_equal(line.too_long, size > LINE_MAX_BYTES);
        assert_int_equal(line.text.size, size > LINE_MAX_BYTES ? 0 : size);
        assert_int_equal(line_reader_next(reader, &line, &err), 1);
        assert_int_equal(line.number, 3);
        assert_int_equal(line.text.size, 5);
        assert_memory_equal(line.text.data, "after", 5);
        assert_int_equal(line_reader_next(reader, &line, &err), 0);
        line_reader_free(reader);
        temp_file_remove(&file);
    }
}

/* Reads to the end. @return what the last call returned */
static int drain(const char *path, size_t *lines, struct err *err)
{
    struct line_reader *reader = line_reader_open(path, err);
    struct line line;
    int status;
    *lines = 0;
    if (!reader)
        return -1;
    while ((status = line_reader_next(reader, &line, err)) > 0)
        (*lines)++;
    line_reader_free(reader);
    return status;
}

/* A gzip file cut anywhere, in its header, its data or its checksum, is an error and never a
 * shorter file. */
static void test_line_reader_truncated_gzip_is_an_error(void **state)
{
    (void)state;
    char content[2000];
    size_t size = 0, lines;
    for (int i = 0; size + 20 < sizeof content; i++)
        size += (size_t)snprintf(content + size, 20, "%d\t%d\n", i, i * 7919 % 1000);
    struct temp_file whole;
    temp_file_gzip(&whole, content, size);
    char zipped[2000];
    FILE *stream = fopen(whole.path, "rb");
    assert_non_null(stream);
    size_t zipped_size = fread(zipped, 1, sizeof zipped, stream);
    fclose(stream);
    struct err err = {0};
    assert_int_equal(drain(whole.path, &lines, &err), 0);
    temp_file_remove(&whole);

    for (size_t cut = 2; cut < zipped_size; cut++) {
        struct temp_file file;
        temp_file_write(&file, zipped, cut);
        err = (struct err){0};
        assert_int_equal(drain(file.path, &lines, &err), -1);
        assert_int_equal(err.code, ERR_INPUT);
        assert_non_null(strstr(err.text, file.path));
        assert_non_null(strstr(err.text, "truncated gzip"));
        temp_file_remove(&file);
    }
}

static void test_line_reader_damaged_gzip_is_an_error(void **state)
{
    (void)state;
    char content[4000];
    for (size_t i = 0; i < sizeof content; i++)
        content[i] = (char)(i * i % 251);
    struct temp_file file;
    temp_file_gzip(&file, content, sizeof content);
    FILE *stream = fopen(file.path, "rb+");
    assert_non_null(stream);
    fseek(stream, -6, SEEK_END); /* in the checksum */
    int byte = fgetc(stream);
    fseek(stream, -6, SEEK_END);
    fputc(byte ^ 1, stream);
    fclose(stream);
    struct err err = {0};
    size_t lines;
    assert_int_equal(drain(file.path, &lines, &err), -1);
    assert_int_equal(err.code, ERR_INPUT);
    temp_file_remove(&file);
}

static void test_line_reader_what_cannot_be_opened(void **state)
{
    (void)state;
    struct err err = {0};
    assert_null(line_reader_open("/nonexistent/log.tsv", &err));
    assert_int_equal(err.code, ERR_IO);
    assert_string_equal(err.text, "cannot open /nonexistent/log.tsv: No such file or directory");
    assert_null(line_reader_open("/", &err));
    assert_int_equal(err.code, ERR_IO);
    assert_string_equal(err.text, "/ is a directory, not a file");
}

/* Standard input is a pipe here, so that nothing can seek. */
static void test_line_reader_standard_input(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    int saved = dup(STDIN_FILENO);
    dup2(ends[0], STDIN_FILENO);
    close(ends[0]);
    assert_int_equal(write(ends[1], "a\nb", 3), 3);
    close(ends[1]);

    struct err err = {0};
    struct line line;
    struct line_reader *reader = line_reader_open("-", &err);
    assert_non_null(reader);
    assert_string_equal(line_reader_name(reader), "standard input");
    assert_int_equal(line_reader_size(reader), 0);
    assert_int_equal(line_reader_next(reader, &line, &err), 1);
    assert_int_equal(line_reader_next(reader, &line, &err), 1);
    assert_memory_equal(line.text.data, "b", 1);
    assert_int_equal(line_reader_next(reader, &line, &err), 0);
    line_reader_free(reader);
    dup2(saved, STDIN_FILENO);
    close(saved);
}

static void test_line_reader_split(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        size_t count;
        const char *fields[3];
    } CASES[] = {{"", 1, {""}},
                 {"a", 1, {"a"}},
                 {"\t", 2, {"", ""}},
                 {"a\tbc\t", 3, {"a", "bc", ""}},
                 {"a\tb\tc\td\te", 5, {"a", "b", "c"}}};
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        struct slice fields[3];
        size_t count = line_split((struct slice){CASES[i].line, strlen(CASES[i].line)}, fields, 3);
        assert_int_equal(count, CASES[i].count);
        for (size_t j = 0; j < 3 && CASES[i].fields[j]; j++) {
            assert_int_equal(fields[j].size, strlen(CASES[i].fields[j]));
            assert_memory_equal(fields[j].data, CASES[i].fields[j], fields[j].size);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_line_reader_ends_of_lines),
        cmocka_unit_test(test_line_reader_skips_lines_over_the_limit),
        cmocka_unit_test(test_line_reader_truncated_gzip_is_an_error),
        cmocka_unit_test(test_line_reader_damaged_gzip_is_an_error),
        cmocka_unit_test(test_line_reader_what_cannot_be_opened),
        cmocka_unit_test(test_line_reader_standard_input),
        cmocka_unit_test(test_line_reader_split),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
