#include "stream/changelog.h"

#include <assert.h>
#include <string.h>

#include "core/crc32c.h"
#include "stream/changelog_body.h"
#include "stream/user_check.h"

#define MAGIC_0         'O'
#define MAGIC_1         'S'
#define VERSION         1
#define VERSION_CLUSTER 2 /* of an open part that says a membership */

/* What every value begins with. */
struct value_header {
    uint8_t magic[2];
    uint8_t kind; /* enum changelog_kind */
    uint8_t version;
    uint32_t crc;  /* CRC-32C of the key and of everything behind this field */
    uint32_t size; /* bytes behind the header */
};

_Static_assert(sizeof(struct value_header) == 12, "its layout is a contract");

#define META_BODY 16

static const char *name_of(enum changelog_kind kind)
{
    return kind == CHANGELOG_META ? "meta" : kind == CHANGELOG_OPEN ? "open" : "history";
}

size_t changelog_key(enum changelog_kind kind, struct slice user_id, char out[CHANGELOG_KEY_MAX])
{
    out[0] = (char)kind;
    if (kind == CHANGELOG_META)
        return 1;
    assert(user_id.size >= 1 && user_id.size <= USER_ID_MAX);
    out[1] = ':';
    memcpy(out + 2, user_id.data, user_id.size);
    return 2 + user_id.size;
}

size_t changelog_value_max(const struct user_layout *layout)
{
    size_t open = open_body_max(layout), history = history_body_max(layout);
    return sizeof(struct value_header) + (open > history ? open : history);
}

/* ---- out ---- */

/* The checksum covers the key, so that a value never passes for another user's. */
static uint32_t value_crc(struct slice key, const uint8_t *value, size_t size)
{
    const size_t from = offsetof(struct value_header, size);
    return crc32c(value + from, size - from, crc32c(key.data, key.size, 0));
}

/* Puts the header before a body that is there already. @param end behind the body  @return bytes */
static size_t seal(enum changelog_kind kind, uint8_t version, struct slice user_id, uint8_t *value,
                   const uint8_t *end)
{
    char key[CHANGELOG_KEY_MAX];
    size_t size = (size_t)(end - value), key_size = changelog_key(kind, user_id, key);
    struct value_header header = {.magic = {MAGIC_0, MAGIC_1},
                                  .kind = (uint8_t)kind,
                                  .version = version,
                                  .size = (uint32_t)(size - sizeof header)};
    memcpy(value, &header, sizeof header);
    header.crc = value_crc((struct slice){key, key_size}, value, size);
    memcpy(value, &header, sizeof header);
    return size;
}

size_t changelog_encode_open(const struct user_layout *layout, const struct user_state *user,
                             void *out)
{
    uint8_t *value = out;
    uint8_t *end = open_body_put(layout, user, value + sizeof(struct value_header));
    uint8_t version = open_body_says_cluster(user) ? VERSION_CLUSTER : VERSION;
    return seal(CHANGELOG_OPEN, version, (struct slice){user->user_id, user->user_id_size}, value,
                end);
}

size_t changelog_encode_history(const struct user_layout *layout, const struct user_state *user,
                                void *out)
{
    uint8_t *value = out;
    uint8_t *end = history_body_put(layout, user, value + sizeof(struct value_header));
    return seal(CHANGELOG_HISTORY, VERSION, (struct slice){user->user_id, user->user_id_size},
                value, end);
}

size_t changelog_encode_meta(const struct changelog_meta *meta, void *out)
{
    uint8_t *value = out, *at = value + sizeof(struct value_header);
    at = put_fixed(at, (uint64_t)meta->input_offset, 8);
    at = put_fixed(at, (uint64_t)meta->stream_time.ms, 8);
    return seal(CHANGELOG_META, VERSION, (struct slice){0}, value, at);
}

/* ---- in ---- */

/* @return the kind, -1 for a key that is none of ours */
static int kind_of_key(struct slice key, struct slice *user_id)
{
    *user_id = (struct slice){0};
    if (key.size == 1 && key.data[0] == CHANGELOG_META)
        return CHANGELOG_META;
    if (key.size < 3 || key.size > CHANGELOG_KEY_MAX || key.data[1] != ':' ||
        (key.data[0] != CHANGELOG_OPEN && key.data[0] != CHANGELOG_HISTORY))
        return -1;
    *user_id = (struct slice){key.data + 2, key.size - 2};
    return key.data[0];
}

static int check_value(enum changelog_kind kind, struct slice key, struct slice value,
                       struct err *err)
{
    struct value_header header;
    if (value.size < sizeof header)
        return err_set(err, ERR_INPUT, "%zu bytes, less than a header", value.size);
    memcpy(&header, value.data, sizeof header);
    if (header.magic[0] != MAGIC_0 || header.magic[1] != MAGIC_1)
        return err_set(err, ERR_INPUT, "not one of Outro's (no OS at its start)");
    if (header.version != VERSION &&
        !(header.version == VERSION_CLUSTER && header.kind == CHANGELOG_OPEN))
        return err_set(err, ERR_INPUT, "version %u is unknown, this program reads %u%s",
                       header.version, VERSION, kind == CHANGELOG_OPEN ? " and 2" : "");
    if (header.kind != kind)
        return err_set(err, ERR_INPUT, "its kind, %u, is not that of its key", header.kind);
    if (header.size != value.size - sizeof header)
        return err_set(err, ERR_INPUT, "%zu bytes, its header says %zu", value.size,
                       sizeof header + header.size);
    if (value_crc(key, (const uint8_t *)value.data, value.size) != header.crc)
        return err_set(err, ERR_CHECK, "its checksum does not match");
    return 0;
}

static int take_meta(struct wire_reader *in, struct changelog_meta *meta, struct err *err)
{
    struct changelog_meta taken = {.input_offset = (int64_t)take_fixed(in, 8)};
    taken.stream_time.ms = (int64_t)take_fixed(in, 8);
    if (in->bad || in->at != in->end)
        return err_set(err, ERR_INPUT, "not %d bytes behind its header", META_BODY);
    bool never = taken.stream_time.ms == EVENT_TIME_NEVER.ms;
    if (taken.input_offset < 0 || !(never || event_time_valid(taken.stream_time)))
        return err_set(err, ERR_CHECK, "its offset or stream time cannot be");
    if (meta)
        *meta = taken;
    return 0;
}

/* Reads a part into the store's scratch record. */
static int take_part(struct state_store *store, enum changelog_kind kind, uint8_t version,
                     struct wire_reader *in, struct user_state *scratch, struct err *err)
{
    const struct user_layout *layout = state_store_layout(store);
    bool open = kind == CHANGELOG_OPEN;
    int result = open ? open_body_take(layout, version == VERSION_CLUSTER, in, scratch, err)
                      : history_body_take(layout, in, scratch, err);
    if (result < 0)
        return -1;
    if (open ? !user_open_possible(scratch) : !user_history_possible(layout, scratch))
        return err_set(err, ERR_CHECK, "its numbers contradict each other");
    return 0;
}

static int apply_part(struct state_store *store, enum changelog_kind kind, struct slice user_id,
                      struct slice value, struct err *err)
{
    const struct user_layout *layout = state_store_layout(store);
    struct user_state *scratch = state_store_scratch(store);
    user_state_init(layout, scratch, user_id); /* what a tombstone leaves */
    if (value.data) {
        const size_t header = sizeof(struct value_header);
        const uint8_t *bytes = (const uint8_t *)value.data;
        struct wire_reader in = {.at = bytes + header, .end = bytes + value.size};
        uint8_t version = bytes[offsetof(struct value_header, version)];
        if (take_part(store, kind, version, &in, scratch, err) < 0)
            return -1;
    } else if (!state_store_find(store, user_id)) {
        return 0;
    }
    struct user_slot *slot = state_store_at(store, user_id);
    if (!slot)
        return err_set(err, ERR_MEMORY, "out of memory for user %zu", state_store_users(store) + 1);
    user_part_copy(layout, kind == CHANGELOG_OPEN ? USER_OPEN : USER_HISTORY, &slot->state,
                   scratch);
    state_store_forget_derived(store, slot);
    return 0;
}

int changelog_apply(struct state_store *store, struct slice key, struct slice value,
                    struct changelog_meta *meta, struct err *err)
{
    struct slice user_id;
    int kind = kind_of_key(key, &user_id);
    assert(!state_store_in_transaction(store));
    if (kind < 0)
        return err_set(err, ERR_INPUT, "changelog: a key of %zu bytes that is no record's",
                       key.size);
    int result = value.data ? check_value((enum changelog_kind)kind, key, value, err) : 0;
    if (result == 0 && kind != CHANGELOG_META)
        result = apply_part(store, (enum changelog_kind)kind, user_id, value, err);
    else if (result == 0 && value.data) {
        const uint8_t *bytes = (const uint8_t *)value.data;
        struct wire_reader in = {.at = bytes + sizeof(struct value_header),
                                 .end = bytes + value.size};
        result = take_meta(&in, meta, err);
    } else if (result == 0 && meta) {
        *meta = (struct changelog_meta){.input_offset = -1, .stream_time = EVENT_TIME_NEVER};
    }
    if (result < 0)
        return err_prefix(err, "changelog: %s record of \"%.*s\"",
                          name_of((enum changelog_kind)kind), (int)user_id.size,
                          user_id.data ? user_id.data : "");
    return kind;
}

/* Two tombstones leave nothing. */
static bool is_gone(const struct user_state *user)
{
    return user->current.number == 0 && user->history.finished == 0;
}

int changelog_drop_unfit(struct state_store *store, size_t *removed, struct err *err)
{
    size_t cursor = 0;
    struct user_slot *slot;
    *removed = 0;
    while ((slot = state_store_next(store, &cursor))) {
        if (is_gone(&slot->state) || user_parts_fit(&slot->state))
            continue;
        if (state_store_remove(store, slot, err) < 0)
            return -1;
        ++*removed;
    }
    return 0;
}

int changelog_finish(struct state_store *store, const struct changelog_meta *meta, struct err *err)
{
    size_t cursor = 0;
    struct user_slot *slot;
    while ((slot = state_store_next(store, &cursor))) {
        const struct user_state *user = &slot->state;
        if (is_gone(user)) {
            if (state_store_remove(store, slot, err) < 0)
                return -1;
            continue;
        }
        if (!user_parts_fit(user))
            return err_set(err, ERR_CHECK,
                           "changelog: history of %u sessions does not fit session %u of user "
                           "\"%.*s\"",
                           user->history.finished, user->current.number, user->user_id_size,
                           user->user_id);
    }
    state_store_move_time(store, meta->stream_time);
    return state_store_watch_all(store, err);
}
