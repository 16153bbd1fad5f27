/* seed_clusters.h - people in clusters as the re-implemented system put them: five, by the number
 * of the user and the average length of their sessions, neither standardised; by k-means, or
 * spectrally by nearest neighbours. Of those with more than 30 training sessions and an average
 * below 20,000 s; the others are in none. */
#ifndef OUTRO_CLI_SEED_CLUSTERS_H
#define OUTRO_CLI_SEED_CLUSTERS_H

#include <stdbool.h>
#include <stdint.h>

#include "core/err.h"
#include "seed/seed_rows.h"

/** @param train each user's rows in their order  @param seed the same, the same clusters
 *  @param members out, sorted, none when there are fewer than five such people; release it either
 * way
 *  @return 0, or -1: ERR_CHECK, ERR_MEMORY */
int seed_clusters_make(const struct seed_rows *train, bool spectral, uint64_t seed,
                       struct seed_members *members, struct err *err) MUST_CHECK;

#endif
