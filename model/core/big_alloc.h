/* big_alloc.h - memory for large tables that are read at random: aligned to huge pages, and on them
 * where the system lets us ask, since at a million users half the cost of an event is finding the
 * page. */
#ifndef OUTRO_CORE_BIG_ALLOC_H
#define OUTRO_CORE_BIG_ALLOC_H

#include <stdbool.h>
#include <stddef.h>

#define BIG_PAGE_BYTES ((size_t)2 << 20)

/** size bytes, not zeroed, given back by free(). @param huge ask for huge pages: for what will be
 * used to its end
 *  @return NULL when memory is out */
void *big_alloc(size_t size, bool huge);

/** size zero bytes, given back by free(), on huge pages if that is worth one. @return NULL when
 * memory is out */
void *big_zeros(size_t size);

#endif
