/* profiles.h - user profiles in the Last.fm-1K form: `#id gender age country registered`,
 * tab-separated, every field but the id may be empty. Read-only once loaded. */
#ifndef OUTRO_DATA_PROFILES_H
#define OUTRO_DATA_PROFILES_H

#include <stddef.h>
#include <stdint.h>

#include "core/err.h"
#include "core/scrobble.h"

struct profile {
    char user_id[USER_ID_MAX + 1];
    int gender;           /* 1 m, 0 f, -1 unknown */
    int age;              /* years; 0 unknown */
    char country[64];     /* as written; "" unknown */
    int64_t registered_s; /* epoch seconds of that day, UTC; 0 unknown */
    char registered[16];  /* as written */
};

struct profiles;

/** @return new table in file order, or NULL with file, line and reason */
struct profiles *profiles_load(const char *path, struct err *err) MUST_CHECK;
/** Borrowed, NULL when unknown; profiles may be NULL. */
const struct profile *profiles_find(const struct profiles *profiles, struct slice user_id);
/** In file order. @param i below profiles_count */
const struct profile *profiles_at(const struct profiles *profiles, size_t i);
size_t profiles_count(const struct profiles *profiles);
void profiles_free(struct profiles *profiles); /* NULL is fine */

#endif
