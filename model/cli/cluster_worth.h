/* cluster_worth.h - what a clustering of a log's people is worth to the predictor: a net for each
 * cluster beside the global one, and beside nets of random partitions. Publishes nothing. */
#ifndef OUTRO_CLI_CLUSTER_WORTH_H
#define OUTRO_CLI_CLUSTER_WORTH_H

#include "cli/people.h"
#include "cluster/clustering.h"
#include "core/err.h"

/** Trains by the default recipe, as `outro train --clusters --against-random` does, and prints its
 * tables. @param source of a log that can be read again  @param of finished, of its people
 *  @param min_users a cluster of fewer keeps the global net  @return 0, or -1: ERR_USAGE (standard
 * input), ERR_INPUT (a column that no user's record keeps), whatever training says */
int cluster_worth(const struct people_source *source, const struct clustering *of,
                  uint32_t against_random, uint64_t min_users, struct err *err) MUST_CHECK;

#endif
