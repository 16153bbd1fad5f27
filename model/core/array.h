/* array.h - room at the end of an array that grows. */
#ifndef OUTRO_CORE_ARRAY_H
#define OUTRO_CORE_ARRAY_H

#include <stddef.h>

/** Room for `needed` items, the capacity doubled until it is enough (64 at first); new room is not
 * zeroed.
 *  @param array from malloc, or NULL with capacity 0  @param capacity items, updated
 *  @return the array, perhaps moved; NULL without memory, the old one then still stands */
void *array_grow(void *array, size_t *capacity, size_t needed, size_t item_bytes)
    __attribute__((warn_unused_result));

#endif
