/* split.h - which users' later plays are kept for testing and which for validation, and from where
 * on. Users of a fraction are drawn, and so is the cut of each user where none is given, uniformly
 * from .5 to 1: from one seed, so that a draw can be repeated. */
#ifndef OUTRO_PREPARE_SPLIT_H
#define OUTRO_PREPARE_SPLIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"
#include "core/event_time.h"
#include "prepare/history.h"

enum split_part { SPLIT_TRAIN, SPLIT_TEST, SPLIT_VALIDATE, SPLIT_PARTS };

/** "train", "test", "validate" */
const char *split_name(enum split_part part);

struct split_options {
    const char *test_users; /* a file of ids, one a line, or a fraction 0 .. 1; NULL: nobody */
    const char *validate_users;
    double cut; /* what share of a user's plays comes before; negative: drawn for each */
    struct event_time date; /* sessions that start from here on are tests, for everybody;
                               EVENT_TIME_NEVER: by users and cut */
    uint64_t seed;
};

struct split_user {
    enum split_part later; /* where the later plays go; SPLIT_TRAIN: there are none */
    double cut;
};

struct split {
    struct split_user *users; /* by number */
    struct event_time date;
};

/** @return 0; -1: ERR_IO, ERR_INPUT (a file that names nobody of the log), ERR_USAGE, ERR_MEMORY */
int split_make(struct split *split, const struct split_options *options,
               const struct history *history, struct err *err) MUST_CHECK;
void split_clear(struct split *split);

#endif
