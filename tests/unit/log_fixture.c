#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <inttypes.h>

#include "log_fixture.h"

void log_describe(struct log *log, char *out, size_t capacity)
{
    struct scrobble s;
    struct err err = {0};
    size_t used = 0;
    int status;
    out[0] = '\0';
    while ((status = log_next(log, &s, &err)) > 0)
        used += (size_t)snprintf(
            out + used, capacity - used, "%.*s@%" PRId64 " %.*s/%.*s [%.*s|%.*s] %" PRId64 "\n",
            (int)s.user_id.size, s.user_id.data, s.time.ms, (int)s.artist.size, s.artist.data,
            (int)s.track.size, s.track.data, (int)s.artist_mbid.size, s.artist_mbid.data,
            (int)s.track_mbid.size, s.track_mbid.data, s.duration_ms);
    assert_int_equal(status, 0);
    assert_true(used < capacity);
}

void log_case_check(const struct log_case *c, const char *path)
{
    char *complaints = NULL, found[4096];
    size_t size = 0;
    FILE *stream = open_memstream(&complaints, &size);
    assert_non_null(stream);
    const struct log_options options = {
        .order = c->order, .form = c->form, .user = c->user, .complaints = stream};
    struct err err = {0};
    struct log *log = log_open(path, &options, &err);
    fclose(stream);
    if (c->fails) {
        if (log || !strstr(err.text, c->fails))
            fail_msg("%s: says \"%s\", not \"%s\"", c->name, err.text, c->fails);
        assert_int_equal(err.code, ERR_INPUT);
        assert_non_null(strstr(err.text, path));
    } else {
        if (!log)
            fail_msg("%s: %s", c->name, err.text);
        log_describe(log, found, sizeof found);
        struct log_counts counts = log_counts(log);
        if (strcmp(found, c->expected) != 0 || counts.rejected != c->rejected ||
            counts.skipped != c->skipped)
            fail_msg("%s: %llu bad, %llu no listens, rows\n%s complaints\n%s", c->name,
                     (unsigned long long)counts.rejected, (unsigned long long)counts.skipped, found,
                     complaints);
        if (c->says && !strstr(complaints, c->says))
            fail_msg("%s: says \"%s\", not \"%s\"", c->name, complaints, c->says);
        assert_true((c->rejected == 0) == (size == 0));
    }
    log_free(log);
    free(complaints);
}

void log_cases_run(const struct log_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++)
        for (int gzip = 0; gzip < 2; gzip++) {
            struct temp_file file;
            if (gzip)
                temp_file_gzip(&file, cases[i].content, strlen(cases[i].content));
            else
                temp_file_text(&file, cases[i].content);
            log_case_check(&cases[i], file.path);
            temp_file_remove(&file);
        }
}
