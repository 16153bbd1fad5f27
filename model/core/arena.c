#include "core/arena.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct arena_block {
    struct arena_block *next;
    max_align_t data[];
};

void arena_init(struct arena *arena, size_t block_bytes)
{
    *arena = (struct arena){.block_bytes = block_bytes};
}

void arena_clear(struct arena *arena)
{
    struct arena_block *block = arena->head;
    while (block) {
        struct arena_block *next = block->next;
        free(block);
        block = next;
    }
    arena_init(arena, arena->block_bytes);
}

void *arena_alloc(struct arena *arena, size_t size)
{
    if (size > SIZE_MAX / 2)
        return NULL;
    size = (size + 7) & ~(size_t)7;
    if (!arena->head || arena->capacity - arena->used < size) {
        size_t capacity = size > arena->block_bytes ? size : arena->block_bytes;
        struct arena_block *block = malloc(sizeof *block + capacity);
        if (!block)
            return NULL;
        block->next = arena->head;
        arena->head = block;
        arena->used = 0;
        arena->capacity = capacity;
        arena->total_bytes += sizeof *block + capacity;
    }
    void *memory = (char *)arena->head->data + arena->used;
    arena->used += size;
    return memory;
}

char *arena_copy(struct arena *arena, const char *data, size_t size)
{
    char *copy = arena_alloc(arena, size + 1);
    if (copy) {
        memcpy(copy, data, size);
        copy[size] = '\0';
    }
    return copy;
}
