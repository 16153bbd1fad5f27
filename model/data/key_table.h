/* key_table.h - small positive numbers by 128-bit keys (two hashes: wide enough that two things are
 * never taken for one). Open addressing, 24 bytes a place, at most half full. Not thread-safe. */
#ifndef OUTRO_DATA_KEY_TABLE_H
#define OUTRO_DATA_KEY_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "core/err.h"

struct table_key {
    uint64_t high, low; /* low is never 0 */
};

struct key_table;

struct key_table *key_table_new(struct err *err) MUST_CHECK; /* NULL with ERR_MEMORY */
void key_table_free(struct key_table *table);                /* NULL is fine */

/** 0 when there is nothing under key. */
uint32_t key_table_get(const struct key_table *table, struct table_key key);
/** @param value 0 takes out what is there  @return 0, -1 ERR_MEMORY */
int key_table_set(struct key_table *table, struct table_key key, uint32_t value,
                  struct err *err) MUST_CHECK;
size_t key_table_count(const struct key_table *table);

#endif
