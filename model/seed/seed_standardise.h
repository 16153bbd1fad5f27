/* seed_standardise.h - the three columns that the re-implemented system standardised (length of the
 * session before, average, label; starts and ids stay as they are), and the error it made in doing
 * so, as a step of its own. Pure.
 *
 * The error: the standardised columns were put beside the other seven by row labels that no longer
 * belonged to them. A row that stands at place k of its user's file got all three columns, its
 * label among them, from row k of the whole set in the order of start. So the people of a set share
 * the labels of its first sessions, and the rows come out in the order of their places. */
#ifndef OUTRO_SEED_SEED_STANDARDISE_H
#define OUTRO_SEED_SEED_STANDARDISE_H

#include "core/err.h"
#include "seed/seed_rows.h"

enum { SEED_SCALED = 3 }; /* previous, average, label */

struct seed_scaler {
    double mean[SEED_SCALED], sd[SEED_SCALED]; /* population; a deviation of 0 counts as 1 */
};

/** Fits to rows; no row at all gives mean 0, deviation 1. */
void seed_scaler_fit(struct seed_scaler *scaler, const struct seed_rows *rows);
/** Standardises the three columns, each row its own. */
void seed_scaler_apply(const struct seed_scaler *scaler, struct seed_rows *rows);
/** Makes the error: rows in the order of their set come out ordered by place, each with the three
 * columns of another. A place beyond the set (none in whole files) has no such row: it is left out.
 *  @return 0, -1 with ERR_MEMORY */
int seed_rows_misjoin(struct seed_rows *rows, struct err *err) MUST_CHECK;

#endif
