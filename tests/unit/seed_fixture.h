/* seed_fixture.h - rows of the re-implemented system for tests: short to write. Header only. */
#ifndef OUTRO_TESTS_SEED_FIXTURE_H
#define OUTRO_TESTS_SEED_FIXTURE_H

#include <assert.h>

#include "seed/seed_rows.h"

/** Adds one; place counts up within a user whose rows are added one behind the other. */
static inline void seed_fixture_add(struct seed_rows *rows, double start, uint32_t user,
                                    double previous_s, double average_s, double length_s)
{
    const struct seed_row *last = rows->count ? &rows->row[rows->count - 1] : NULL;
    struct seed_row row = {.input = {[SEED_START] = start,
                                     [SEED_USER] = user,
                                     [SEED_PREVIOUS] = previous_s,
                                     [SEED_AVERAGE] = average_s},
                           .length_s = length_s,
                           .place = last && seed_user(last) == user ? last->place + 1 : 0};
    row.input[SEED_SESSION] = row.place + 1;
    int added = seed_rows_add(rows, &row, NULL);
    assert(added == 0);
}

#endif
