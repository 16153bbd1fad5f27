/* seed_rows.h - the summary files of the re-implemented system as rows: one finished session of a
 * user each, the nine columns before its label as inputs, the label behind them. And the people of
 * a cluster. No order is kept but the one said. */
#ifndef OUTRO_SEED_SEED_ROWS_H
#define OUTRO_SEED_SEED_ROWS_H

#include <stddef.h>
#include <stdint.h>

#include "core/err.h"

enum seed_input {
    SEED_START,      /* epoch seconds */
    SEED_USER,       /* number of the user */
    SEED_SESSION,    /* number of the session, from 1 */
    SEED_GENDER,     /* 1 m, 0 f, -1 unknown */
    SEED_AGE,        /* years, 0 unknown */
    SEED_COUNTRY,    /* id of a vocabulary, 0 unknown */
    SEED_REGISTERED, /* epoch seconds, 0 unknown */
    SEED_PREVIOUS,   /* length of the session before, s; 0 in the first */
    SEED_AVERAGE,    /* of all lengths before, s; 0 in the first */
    SEED_INPUTS
};

struct seed_row {
    double input[SEED_INPUTS];
    double length_s;
    uint32_t place; /* number of the row in its user's file, from 0 */
};

/* Zero to begin. */
struct seed_rows {
    struct seed_row *row; /* (count) owned */
    size_t count, capacity;
};

/* The three sets; each holds its users one behind the other, a user's rows as their file has them.
 */
struct seed_data {
    struct seed_rows train, validate, test;
};

static inline uint32_t seed_user(const struct seed_row *row)
{
    return (uint32_t)row->input[SEED_USER];
}

void seed_rows_release(struct seed_rows *rows);
void seed_data_release(struct seed_data *data);

/** @return 0, -1 with ERR_MEMORY */
int seed_rows_add(struct seed_rows *rows, const struct seed_row *row, struct err *err) MUST_CHECK;
/** Appends one user's summary file: ten numbers a line between tabs, LF or CRLF, no header.
 *  @return 0, or -1: ERR_IO, ERR_MEMORY, ERR_INPUT with file, line and reason */
int seed_rows_read(struct seed_rows *rows, const char *path, struct err *err) MUST_CHECK;
/** How many users; each one's rows lie together. */
size_t seed_rows_users(const struct seed_rows *rows);
/** Ascending start; equal starts keep their order. @return 0, -1 with ERR_MEMORY */
int seed_rows_sort(struct seed_rows *rows, struct err *err) MUST_CHECK;

/** The value that a share of them lies below, between two of them by their distance (numpy's
 * linear form). @param values (count > 0) sorted in place  @param percent 0 .. 100 */
double seed_percentile(double *values, size_t count, double percent);
/** Keeps the rows whose label, and whose session before, is shorter than that percentile of the
 * labels: what no honest test may do. @return 0, -1 with ERR_MEMORY */
int seed_rows_filter(struct seed_rows *rows, double percent, struct err *err) MUST_CHECK;

struct seed_member {
    uint32_t user;
    uint32_t cluster; /* from 0 */
};

/* Zero to begin. */
struct seed_members {
    struct seed_member *member; /* (count) owned, ascending users once sorted */
    size_t count, capacity;
    uint32_t clusters;
};

void seed_members_release(struct seed_members *members);
int seed_members_add(struct seed_members *members, struct seed_member member,
                     struct err *err) MUST_CHECK;
/** Once all are added. @return 0, or -1 with ERR_INPUT: a user who is in two clusters */
int seed_members_sort(struct seed_members *members, struct err *err) MUST_CHECK;
/** @param members NULL: everybody is in cluster 0  @return its number, or -1 for nobody's */
int64_t seed_members_find(const struct seed_members *members, uint32_t user);

/** Appends the rows of a cluster's people, in the order of from.  @return 0, -1 with ERR_MEMORY */
int seed_rows_of_cluster(const struct seed_rows *from, const struct seed_members *members,
                         uint32_t cluster, struct seed_rows *out, struct err *err) MUST_CHECK;

#endif
