#include "core/array.h"

#include <stdint.h>
#include <stdlib.h>

void *array_grow(void *array, size_t *capacity, size_t needed, size_t item_bytes)
{
    size_t more = *capacity ? *capacity : 64;
    if (needed <= *capacity)
        return array;
    while (more < needed)
        more *= 2;
    void *bigger = more <= SIZE_MAX / item_bytes ? realloc(array, more * item_bytes) : NULL;
    if (bigger)
        *capacity = more;
    return bigger;
}
