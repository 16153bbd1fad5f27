#include "data/record_json.h"

#include <assert.h>
#include <string.h>

#include "data/json_text.h"

#define MODEL_VERSION_MAX 128 /* bytes; RECORD_JSON_MAX counts on it */

static struct slice slice_of(const char *text)
{
    return (struct slice){text, strlen(text)};
}

/* Names and punctuation take less than 300 bytes and there are at most 12 numbers. */
_Static_assert(JSON_ESCAPED_MAX *(USER_ID_MAX + MODEL_VERSION_MAX) + 12 * JSON_NUMBER_MAX + 300 <=
                   RECORD_JSON_MAX,
               "a record always fits");

static char *put_seconds(char *p, double seconds)
{
    /* A quantile that is no number, or further than a million years, is a bug of ours upstream. */
    assert(seconds >= 0 && seconds < 0x1p45);
    return json_put_decimal(p, (int64_t)(seconds * 1000 + 0.5), 1000);
}

size_t prediction_to_json(const struct prediction *prediction, char *out, size_t capacity)
{
    struct slice model = slice_of(prediction->model);
    assert(capacity >= RECORD_JSON_MAX);
    assert(model.size <= MODEL_VERSION_MAX);
    char *p = json_put_literal(out, "{\"user_id\":");
    p = json_put_string(p, slice_of(prediction->user_id));
    p = json_put_integer(json_put_literal(p, ",\"timestamp\":"), prediction->time.ms);
    p = json_put_unsigned(json_put_literal(p, ",\"session\":"), prediction->session);
    p = json_put_integer(json_put_literal(p, ",\"session_start\":"), prediction->session_start.ms);
    p = json_put_unsigned(json_put_literal(p, ",\"scrobble\":"), prediction->scrobble);
    p = json_put_decimal(json_put_literal(p, ",\"elapsed_s\":"), prediction->elapsed_ms, 1000);
    p = json_put_decimal(json_put_literal(p, ",\"previous_session_length_s\":"),
                         prediction->previous_session_length_ms, 1000);
    p = json_put_decimal(json_put_literal(p, ",\"average_session_length_s\":"),
                         prediction->average_session_length_cs, 100);
    bool interval = prediction_has_interval(prediction);
    if (interval)
        p = put_seconds(json_put_literal(p, ",\"p10_s\":"), prediction->total_s[0]);
    p = put_seconds(json_put_literal(p, ",\"p50_s\":"), prediction->total_s[QUANTILE_MEDIAN]);
    if (interval)
        p = put_seconds(json_put_literal(p, ",\"p90_s\":"), prediction->total_s[2]);
    p = json_put_integer(json_put_literal(p, ",\"cluster\":"), prediction->cluster);
    p = json_put_string(json_put_literal(p, ",\"model\":"), model);
    p = json_put_literal(p, "}");
    return (size_t)(p - out);
}

size_t session_to_json(const struct session *session, char *out, size_t capacity)
{
    assert(capacity >= RECORD_JSON_MAX);
    char *p = json_put_literal(out, "{\"user_id\":");
    p = json_put_string(p, slice_of(session->user_id));
    p = json_put_unsigned(json_put_literal(p, ",\"session\":"), session->number);
    p = json_put_unsigned(json_put_literal(p, ",\"revision\":"), session->revision);
    p = json_put_integer(json_put_literal(p, ",\"start\":"), session->start.ms);
    p = json_put_integer(json_put_literal(p, ",\"end\":"), session->end.ms);
    p = json_put_decimal(json_put_literal(p, ",\"length_s\":"), session->length_ms, 1000);
    p = json_put_unsigned(json_put_literal(p, ",\"scrobbles\":"), session->scrobbles);
    p = json_put_literal(p, "}");
    return (size_t)(p - out);
}
