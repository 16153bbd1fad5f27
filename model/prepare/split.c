#include "prepare/split.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/random.h"
#include "data/line_reader.h"

/* Streams of the seed. */
enum { STREAM_USERS, STREAM_CUTS };

const char *split_name(enum split_part part)
{
    static const char *const NAMES[SPLIT_PARTS] = {"train", "test", "validate"};
    return NAMES[part];
}

/* @return whether text is a number at all */
static bool read_fraction(const char *text, double *out)
{
    char *end;
    *out = strtod(text, &end);
    return end != text && *end == '\0';
}

/* Marks the users that a file names, one a line. */
static int mark_named(struct split *split, const char *path, enum split_part part,
                      const struct history *history, struct err *err)
{
    struct line line;
    int status;
    struct line_reader *reader = line_reader_open(path, err);
    if (!reader)
        return -1;
    while ((status = line_reader_next(reader, &line, err)) > 0) {
        uint32_t user;
        if (line.text.size == 0)
            continue;
        if (!key_index_find(&history->user_index, index_key_of(line.text), &user)) {
            status = err_set(err, ERR_INPUT, "%s:%" PRIu64 ": user %.*s is not in the log", path,
                             line.number, line_printable(line.text), line.text.data);
            break;
        }
        if (split->users[user].later != SPLIT_TRAIN && split->users[user].later != part) {
            status = err_set(err, ERR_INPUT,
                             "%s:%" PRIu64 ": user %s is to be tested already: name each once",
                             path, line.number, history->users[user].id);
            break;
        }
        split->users[user].later = part;
    }
    line_reader_free(reader);
    return status;
}

/* Marks a fraction of all users among those that have no part yet, which stand at the end of
 * drawn[]. */
static int mark_drawn(struct split *split, double fraction, enum split_part part, uint32_t *drawn,
                      size_t *left, uint32_t users, struct err *err)
{
    if (!(fraction >= 0 && fraction <= 1))
        return err_set(err, ERR_USAGE, "a fraction of the users is from 0 to 1, not %g", fraction);
    size_t wanted = (size_t)llround(fraction * users);
    while (wanted > 0 && *left > 0) {
        uint32_t user = drawn[--*left];
        if (split->users[user].later != SPLIT_TRAIN)
            continue;
        split->users[user].later = part;
        wanted--;
    }
    return wanted == 0 ? 0
                       : err_set(err, ERR_USAGE,
                                 "--test-users and --validate-users ask for %zu more of the %u "
                                 "users than there are",
                                 wanted, users);
}

static int by_id(const void *a, const void *b, void *ctx)
{
    const struct history_user *users = ctx;
    return strcmp(users[*(const uint32_t *)a].id, users[*(const uint32_t *)b].id);
}

/* Numbers of all users by their ids, so that a draw does not hang on the order of the log. @return
 * new, or NULL with ERR_MEMORY */
static uint32_t *users_by_id(const struct history *history, struct err *err)
{
    uint32_t count = history_users(history);
    uint32_t *users = malloc(count * sizeof *users);
    if (!users) {
        err_set(err, ERR_MEMORY, "out of memory for %u users", count);
        return NULL;
    }
    for (uint32_t i = 0; i < count; i++)
        users[i] = i;
    qsort_r(users, count, sizeof *users, by_id, history->users);
    return users;
}

static int mark_users(struct split *split, const struct split_options *options,
                      const struct history *history, struct err *err)
{
    const struct {
        const char *text;
        enum split_part part;
    } WANTED[] = {{options->test_users, SPLIT_TEST}, {options->validate_users, SPLIT_VALIDATE}};
    uint32_t users = history_users(history);
    size_t left = users;
    struct random random;
    double fraction;
    uint32_t *drawn = users_by_id(history, err);
    if (!drawn)
        return -1;
    random_init(&random, options->seed, STREAM_USERS);
    random_shuffle(&random, drawn, users);
    int status = 0;
    /* Those with a name first, so that a draw does not take them. */
    for (size_t i = 0; i < 2 && status == 0; i++)
        if (WANTED[i].text && !read_fraction(WANTED[i].text, &fraction))
            status = mark_named(split, WANTED[i].text, WANTED[i].part, history, err);
    for (size_t i = 0; i < 2 && status == 0; i++)
        if (WANTED[i].text && read_fraction(WANTED[i].text, &fraction))
            status = mark_drawn(split, fraction, WANTED[i].part, drawn, &left, users, err);
    free(drawn);
    return status;
}

/* For all: one user's cut does not hang on who else is tested. */
static int draw_cuts(struct split *split, const struct split_options *options,
                     const struct history *history, struct err *err)
{
    struct random random;
    uint32_t *order = users_by_id(history, err);
    if (!order)
        return -1;
    random_init(&random, options->seed, STREAM_CUTS);
    for (uint32_t i = 0; i < history_users(history); i++) {
        double drawn = .5 + random_uniform(&random) / 2;
        split->users[order[i]].cut = options->cut >= 0 ? options->cut : drawn;
    }
    free(order);
    return 0;
}

int split_make(struct split *split, const struct split_options *options,
               const struct history *history, struct err *err)
{
    uint32_t users = history_users(history);
    *split = (struct split){.date = options->date, .users = calloc(users, sizeof *split->users)};
    if (!split->users)
        return err_set(err, ERR_MEMORY, "out of memory for %u users", users);
    if (mark_users(split, options, history, err) < 0) {
        split_clear(split);
        return -1;
    }
    if (draw_cuts(split, options, history, err) < 0) {
        split_clear(split);
        return -1;
    }
    return 0;
}

void split_clear(struct split *split)
{
    free(split->users);
    *split = (struct split){0};
}
