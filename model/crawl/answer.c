#include "crawl/answer.h"

#include <errno.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdlib.h>

#include "data/durations.h"

/* A whole number, as one or as a text. @return false: it is something else, or absent */
static bool read_whole(const json_t *value, int64_t *out)
{
    if (json_is_integer(value)) {
        *out = json_integer_value(value);
        return true;
    }
    const char *text = json_string_value(value);
    if (!text || text[0] < '0' || text[0] > '9')
        return false;
    char *end;
    errno = 0;
    *out = strtoll(text, &end, 10);
    return *end == '\0' && errno == 0;
}

static uint32_t read_duration(const json_t *value)
{
    int64_t ms;
    return read_whole(value, &ms) && ms > 0 && ms <= DURATION_MAX_MS ? (uint32_t)ms : 0;
}

static bool is_blank(char byte)
{
    return byte == ' ' || (byte >= '\t' && byte <= '\r');
}

/* Tags are typed by people: a file has them without what stands around them. */
static struct slice without_blanks(struct slice text)
{
    while (text.size > 0 && is_blank(text.data[text.size - 1]))
        text.size--;
    while (text.size > 0 && is_blank(text.data[0])) {
        text.data++;
        text.size--;
    }
    return text;
}

static void add_tag(struct track_facts *facts, const json_t *tag)
{
    const json_t *value = json_object_get(tag, "name");
    struct slice name = {json_string_value(value), json_string_length(value)}; /* or NULL and 0 */
    name = without_blanks(name);
    if (name.size == 0 || name.size > TAG_BYTES_MAX || facts->tag_count == TRACK_TAGS_MAX)
        return;
    struct track_tag *out = &facts->tags[facts->tag_count++];
    out->name = name;
    if (!read_whole(json_object_get(tag, "count"), &out->count) || out->count < 0)
        out->count = -1;
}

static void read_track(struct track_facts *facts, const json_t *track)
{
    facts->duration_ms = read_duration(json_object_get(track, "duration"));
    const json_t *tags = json_object_get(json_object_get(track, "toptags"), "tag");
    if (!json_is_array(tags)) {
        add_tag(facts, tags);
        return;
    }
    for (size_t i = 0; i < json_array_size(tags); i++)
        add_tag(facts, json_array_get(tags, i));
}

void answer_parse(struct answer *answer, const char *body, size_t size)
{
    json_t *document = json_loadb(body, size, 0, NULL);
    const json_t *track = json_object_get(document, "track");
    int64_t error;
    *answer = (struct answer){.kind = ANSWER_GARBAGE, .document = document};
    if (read_whole(json_object_get(document, "error"), &error)) {
        answer->kind = ANSWER_ERROR;
        answer->error = error > 0 && error < 1000 ? (int)error : 0;
    } else if (json_is_object(track)) {
        answer->kind = ANSWER_TRACK;
        read_track(&answer->facts, track);
    }
}

void answer_release(struct answer *answer)
{
    json_decref(answer->document);
    *answer = (struct answer){.kind = ANSWER_GARBAGE};
}
