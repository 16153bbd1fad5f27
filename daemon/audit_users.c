#include "daemon/audit_users.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "core/hash.h"

void audit_users_release(struct audit_users *users)
{
    free(users->user);
    free(users->index);
    *users = (struct audit_users){0};
}

/* Where id is, or would be. Needs an index with room. */
static size_t slot_of(const struct audit_users *users, struct slice id)
{
    size_t at = hash_bytes(id.data, id.size, 0) & (users->slots - 1);
    for (; users->index[at]; at = (at + 1) & (users->slots - 1)) {
        const struct audit_user *user = &users->user[users->index[at] - 1];
        if (user->id_size == id.size && memcmp(user->id, id.data, id.size) == 0) {
            break;
        }
    }
    return at;
}

struct audit_user *audit_users_find(const struct audit_users *users, struct slice id)
{
    if (users->slots == 0 || !id.data) {
        return NULL;
    }
    uint32_t number = users->index[slot_of(users, id)];
    return number ? &users->user[number - 1] : NULL;
}

static int grow(struct audit_users *users, struct err *err)
{
    size_t capacity = users->capacity ? 2 * users->capacity : 256;
    struct audit_user *grown = realloc(users->user, capacity * sizeof *grown);
    if (!grown) {
        return err_set(err, ERR_MEMORY, "out of memory");
    }
    users->user = grown;
    uint32_t *index = calloc(2 * capacity, sizeof *index);
    if (!index) {
        return err_set(err, ERR_MEMORY, "out of memory");
    }
    free(users->index);
    users->index = index;
    users->slots = 2 * capacity;
    users->capacity = capacity;
    for (size_t i = 0; i < users->count; i++) {
        struct slice id = {users->user[i].id, users->user[i].id_size};
        users->index[slot_of(users, id)] = (uint32_t)i + 1;
    }
    return 0;
}

struct audit_user *audit_users_at(struct audit_users *users, struct slice id, int32_t partition,
                                  struct err *err)
{
    struct audit_user *user = audit_users_find(users, id);
    if (user) {
        user->split |= user->partition != partition;
        return user;
    }
    if (id.size == 0 || id.size > USER_ID_MAX) {
        err_set(err, ERR_INPUT, "a user id of %zu bytes", id.size);
        return NULL;
    }
    if (users->count == users->capacity && grow(users, err) != 0) {
        return NULL;
    }
    assert(users->user);
    user = &users->user[users->count++];
    *user = (struct audit_user){.id_size = (uint8_t)id.size, .partition = partition};
    memcpy(user->id, id.data, id.size);
    users->index[slot_of(users, id)] = (uint32_t)users->count;
    return user;
}

static void tally(struct audit_tally *tally, const struct audit_entry *entry)
{
    uint64_t key = (uint64_t)entry->key.session << 32 | entry->key.number;
    tally->digest = hash_mix(hash_mix(tally->digest ^ key) ^ entry->hash);
    tally->count++;
}

void audit_user_expect(struct audit_user *user, enum audit_stream stream,
                       const struct audit_entry *entry)
{
    if (entry->open) {
        user->open = *entry;
        return;
    }
    struct audit_tally *expected = &user->expected[stream];
    tally(expected, entry);
    expected->last = entry->key;
}

/* One more than the input gives up to the committed offset. */
static bool may_be_beyond(const struct audit_user *user, enum audit_stream stream,
                          const struct audit_rules *rules, const struct audit_entry *entry)
{
    bool is_open = stream == AUDIT_SESSIONS && user->open.open &&
                   audit_key_compare(user->open.key, entry->key) == 0 &&
                   user->open.hash == entry->hash;
    if (rules->by_the_clock && is_open &&
        user->published[stream].count == user->expected[stream].count) {
        return true;
    }
    return rules->ahead && audit_key_compare(entry->key, user->expected[stream].last) > 0;
}

void audit_user_publish(struct audit_user *user, enum audit_stream stream,
                        const struct audit_rules *rules, const struct audit_entry *entry)
{
    struct audit_tally *published = &user->published[stream];
    const struct audit_tally *expected = &user->expected[stream];
    if (published->count >= expected->count) {
        user->suspect[stream] |= !may_be_beyond(user, stream, rules, entry);
        published->count++;
        return;
    }
    tally(published, entry);
    if (published->count == expected->count && published->digest != expected->digest) {
        user->suspect[stream] = true;
    }
}

bool audit_user_settle(struct audit_user *user)
{
    bool any = false;
    for (int stream = 0; stream < AUDIT_STREAMS; stream++) {
        user->suspect[stream] |= user->published[stream].count < user->expected[stream].count;
        any |= user->suspect[stream];
    }
    return any;
}
