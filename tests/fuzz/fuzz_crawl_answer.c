/* Bodies of track.getInfo: whatever is taken from one is within its bounds, and goes through the
 * journal unchanged. The first byte is the HTTP status. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "crawl/outcome.h"
#include "crawl/record.h"
#include "data/durations.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_same(const struct track_facts *a, const struct track_facts *b)
{
    assert(a->duration_ms == b->duration_ms && a->tag_count == b->tag_count);
    for (size_t i = 0; i < a->tag_count; i++) {
        const struct track_tag *one = &a->tags[i], *other = &b->tags[i];
        assert(one->count == other->count && one->name.size == other->name.size);
        assert(memcmp(one->name.data, other->name.data, one->name.size) == 0);
    }
}

static void check_facts(const struct track_facts *facts)
{
    static char line[RECORD_LINE_MAX];
    const struct record record = {
        .kind = RECORD_TRACK, .artist = {"a", 1}, .track = {"t", 1}, .facts = *facts};
    assert(facts->duration_ms <= DURATION_MAX_MS && facts->tag_count <= TRACK_TAGS_MAX);
    for (size_t i = 0; i < facts->tag_count; i++) {
        size_t bytes = facts->tags[i].name.size;
        assert(bytes > 0 && bytes <= TAG_BYTES_MAX && facts->tags[i].count >= -1);
    }
    struct record again;
    size_t size = record_encode(&record, line);
    assert(size <= sizeof line && line[size - 1] == '\n');
    bool read = record_decode((struct slice){line, size - 1}, &again);
    assert(read && again.kind == RECORD_TRACK);
    check_same(facts, &again.facts);
    record_release(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const long STATUSES[] = {200, 204, 301, 400, 403, 404, 429, 500, 503};
    if (size == 0)
        return 0;
    char *body = malloc(size); /* on its own, so that a byte too far is seen */
    assert(body);
    memcpy(body, data + 1, size - 1);
    const struct reply reply = {.status = STATUSES[data[0] % (sizeof STATUSES / sizeof *STATUSES)],
                                .retry_after_s = data[0],
                                .body = {body, size - 1}};
    struct answer answer;
    answer_parse(&answer, body, size - 1);
    struct outcome outcome = outcome_of(&reply, &answer);
    assert(outcome.kind != OUTCOME_TRACK || answer.kind == ANSWER_TRACK);
    assert((outcome.kind == OUTCOME_TRACK) == (outcome.reason[0] == '\0'));
    if (answer.kind == ANSWER_TRACK)
        check_facts(&answer.facts);
    else
        assert(answer.facts.tag_count == 0 && answer.facts.duration_ms == 0);
    answer_release(&answer);
    free(body);
    return 0;
}
