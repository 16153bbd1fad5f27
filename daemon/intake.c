#include "daemon/intake.h"

#include <inttypes.h>
#include <string.h>

#include "data/utf8.h"

static enum reject_reason refuse(enum reject_reason reason, struct err *detail, const char *text)
{
    err_set(detail, ERR_INPUT, "%s", text);
    return reason;
}

/* The body names no user: the key does, if it can be one. */
static enum reject_reason user_from_key(struct slice key, struct scrobble *out, struct err *detail)
{
    if (key.size == 0) {
        return refuse(REJECT_NULL_KEY, detail, "neither the key nor the body names a user");
    }
    if (key.size > USER_ID_MAX) {
        return refuse(REJECT_BAD_FIELD, detail, "the key is longer than a user id may be");
    }
    if (utf8_valid_prefix(key.data, key.size) != key.size) {
        return refuse(REJECT_NOT_UTF8, detail, "the key is not UTF-8");
    }
    if (memchr(key.data, '\0', key.size)) {
        return refuse(REJECT_BAD_FIELD, detail, "the key contains a NUL byte");
    }
    out->user_id = key;
    return REJECT_NONE;
}

static enum reject_reason settle_user(struct slice key, struct scrobble *out, struct err *detail)
{
    /* Without a key it lies in any partition: other scrobbles of the user would be in another
     * state. */
    if (!key.data) {
        return refuse(REJECT_NULL_KEY, detail,
                      "the message has no key; it must be the user id, so that a user's scrobbles "
                      "meet in one partition");
    }
    if (out->user_id.size == 0) {
        return user_from_key(key, out, detail);
    }
    bool agree =
        key.size == out->user_id.size && memcmp(key.data, out->user_id.data, key.size) == 0;
    return agree ? REJECT_NONE
                 : refuse(REJECT_KEY_MISMATCH, detail, "the key and user_id name different users");
}

enum reject_reason intake_read(const struct intake *intake, struct slice key, struct slice value,
                               struct scrobble *out, struct err *detail)
{
    if (!value.data) {
        return refuse(REJECT_NULL_VALUE, detail, "the message has no value");
    }
    enum reject_reason reason =
        scrobble_from_json(value.data, value.size, intake->scratch, out, detail);
    if (reason == REJECT_NONE) {
        reason = settle_user(key, out, detail);
    }
    if (reason != REJECT_NONE) {
        return reason;
    }
    if (out->time.ms > intake->now_ms + intake->max_future_ms) {
        err_set(detail, ERR_INPUT, "the time is %" PRId64 " ms ahead of the clock",
                out->time.ms - intake->now_ms);
        return REJECT_TIME_IN_FUTURE;
    }
    if (out->duration_ms == 0 && intake->durations) {
        out->duration_ms = durations_find(intake->durations, out->artist, out->track);
    }
    return REJECT_NONE;
}
