/* What a log is packed in: archives, compression, a pipe. The same rows, or an error that says what
 * is wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <zstd.h>

#include "log_fixture.h"

#define META(track)           "\"track_metadata\":{\"artist_name\":\"A\",\"track_name\":\"" track "\"}}"
#define LISTEN(second, track) "{\"listened_at\":124136570" second ".000000," META(track) "\n"
#define NAMED(second, track)                                                                       \
    "{\"user_id\":7,\"user_name\":\"u\",\"listened_at\":124136570" second "," META(track) "\n"
#define PLAY                                                                                       \
    "[{\"ts\":\"2009-05-03T15:48:25Z\",\"ms_played\":5000,\"username\":\"u\","                     \
    "\"master_metadata_track_name\":\"T\",\"master_metadata_album_artist_name\":\"A\"}]"
#define ROW "u\t2009-05-03T15:48:25Z\t\tA\t\tT\n"
#define UAT "u@1241365705000 A/T [|] 0\n"

enum { ROOM = 1 << 20, MEMBERS = 4 };

struct member {
    const char *path, *content;
};

/* An archive of the members. @return bytes of it in out (ROOM) */
static size_t pack(const struct member *members, bool zip, bool xz, char *out)
{
    size_t used = 0;
    struct archive *to = archive_write_new();
    assert_int_equal(zip ? archive_write_set_format_zip(to) : archive_write_set_format_ustar(to),
                     ARCHIVE_OK);
    if (xz)
        assert_int_equal(archive_write_add_filter_xz(to), ARCHIVE_OK);
    assert_int_equal(archive_write_open_memory(to, out, ROOM, &used), ARCHIVE_OK);
    for (size_t i = 0; i < MEMBERS && members[i].path; i++) {
        struct archive_entry *entry = archive_entry_new();
        size_t size = strlen(members[i].content);
        archive_entry_set_pathname(entry, members[i].path);
        archive_entry_set_size(entry, (la_int64_t)size);
        archive_entry_set_filetype(entry, AE_IFREG);
        archive_entry_set_perm(entry, 0644);
        assert_int_equal(archive_write_header(to, entry), ARCHIVE_OK);
        assert_int_equal(archive_write_data(to, members[i].content, size), size);
        archive_entry_free(entry);
    }
    assert_int_equal(archive_write_close(to), ARCHIVE_OK);
    archive_write_free(to);
    return used;
}

static void test_log_packing_archives(void **state)
{
    (void)state;
    static const struct {
        struct log_case log;
        struct member members[MEMBERS];
    } CASES[] = {
        {{"a ListenBrainz export", .expected = "me@1241365701000 A/T [|] 0\n"
                                               "me@1241365702000 A/V [|] 0\n"},
         {{"user.json", "{\"user_id\":7,\"username\":\"me\"}\n"},
          {"listens/2009/5.jsonl", LISTEN("2", "V")},
          {"listens/2009/4.jsonl", LISTEN("1", "T")},
          {"feedback.jsonl", "{\"score\":1}\n"}}},
        {{"nobody's", .fails = "--user"}, {{"listens/2009/5.jsonl", LISTEN("2", "V")}}},
        {{"nobody's, but known", .user = "w", .expected = "w@1241365702000 A/V [|] 0\n"},
         {{"listens/2009/5.jsonl", LISTEN("2", "V")}}},
        {{"a dump", .expected = "u@1241365701000 A/T [|] 0\nu@1241365702000 A/V [|] 0\n"},
         {{"dump/README", "no log"},
          {"dump/listens/2009/5.listens", NAMED("2", "V")},
          {"dump/listens/2009/6.listens", NAMED("1", "T")}}},
        {{"Spotify's", .expected = "u@1241365700000 A/T [|] 5000\nu@1241365700000 A/T [|] 5000\n"},
         {{"Spotify Extended Streaming History/ReadMeFirst.pdf", "%PDF"},
          {"Spotify Extended Streaming History/Streaming_History_Audio_2009_0.json", PLAY},
          {"MyData/endsong_0.json", PLAY}}},
        {{"the table", .expected = UAT},
         {{"lastfm-dataset-1K/userid-profile.tsv", "u\t\t\t\t\n"},
          {"lastfm-dataset-1K/userid-timestamp-artid-artname-traid-traname.tsv", ROW}}},
        {{"a bad row in a member", .expected = "u@1241365702000 A/V [|] 0\n", .rejected = 1,
          .says = ":listens/2009/5.jsonl:2: not-json: "},
         {{"listens/2009/5.jsonl", NAMED("2", "V") "{]}\n"}}},
        {{"a name that is none", .expected = "u@1241365702000 A/V [|] 0\n", .rejected = 1,
          .says = ":listens/?[2J.jsonl:2: not-json: "},
         {{"listens/\x1b[2J.jsonl", NAMED("2", "V") "{]}\n"}}},
        {{"no log in it", .fails = "an archive without a log"}, {{"README", "x"}}},
        {{"an array that is cut off", .fails = "Streaming_History_Audio_0.json:1: the file ends"},
         {{"Streaming_History_Audio_0.json", "[{\"ts\":"}}},
    };
    char *bytes = malloc(ROOM);
    assert_non_null(bytes);
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++)
        for (int form = 0; form < 3; form++) {
            size_t size = pack(CASES[i].members, form == 0, form == 2, bytes);
            struct temp_file file;
            temp_file_write(&file, bytes, size);
            log_case_check(&CASES[i].log, file.path);
            temp_file_remove(&file);
            temp_file_gzip(&file, bytes, size);
            log_case_check(&CASES[i].log, file.path);
            temp_file_remove(&file);
        }
    free(bytes);
}

/* One file in xz, without an archive around it. */
static void test_log_packing_xz_alone_is_named(void **state)
{
    (void)state;
    size_t size = 0;
    char *bytes = malloc(ROOM);
    struct archive *to = archive_write_new();
    struct archive_entry *entry = archive_entry_new();
    assert_non_null(bytes);
    assert_int_equal(archive_write_set_format_raw(to), ARCHIVE_OK);
    assert_int_equal(archive_write_add_filter_xz(to), ARCHIVE_OK);
    assert_int_equal(archive_write_open_memory(to, bytes, ROOM, &size), ARCHIVE_OK);
    archive_entry_set_filetype(entry, AE_IFREG);
    assert_int_equal(archive_write_header(to, entry), ARCHIVE_OK);
    assert_int_equal(archive_write_data(to, ROW, strlen(ROW)), strlen(ROW));
    archive_entry_free(entry);
    assert_int_equal(archive_write_close(to), ARCHIVE_OK);
    archive_write_free(to);
    static const struct log_case CASE = {
        "a table in xz", .fails = ": compressed by xz, and no tar: not read; decompress it first"};
    struct temp_file file;
    temp_file_write(&file, bytes, size);
    log_case_check(&CASE, file.path);
    temp_file_remove(&file);
    free(bytes);
}

/* A log in two members, long enough that every cut leaves something out. */
static void test_log_packing_cut_off_archives(void **state)
{
    (void)state;
    static char listens[64 * 1024];
    size_t used = 0;
    uint32_t x = 1;
    for (int i = 0; used + 200 < sizeof listens; i++) {
        x = x * 1664525 + 1013904223;
        used += (size_t)snprintf(listens + used, 200,
                                 "{\"user_name\":\"u\",\"listened_at\":%d,\"track_metadata\":"
                                 "{\"artist_name\":\"A\",\"track_name\":\"%08x\"}}\n",
                                 1241365705 + i, x);
    }
    const struct member members[MEMBERS] = {{"listens/1.jsonl", listens},
                                            {"listens/2.jsonl", listens}};
    char *bytes = malloc(ROOM);
    assert_non_null(bytes);
    for (int form = 0; form < 3; form++) {
        size_t size = pack(members, form == 0, form == 2, bytes);
        /* Behind its members a zip has its directory, a tar and an xz their ends. */
        for (size_t cut = 600; cut + 2048 < size; cut += size / 23) {
            struct temp_file file;
            temp_file_write(&file, bytes, cut);
            const struct log_options options = {0};
            struct err err = {0};
            struct log *log = log_open(file.path, &options, &err);
            if (log)
                fail_msg("form %d: %zu bytes of %zu are taken for the whole", form, cut, size);
            assert_int_equal(err.code, ERR_INPUT);
            assert_non_null(strstr(err.text, file.path));
            assert_non_null(strstr(err.text, "damaged or truncated"));
            temp_file_remove(&file);
        }
    }
    free(bytes);
}

static size_t zstd_into(char *out, const char *text)
{
    size_t size = ZSTD_compress(out, ROOM, text, strlen(text), 3);
    assert_false(ZSTD_isError(size));
    return size;
}

/* Reads standard input, which is a pipe that another process fills. */
static void check_pipe(const struct log_case *log_case, const char *bytes, size_t size)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        close(ends[0]);
        for (size_t done = 0; done < size;) {
            ssize_t more = write(ends[1], bytes + done, size - done < 777 ? size - done : 777);
            if (more < 0)
                _exit(1);
            done += (size_t)more;
        }
        _exit(0);
    }
    close(ends[1]);
    int saved = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0);
    dup2(ends[0], STDIN_FILENO);
    close(ends[0]);
    log_case_check(log_case, "-");
    dup2(saved, STDIN_FILENO);
    close(saved);
    assert_int_equal(waitpid(child, NULL, 0), child);
}

static void test_log_packing_zstd_and_pipes_are_the_same(void **state)
{
    (void)state;
    static const struct log_case CASES[] = {
        {"a table", ROW ROW, .expected = UAT UAT},
        {"an array", PLAY, .expected = "u@1241365700000 A/T [|] 5000\n"},
        {"pages", "{\"payload\":{\"user_id\":\"u\",\"listens\":[" LISTEN("1", "T") "]}}",
         .expected = "u@1241365701000 A/T [|] 0\n"},
    };
    char *bytes = malloc(ROOM);
    assert_non_null(bytes);
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        size_t size = zstd_into(bytes, CASES[i].content);
        struct temp_file file;
        temp_file_write(&file, bytes, size);
        log_case_check(&CASES[i], file.path);
        temp_file_remove(&file);
        check_pipe(&CASES[i], bytes, size);
        check_pipe(&CASES[i], CASES[i].content, strlen(CASES[i].content));
    }
    static const struct member EXPORT[MEMBERS] = {{"user.json", "{\"username\":\"u\"}"},
                                                  {"listens/2009/5.jsonl", LISTEN("1", "T")}};
    static const struct log_case ZIP = {"a zip", .expected = "u@1241365701000 A/T [|] 0\n"};
    check_pipe(&ZIP, bytes, pack(EXPORT, true, false, bytes));
    free(bytes);
}

/* An array and a page far larger than a block: nothing is lost where blocks meet. */
static void test_log_packing_values_across_blocks(void **state)
{
    (void)state;
    enum { ROWS = 40000 };
    char *text = malloc(ROWS * 100);
    assert_non_null(text);
    for (int form = 0; form < 2; form++) {
        int rows = form == 0 ? ROWS : ROWS / 2; /* a page has at most 4 MiB */
        size_t used = (size_t)sprintf(text, form == 0 ? "[" : "{\"recenttracks\":{\"track\":[");
        for (int i = 0; i < rows; i++)
            used += (size_t)sprintf(text + used,
                                    "%s{\"artist\":{\"#text\":\"A\"},\"name\":\"\\\"%d[\","
                                    "\"date\":{\"uts\":\"%d\"}}",
                                    i ? ",\n" : "", i, 1000 + i);
        used += (size_t)sprintf(text + used, form == 0 ? "]" : "],\"@attr\":{\"user\":\"u\"}}}");
        struct temp_file file;
        temp_file_gzip(&file, text, used);
        const struct log_options options = {.user = form == 0 ? "u" : NULL};
        struct err err = {0};
        struct log *log = log_open(file.path, &options, &err);
        if (!log)
            fail_msg("%s", err.text);
        struct scrobble s;
        for (int i = 0; i < rows; i++) {
            char track[16];
            int size = snprintf(track, sizeof track, "\"%d[", i);
            assert_int_equal(log_next(log, &s, &err), 1);
            assert_true(s.time.ms == (1000 + i) * INT64_C(1000));
            assert_int_equal(s.track.size, size);
            assert_memory_equal(s.track.data, track, s.track.size);
        }
        assert_int_equal(log_next(log, &s, &err), 0);
        assert_int_equal(log_counts(log).rejected, 0);
        log_free(log);
        temp_file_remove(&file);
    }
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_log_packing_archives),
        cmocka_unit_test(test_log_packing_xz_alone_is_named),
        cmocka_unit_test(test_log_packing_cut_off_archives),
        cmocka_unit_test(test_log_packing_zstd_and_pipes_are_the_same),
        cmocka_unit_test(test_log_packing_values_across_blocks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
