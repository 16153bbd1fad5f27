/* changelog_fixture.h - what tests of the changelog share: lives lived through the pipeline, and
 * records as lists and files. A file holds records one after the other: u8 bytes of the key, u16
 * bytes of the value (65535: none, a tombstone), key, value. Every function asserts that it worked.
 */
#ifndef OUTRO_TESTS_CHANGELOG_FIXTURE_H
#define OUTRO_TESTS_CHANGELOG_FIXTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stream/changelog.h"

#define LIFE_START_MS INT64_C(1241478000000)

/* A life by rule: the same numbers, the same life. The last session is open. */
struct life {
    uint32_t sessions;
    bool durations;      /* tracks have lengths, times have milliseconds */
    uint32_t days_apart; /* 0: by turns */
    uint32_t scrobbles;  /* of a session; 0: by turns */
};

void live(struct state_store *store, const char *user_id, const struct life *life);

struct changelog_record {
    struct slice key, value; /* value.data NULL: a tombstone */
};

struct record_list {
    struct changelog_record *record; /* keys and values owned */
    size_t count;
};

void list_add_user(struct record_list *list, const struct state_store *store,
                   enum changelog_kind kind, const char *user_id);
void list_add_tombstone(struct record_list *list, enum changelog_kind kind, const char *user_id);
void list_add_meta(struct record_list *list, const struct changelog_meta *meta);
/** All of them must be taken. */
void list_apply(const struct record_list *list, struct state_store *store);
void list_read(struct record_list *list, const char *path);
void list_release(struct record_list *list);

/* Who is in tests/fixtures/state/. */
#define GOLDEN_USERS 3
struct golden_user {
    const char *file, *user_id;
    struct life life;
    int64_t input_offset;
};
extern const struct golden_user golden_users[GOLDEN_USERS];

/** Writes their records, as the version at hand has them, into folder. @return of main() */
int golden_write(const char *folder);

#endif
