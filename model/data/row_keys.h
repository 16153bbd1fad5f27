/* row_keys.h - packed rows by reference, in ascending order of their time.
 * Stable, O(n): least-significant-digit radix sort. Source: D. Knuth, TAOCP 3, 5.2.5. */
#ifndef OUTRO_DATA_ROW_KEYS_H
#define OUTRO_DATA_ROW_KEYS_H

#include <stddef.h>
#include <stdint.h>

#include "data/packed_row.h"

struct row_key {
    uint64_t time_ms;             /* below 2^44 */
    const struct packed_row *row; /* borrowed */
};

/** Sorts count keys. @param scratch count keys of room  @return where the sorted keys are: keys or
 * scratch */
struct row_key *row_keys_sort(struct row_key *keys, struct row_key *scratch, size_t count);

#endif
