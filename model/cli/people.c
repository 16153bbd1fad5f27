#include "cli/people.h"

#include <stdlib.h>
#include <string.h>

#include "cli/log_pass.h"
#include "core/array.h"
#include "data/durations.h"
#include "data/line_reader.h"
#include "data/profile_row.h"
#include "data/profiles.h"
#include "stream/user_columns.h"

_Static_assert(PROFILE_NUMBERS == USER_COLUMNS, "the columns stand in the order of the file");

static bool is_wanted(const struct people_source *source, const double column[USER_COLUMNS])
{
    return (source->min_rows == 0 || column[COLUMN_TOTAL_ROWS] >= (double)source->min_rows) &&
           column[COLUMN_TOTAL_SESSIONS] >= (double)source->min_sessions &&
           (source->max_average == 0 || column[COLUMN_AVERAGE_LENGTH] < source->max_average);
}

static int add(struct people *people, const struct people_source *source, const char *user_id,
               const double column[USER_COLUMNS], struct err *err)
{
    if (!is_wanted(source, column)) {
        people->left_out++;
        return 0;
    }
    struct person *grown =
        array_grow(people->person, &people->capacity, people->count + 1, sizeof *people->person);
    if (!grown)
        return err_set(err, ERR_MEMORY, "out of memory for %zu people", people->count);
    people->person = grown;
    struct person *person = &people->person[people->count++];
    *person = (struct person){0};
    memcpy(person->user_id, user_id, strnlen(user_id, USER_ID_MAX));
    memcpy(person->column, column, sizeof person->column);
    return 0;
}

/* ---- a file of profiles ---- */

static int read_rows(const struct people_source *source, struct line_reader *reader,
                     struct people *people, struct err *err)
{
    struct line line;
    int more;
    while ((more = line_reader_next(reader, &line, err)) > 0) {
        struct profile_row row;
        if (line.text.size == 0 && !line.too_long)
            continue;
        if (profile_row_parse(line.text, &row, err))
            return err_prefix(err, "%s:%llu", source->path, (unsigned long long)line.number);
        if (add(people, source, row.user_id, row.number, err))
            return -1;
    }
    return more;
}

/* Whether its first line is a row of profiles. @return 1, 0, or -1 with err */
static int is_profiles(const char *path, struct err *err)
{
    struct line line;
    struct profile_row row;
    if (strcmp(path, "-") == 0)
        return 0;
    struct line_reader *reader = line_reader_open(path, err);
    if (!reader)
        return -1;
    int result = line_reader_next(reader, &line, err);
    if (result > 0)
        result = profile_row_parse(line.text, &row, NULL) == 0;
    line_reader_free(reader);
    return result;
}

static int read_profiles(const struct people_source *source, struct people *people, struct err *err)
{
    struct line_reader *reader = line_reader_open(source->path, err);
    if (!reader)
        return -1;
    for (int c = 0; c < USER_COLUMNS; c++)
        people->has[c] = true;
    int result = read_rows(source, reader, people, err);
    line_reader_free(reader);
    return result;
}

/* ---- a log ---- */

struct gather {
    struct people *people;
    const struct people_source *source;
    const struct profiles *profiles;
};

static int gather(void *ctx, struct state_store *store, struct err *err)
{
    struct gather *g = ctx;
    const struct user_slot *slot;
    for (size_t cursor = 0; (slot = state_store_next(store, &cursor));) {
        char user_id[USER_ID_MAX + 1] = {0};
        double column[USER_COLUMNS];
        struct slice id = {slot->state.user_id, slot->state.user_id_size};
        memcpy(user_id, id.data, id.size);
        user_columns(state_store_layout(store), &slot->state, profiles_find(g->profiles, id),
                     column);
        if (add(g->people, g->source, user_id, column, err))
            return -1;
    }
    return 0;
}

static int read_log(const struct people_source *source, struct people *people, struct err *err)
{
    int result = -1;
    struct log *log = NULL;
    struct gather to = {.people = people, .source = source};
    struct profiles *profiles = NULL;
    struct durations *durations = NULL;
    struct log_options options = {.strict = source->strict};
    const struct log_pass pass = {.what = "reading sessions",
                                  .params = STREAM_PARAMS_DEFAULTS,
                                  .end = gather,
                                  .end_ctx = &to,
                                  .quiet = source->quiet};
    if (source->profiles_path && !(profiles = profiles_load(source->profiles_path, err)))
        goto out;
    if (source->durations_path && !(durations = durations_load(source->durations_path, err)))
        goto out;
    to.profiles = profiles;
    options.durations = durations;
    if (log_hints_read(&source->hints, &options.form, &options.user, err))
        goto out;
    log = open_log(source->path, &options, source->quiet, err);
    if (!log)
        goto out;
    for (int c = 0; c < USER_COLUMNS; c++)
        people->has[c] = user_columns_has((enum user_column)c);
    people->from_log = true;
    result = log_pass_run(log, &pass, err);
out:
    log_free(log);
    durations_free(durations);
    profiles_free(profiles);
    return result;
}

/* ---- both ---- */

static int by_user_id(const void *a, const void *b)
{
    return strcmp(((const struct person *)a)->user_id, ((const struct person *)b)->user_id);
}

/* A user twice would be in two clusters. */
static int sort(struct people *people, const char *path, struct err *err)
{
    if (people->count > 0)
        qsort(people->person, people->count, sizeof *people->person, by_user_id);
    for (size_t i = 1; i < people->count; i++)
        if (strcmp(people->person[i - 1].user_id, people->person[i].user_id) == 0)
            return err_set(err, ERR_INPUT, "%s: user %s stands twice", path,
                           people->person[i].user_id);
    return 0;
}

/* A filter or a file beside the wrong kind would be ignored in silence. */
static int check_kind(const struct people_source *source, bool profiles, struct err *err)
{
    if (!profiles && source->min_rows)
        return err_set(err, ERR_USAGE, "--min-rows: only a file of profiles says how many");
    if (profiles && (source->profiles_path || source->durations_path))
        return err_set(err, ERR_USAGE,
                       "%s goes with a LOG: %s is a table of profiles, whose columns are all there",
                       source->profiles_path ? "--profiles" : "--durations", source->path);
    return 0;
}

int people_read(const struct people_source *source, struct people *out, struct err *err)
{
    *out = (struct people){0};
    int profiles = is_profiles(source->path, err);
    if (profiles < 0 || check_kind(source, profiles, err))
        return -1;
    int result = profiles ? read_profiles(source, out, err) : read_log(source, out, err);
    if (result == 0)
        result = sort(out, source->path, err);
    if (result)
        people_release(out);
    return result;
}

void people_release(struct people *people)
{
    free(people->person);
    *people = (struct people){0};
}
