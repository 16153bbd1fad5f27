#include "core/big_alloc.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

void *big_alloc(size_t size, bool huge)
{
    if (size > (size_t)-1 / 2)
        return NULL;
    size_t whole = (size + BIG_PAGE_BYTES - 1) & ~(BIG_PAGE_BYTES - 1);
    void *memory = aligned_alloc(BIG_PAGE_BYTES, whole);
    if (memory && huge)
        (void)madvise(memory, whole,
                      MADV_HUGEPAGE); /* advice: without it all is slower, nothing is wrong */
    return memory;
}

void *big_zeros(size_t size)
{
    if (size < BIG_PAGE_BYTES)
        return calloc(1, size ? size : 1);
    void *memory = big_alloc(size, true);
    return memory ? memset(memory, 0, size) : NULL;
}
