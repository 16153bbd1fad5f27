/* arena.h - memory that is given back all at once: blocks of at least block_bytes, chained.
 * For names and rows that live as long as their table. */
#ifndef OUTRO_CORE_ARENA_H
#define OUTRO_CORE_ARENA_H

#include <stddef.h>

struct arena {
    struct arena_block *head;
    size_t used, capacity; /* of the head block, bytes */
    size_t block_bytes;
    size_t total_bytes; /* of all blocks: what the arena costs */
};

/** Caller's memory; allocates nothing yet. */
void arena_init(struct arena *arena, size_t block_bytes);
/** Frees every block; the arena may be used again. */
void arena_clear(struct arena *arena);
/** size bytes aligned to 8, not zeroed; NULL when memory is out. Borrowed until arena_clear. */
void *arena_alloc(struct arena *arena, size_t size);
/** Copy of size bytes with a NUL behind; NULL when memory is out. */
char *arena_copy(struct arena *arena, const char *data, size_t size);

#endif
