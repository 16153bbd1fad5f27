#include "daemon/side_record.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "core/hash.h"
#include "core/names.h"
#include "data/durations.h"
#include "data/profiles.h"
#include "data/scrobble_json.h"
#include "data/timestamp.h"
#include "data/utf8.h"

/* Between artist and track in a key. */
#define SEPARATOR '\t'
/* A folded name is at most twice as long and a little (names.h). */
#define FOLDED_MAX (2 * SCROBBLE_TEXT_MAX + 4)
#define AGE_MAX    999

const char *side_input_key(enum side_input input)
{
    return input == SIDE_PROFILES ? "topic.profiles" : "topic.track-durations";
}

static struct slice text_of(const json_t *object, const char *field)
{
    const json_t *text = json_object_get(object, field);
    return (struct slice){json_string_value(text), json_string_length(text)};
}

static bool is_null(const json_t *value)
{
    return !value || json_is_null(value);
}

/* A whole number, also written 215000.0: JSON Schema counts that as an integer. */
static int whole_number(const json_t *object, const char *field, double max, double *out,
                        struct err *err)
{
    const json_t *value = json_object_get(object, field);
    double number = json_number_value(value);
    if (!json_is_number(value) || number < 0 || number > max || number != floor(number)) {
        return err_set(err, ERR_INPUT, "%s is not a whole number from 0 to %.0f", field, max);
    }
    *out = number;
    return 0;
}

static int name_of(const json_t *object, const char *field, struct slice *out, struct err *err)
{
    *out = text_of(object, field);
    if (out->size == 0 || out->size > SCROBBLE_TEXT_MAX ||
        memchr(out->data, SEPARATOR, out->size)) {
        return err_set(err, ERR_INPUT, "%s is not a text of 1 to %d bytes without a tab", field,
                       SCROBBLE_TEXT_MAX);
    }
    return 0;
}

/* Compaction keeps one record a key: a track under two keys would have two durations, and which of
 * them holds would depend on who reads when. So there is one key a track. */
static int check_key(struct slice key, struct slice artist, struct slice track, struct err *err)
{
    char wanted[2 * FOLDED_MAX + 1];
    size_t size = name_fold(artist, wanted, FOLDED_MAX);
    if (size != (size_t)-1) {
        wanted[size++] = SEPARATOR;
        size_t more = name_fold(track, wanted + size, FOLDED_MAX);
        size = more == (size_t)-1 ? more : size + more;
    }
    if (size != key.size || memcmp(wanted, key.data, size) != 0) {
        return err_set(
            err, ERR_INPUT,
            "the key is not artist, tab, track, both lower-cased and without white space "
            "at their ends");
    }
    return 0;
}

static int read_duration(struct slice key, const json_t *object, struct side_change *out,
                         struct err *err)
{
    struct slice artist, track;
    double duration_ms = 0;
    if (object) {
        if (name_of(object, "artist", &artist, err) != 0 ||
            name_of(object, "track", &track, err) != 0 ||
            whole_number(object, "duration_ms", 9007199254740992.0, &duration_ms, err) != 0) {
            return -1;
        }
    } else {
        const char *tab = memchr(key.data, SEPARATOR, key.size);
        if (!tab) {
            return err_set(err, ERR_INPUT, "the key has no tab between artist and track");
        }
        artist = (struct slice){key.data, (size_t)(tab - key.data)};
        track = (struct slice){tab + 1, key.size - artist.size - 1};
    }
    if (check_key(key, artist, track, err) != 0) {
        return -1;
    }
    out->key = durations_key(artist, track);
    out->value = duration_ms > (double)DURATION_MAX_MS ? 0 : (uint32_t)duration_ms;
    return 0;
}

static int check_date(const json_t *object, struct err *err)
{
    const json_t *value = json_object_get(object, "registered");
    int year, month, day, end = 0;
    int64_t days;
    if (is_null(value)) {
        return 0;
    }
    const char *text = json_is_string(value) ? json_string_value(value) : "";
    if (strlen(text) != 10 || sscanf(text, "%4d-%2d-%2d%n", &year, &month, &day, &end) != 3 ||
        end != 10 || !timestamp_days(year, month, day, &days)) {
        return err_set(err, ERR_INPUT, "registered is not a date like 2006-08-13");
    }
    return 0;
}

static int check_text(const json_t *object, const char *field, size_t max, struct err *err)
{
    const json_t *value = json_object_get(object, field);
    return is_null(value) || (json_is_string(value) && json_string_length(value) <= max)
               ? 0
               : err_set(err, ERR_INPUT, "%s is not a text of at most %zu bytes", field, max);
}

static int read_profile(struct slice key, const json_t *object, struct side_change *out,
                        struct err *err)
{
    const size_t country_max = sizeof((struct profile *)NULL)->country - 1;
    double age;
    if (key.size == 0 || key.size > USER_ID_MAX) {
        return err_set(err, ERR_INPUT, "the key is not a user id of 1 to %d bytes", USER_ID_MAX);
    }
    if (object) {
        struct slice user = text_of(object, "user_id");
        if (user.size != key.size || memcmp(user.data, key.data, key.size) != 0) {
            return err_set(err, ERR_INPUT, "the key and user_id name different users");
        }
        if ((!is_null(json_object_get(object, "age")) &&
             whole_number(object, "age", AGE_MAX, &age, err) != 0) ||
            check_text(object, "gender", SCROBBLE_TEXT_MAX, err) != 0 ||
            check_text(object, "country", country_max, err) != 0 || check_date(object, err) != 0) {
            return -1;
        }
    }
    out->key = (struct table_key){hash_bytes(key.data, key.size, 0),
                                  hash_bytes(key.data, key.size, 1) | 1};
    out->value = object != NULL;
    return 0;
}

static json_t *parse(struct slice value, struct err *err)
{
    json_error_t why;
    if (value.size > SCROBBLE_JSON_MAX) {
        err_set(err, ERR_INPUT, "it has %zu bytes, more than %d", value.size, SCROBBLE_JSON_MAX);
        return NULL;
    }
    json_t *object = json_loadb(value.data, value.size, JSON_REJECT_DUPLICATES, &why);
    if (!object) {
        err_set(err, ERR_INPUT, "it is not JSON: %s", why.text);
    } else if (!json_is_object(object)) {
        json_decref(object);
        object = NULL;
        err_set(err, ERR_INPUT, "it is no JSON object");
    }
    return object;
}

int side_record_read(enum side_input input, struct slice key, struct slice value,
                     struct side_change *out, struct err *err)
{
    json_t *object = NULL;
    if (!key.data) {
        return err_set(err, ERR_INPUT, "it has no key");
    }
    if (utf8_valid_prefix(key.data, key.size) != key.size || memchr(key.data, '\0', key.size)) {
        return err_set(err, ERR_INPUT, "the key is not UTF-8 text");
    }
    if (value.data && !(object = parse(value, err))) {
        return -1;
    }
    out->input = input;
    int rc = (input == SIDE_PROFILES ? read_profile : read_duration)(key, object, out, err);
    json_decref(object);
    return rc;
}
