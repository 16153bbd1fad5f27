#include "data/row_keys.h"

#include <string.h>

enum { DIGIT_BITS = 11, DIGITS = 4, BUCKETS = 1 << DIGIT_BITS };

static inline size_t bucket_of(uint64_t time_ms, int digit)
{
    return time_ms >> (digit * DIGIT_BITS) & (BUCKETS - 1);
}

struct row_key *row_keys_sort(struct row_key *keys, struct row_key *scratch, size_t count)
{
    if (count < 2)
        return keys;
    size_t places[DIGITS][BUCKETS];
    memset(places, 0, sizeof places);
    for (size_t i = 0; i < count; i++)
        for (int digit = 0; digit < DIGITS; digit++)
            places[digit][bucket_of(keys[i].time_ms, digit)]++;

    for (int digit = 0; digit < DIGITS; digit++) {
        size_t *place = places[digit];
        if (place[bucket_of(keys[0].time_ms, digit)] == count)
            continue; /* all alike in this digit */
        size_t next = 0;
        for (size_t bucket = 0; bucket < BUCKETS; bucket++) {
            size_t here = place[bucket];
            place[bucket] = next;
            next += here;
        }
        for (size_t i = 0; i < count; i++)
            scratch[place[bucket_of(keys[i].time_ms, digit)]++] = keys[i];
        struct row_key *sorted = scratch;
        scratch = keys;
        keys = sorted;
    }
    return keys;
}
