#include "data/key_table.h"

#include <assert.h>
#include <stdlib.h>

#include "core/hash.h"

enum { FIRST_CAPACITY = 1024 };

struct entry {
    struct table_key key; /* low 0 where the place is free */
    uint32_t value;       /* 0: taken out; the place stays until the table grows */
};

struct key_table {
    struct entry *entries; /* (capacity) */
    size_t capacity, taken, count;
};

static struct entry *place_of(const struct key_table *table, struct table_key key)
{
    size_t mask = table->capacity - 1;
    size_t at = (size_t)hash_mix(key.high + 3 * key.low) & mask;
    for (;; at = (at + 1) & mask) {
        struct entry *entry = &table->entries[at];
        if (entry->key.low == 0 || (entry->key.low == key.low && entry->key.high == key.high))
            return entry;
    }
}

struct key_table *key_table_new(struct err *err)
{
    struct key_table *table = calloc(1, sizeof *table);
    if (table)
        table->entries = calloc(FIRST_CAPACITY, sizeof *table->entries);
    if (!table || !table->entries) {
        key_table_free(table);
        err_set(err, ERR_MEMORY, "out of memory");
        return NULL;
    }
    table->capacity = FIRST_CAPACITY;
    return table;
}

void key_table_free(struct key_table *table)
{
    if (!table)
        return;
    free(table->entries);
    free(table);
}

/* Places of what was taken out are free again afterwards. */
static int grow(struct key_table *table, struct err *err)
{
    struct key_table larger = {.capacity = table->capacity};
    while (2 * (table->count + 1) > larger.capacity / 2)
        larger.capacity *= 2;
    larger.entries = calloc(larger.capacity, sizeof *larger.entries);
    if (!larger.entries)
        return err_set(err, ERR_MEMORY, "out of memory for %zu keys", table->count + 1);
    for (size_t i = 0; i < table->capacity; i++)
        if (table->entries[i].value != 0)
            *place_of(&larger, table->entries[i].key) = table->entries[i];
    larger.taken = larger.count = table->count;
    free(table->entries);
    *table = larger;
    return 0;
}

uint32_t key_table_get(const struct key_table *table, struct table_key key)
{
    return place_of(table, key)->value;
}

int key_table_set(struct key_table *table, struct table_key key, uint32_t value, struct err *err)
{
    assert(key.low != 0);
    if (2 * (table->taken + 1) > table->capacity && grow(table, err) < 0)
        return -1;
    struct entry *place = place_of(table, key);
    if (place->key.low == 0 && value == 0)
        return 0;
    table->taken += place->key.low == 0;
    table->count += (value != 0) - (place->value != 0);
    *place = (struct entry){key, value};
    return 0;
}

size_t key_table_count(const struct key_table *table)
{
    return table->count;
}
