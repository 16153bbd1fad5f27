/* The journal of a crawl: what is written comes back, whatever happens to the end or the middle of
 * the file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "crawl/journal.h"
#include "temp_file.h"

enum { RECORDS = 4 };

static char folder[256];
static int dir;

static struct slice text(const char *string)
{
    return (struct slice){string, strlen(string)};
}

static struct record sample(int i)
{
    static const char *const TRACKS[RECORDS] = {"plain", "tab\t\"quoted\"\n", "gone", "\xc3\xa9"};
    struct record record = {.artist = text("A"), .track = text(TRACKS[i])};
    switch (i) {
    case 0:
        record.kind = RECORD_TRACK;
        record.facts = (struct track_facts){.duration_ms = 86400000,
                                            .tag_count = 2,
                                            .tags = {{text("x\\y"), -1}, {text("z"), 100}}};
        break;
    case 1:
        record.kind = RECORD_FAILED;
        record.reason = text("HTTP status 500 (5 tries)");
        break;
    case 2:
        record.kind = RECORD_UNKNOWN;
        break;
    default:
        record.kind = RECORD_TRACK; /* with nothing known */
    }
    return record;
}

static void assert_same_text(struct slice a, struct slice b)
{
    assert_int_equal(a.size, b.size);
    if (a.size > 0)
        assert_memory_equal(a.data, b.data, a.size);
}

static void assert_same(const struct record *a, const struct record *b)
{
    assert_int_equal(a->kind, b->kind);
    assert_same_text(a->artist, b->artist);
    assert_same_text(a->track, b->track);
    assert_same_text(a->reason, b->reason);
    assert_int_equal(a->facts.duration_ms, b->facts.duration_ms);
    assert_int_equal(a->facts.tag_count, b->facts.tag_count);
    for (size_t i = 0; i < a->facts.tag_count; i++) {
        assert_same_text(a->facts.tags[i].name, b->facts.tags[i].name);
        assert_int_equal(a->facts.tags[i].count, b->facts.tags[i].count);
    }
}

/* ---- the file ---- */

struct shown {
    uint64_t offsets[2 * RECORDS];
    size_t count;
};

static void show(void *ctx, const struct record *record, uint64_t offset)
{
    struct shown *shown = ctx;
    assert_true(shown->count < 2 * RECORDS);
    assert_true(record->track.size > 0);
    shown->offsets[shown->count++] = offset;
}

static struct journal *open_it(struct shown *shown, struct journal_counts *counts)
{
    struct err err = {0};
    *shown = (struct shown){.count = 0};
    struct journal *journal = journal_open(dir, show, shown, counts, &err);
    if (!journal)
        fail_msg("%s", err.text);
    assert_int_equal(counts->records, shown->count);
    return journal;
}

static size_t read_file(char *out, size_t capacity)
{
    int fd = openat(dir, JOURNAL_NAME, O_RDONLY);
    ssize_t size = read(fd, out, capacity);
    close(fd);
    assert_in_range(size, 0, capacity - 1);
    return (size_t)size;
}

static void write_file(const char *data, size_t size)
{
    int fd = openat(dir, JOURNAL_NAME, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    assert_int_equal(write(fd, data, size), size);
    close(fd);
}

static void append(struct journal *journal, int i)
{
    struct record record = sample(i);
    uint64_t offset;
    assert_int_equal(journal_append(journal, &record, &offset, NULL), 0);
}

/* A journal of all the samples. @return its size */
static size_t make(char *out, size_t capacity)
{
    struct shown shown;
    struct journal_counts counts;
    unlinkat(dir, JOURNAL_NAME, 0);
    struct journal *journal = open_it(&shown, &counts);
    for (int i = 0; i < RECORDS; i++)
        append(journal, i);
    assert_int_equal(journal_sync(journal, NULL), 0);
    journal_close(journal);
    return read_file(out, capacity);
}

static void test_journal_gives_back_what_it_got(void **state)
{
    (void)state;
    char bytes[4096];
    struct shown shown;
    struct journal_counts counts;
    make(bytes, sizeof bytes);
    struct journal *journal = open_it(&shown, &counts);
    assert_int_equal(counts.records, RECORDS);
    assert_int_equal(counts.damaged + counts.torn_bytes, 0);
    for (int i = RECORDS - 1; i >= 0; i--) {
        struct record record, wanted = sample(i);
        assert_int_equal(journal_read(journal, shown.offsets[i], &record, NULL), 0);
        assert_same(&record, &wanted);
        record_release(&record);
    }
    struct record record;
    struct err err = {0};
    assert_int_equal(journal_read(journal, shown.offsets[1] + 1, &record, &err), -1);
    assert_int_equal(journal_read(journal, 1 << 20, &record, &err), -1);
    journal_close(journal);
}

/* The largest record there can be: every byte of it is escaped to six. */
static void test_journal_of_the_largest_record(void **state)
{
    (void)state;
    static char control[4096], tag[TAG_BYTES_MAX];
    struct shown shown;
    struct journal_counts counts;
    memset(control, 1, sizeof control);
    memset(tag, 2, sizeof tag);
    struct record again, record = {.kind = RECORD_TRACK,
                                   .artist = {control, sizeof control},
                                   .track = {control, sizeof control},
                                   .facts = {.tag_count = TRACK_TAGS_MAX}};
    for (int i = 0; i < TRACK_TAGS_MAX; i++)
        record.facts.tags[i] = (struct track_tag){{tag, sizeof tag}, INT64_MAX};
    unlinkat(dir, JOURNAL_NAME, 0);
    struct journal *journal = open_it(&shown, &counts);
    uint64_t offset;
    assert_int_equal(journal_append(journal, &record, &offset, NULL), 0);
    append(journal, 0);
    assert_int_equal(journal_read(journal, offset, &again, NULL), 0);
    assert_same(&record, &again);
    record_release(&again);
    journal_close(journal);
    journal = open_it(&shown, &counts);
    assert_int_equal(counts.records, 2);
    journal_close(journal);
}

/* Cut anywhere: the whole lines stand, and what is added then stands, too. */
static void test_journal_torn_anywhere(void **state)
{
    (void)state;
    char bytes[4096], now[4096];
    size_t size = make(bytes, sizeof bytes);
    for (size_t cut = 0; cut <= size; cut++) {
        struct shown shown;
        struct journal_counts counts;
        size_t lines = 0, whole = 0;
        for (size_t i = 0; i < cut; i++) {
            if (bytes[i] == '\n') {
                lines++;
                whole = i + 1;
            }
        }
        write_file(bytes, cut);
        struct journal *journal = open_it(&shown, &counts);
        assert_int_equal(counts.records, lines > 0 ? lines - 1 : 0);
        assert_int_equal(counts.torn_bytes, cut - whole);
        assert_int_equal(counts.damaged, 0);
        for (size_t i = counts.records; i < RECORDS; i++)
            append(journal, (int)i);
        journal_close(journal);
        assert_int_equal(read_file(now, sizeof now), size);
        assert_memory_equal(now, bytes, size);
    }
}

/* Any bit flipped behind the title: one line is left out, never another one changed; a flipped line
 * end costs the two lines that it joins. */
static void test_journal_damaged_anywhere(void **state)
{
    (void)state;
    char bytes[4096];
    size_t size = make(bytes, sizeof bytes);
    size_t title = (size_t)((char *)memchr(bytes, '\n', size) - bytes) + 1;
    for (size_t bit = 8 * title; bit < 8 * size; bit++) {
        struct shown shown;
        struct journal_counts counts;
        bool end = bytes[bit / 8] == '\n', last = end && bit / 8 == size - 1;
        bytes[bit / 8] = (char)(bytes[bit / 8] ^ 1 << bit % 8);
        bool new_end = bytes[bit / 8] == '\n';
        write_file(bytes, size);
        struct journal *journal = open_it(&shown, &counts);
        assert_int_equal(counts.records, RECORDS - (end && !last ? 2 : 1));
        assert_int_equal(counts.damaged, last ? 0 : new_end ? 2 : 1);
        journal_close(journal);
        bytes[bit / 8] = (char)(bytes[bit / 8] ^ 1 << bit % 8);
    }
}

static void test_journal_of_something_else_is_left_alone(void **state)
{
    (void)state;
    static const char *const CASES[] = {"something", "something\n", "\n", "outro crawl journal 2\n",
                                        "outro crawl journal 12"};
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        char now[64];
        struct shown shown = {.count = 0};
        struct journal_counts counts;
        struct err err = {0};
        write_file(CASES[i], strlen(CASES[i]));
        assert_null(journal_open(dir, show, &shown, &counts, &err));
        assert_int_equal(err.code, ERR_INPUT);
        assert_non_null(strstr(err.text, "give another folder"));
        assert_int_equal(read_file(now, sizeof now), strlen(CASES[i]));
    }
}

static void test_journal_has_one_writer(void **state)
{
    (void)state;
    struct shown shown;
    struct journal_counts counts;
    struct err err = {0};
    unlinkat(dir, JOURNAL_NAME, 0);
    struct journal *journal = open_it(&shown, &counts);
    assert_null(journal_open(dir, show, &shown, &counts, &err));
    assert_non_null(strstr(err.text, "another crawl is at work"));
    journal_close(journal);
    journal = open_it(&shown, &counts);
    journal_close(journal);
}

/* A full disk: half a line is taken back. */
static void test_journal_after_a_failed_write_ends_with_a_whole_line(void **state)
{
    (void)state;
    char bytes[4096], now[4096];
    size_t size = make(bytes, sizeof bytes);
    struct shown shown;
    struct journal_counts counts;
    struct rlimit old, less;
    struct err err = {0};
    uint64_t offset;
    struct record record = sample(0);
    struct journal *journal = open_it(&shown, &counts);
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    less = old;
    less.rlim_cur = size + 10;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &less), 0);
    int status = journal_append(journal, &record, &offset, &err);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    assert_int_equal(status, -1);
    assert_int_equal(err.code, ERR_IO);
    assert_int_equal(read_file(now, sizeof now), size);
    append(journal, 0);
    journal_close(journal);
    journal = open_it(&shown, &counts);
    assert_int_equal(counts.records, RECORDS + 1);
    journal_close(journal);
}

static int make_folder(void **state)
{
    (void)state;
    struct temp_file name; /* its name is nobody else's: a folder takes it over */
    temp_file_make(&name);
    unlink(name.path);
    snprintf(folder, sizeof folder, "%s", name.path);
    if (mkdir(folder, 0777) < 0)
        return -1;
    dir = open(folder, O_RDONLY | O_DIRECTORY);
    return dir < 0 ? -1 : 0;
}

static int remove_folder(void **state)
{
    (void)state;
    unlinkat(dir, JOURNAL_NAME, 0);
    close(dir);
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_journal_gives_back_what_it_got),
        cmocka_unit_test(test_journal_of_the_largest_record),
        cmocka_unit_test(test_journal_torn_anywhere),
        cmocka_unit_test(test_journal_damaged_anywhere),
        cmocka_unit_test(test_journal_of_something_else_is_left_alone),
        cmocka_unit_test(test_journal_has_one_writer),
        cmocka_unit_test(test_journal_after_a_failed_write_ends_with_a_whole_line),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
