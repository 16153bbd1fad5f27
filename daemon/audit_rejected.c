#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <librdkafka/rdkafka.h>

#include "core/hash.h"
#include "core/array.h"
#include "daemon/audit_parts.h"

/* A record's key and value; the value as much of it as was kept. */
static uint64_t hash_message(const rd_kafka_message_t *message, size_t value_size)
{
    uint64_t seed = (message->key ? 1 : 0) + (message->payload ? 2 : 0);
    uint64_t hash = message->key ? hash_bytes(message->key, message->key_len, seed) : seed;
    return message->payload ? hash_bytes(message->payload, value_size, hash) : hash;
}

static bool header(const rd_kafka_headers_t *headers, const char *name, struct slice *out)
{
    const void *value;
    size_t size;
    if (rd_kafka_header_get_last(headers, name, &value, &size) != RD_KAFKA_RESP_ERR_NO_ERROR ||
        !value) {
        return false;
    }
    *out = (struct slice){value, size};
    return true;
}

static bool header_number(const rd_kafka_headers_t *headers, const char *name, int64_t *out)
{
    struct slice text;
    char digits[24], *end;
    if (!header(headers, name, &text) || text.size == 0 || text.size >= sizeof digits) {
        return false;
    }
    memcpy(digits, text.data, text.size);
    digits[text.size] = '\0';
    *out = strtoll(digits, &end, 10);
    return *end == '\0' && *out >= 0;
}

static uint8_t reason_named(struct slice name)
{
    for (int reason = REJECT_NONE + 1; reason < REJECT_REASONS; reason++) {
        const char *known = reject_reason_name((enum reject_reason)reason);
        if (strlen(known) == name.size && memcmp(known, name.data, name.size) == 0) {
            return (uint8_t)reason;
        }
    }
    return REJECT_REASONS;
}

static int add(struct audit_asides *asides, const struct audit_aside *aside, struct err *err)
{
    void *grown =
        array_grow(asides->aside, &asides->capacity, asides->count + 1, sizeof *asides->aside);
    if (!grown) {
        return err_set(err, ERR_MEMORY, "out of memory");
    }
    asides->aside = grown;
    asides->aside[asides->count++] = *aside;
    return 0;
}

/* A producer keeps the order of what it sends: so must the sources of one input partition be within
 * a rejected one. */
static void check_order(struct audit *audit, const struct audit_aside *aside)
{
    int64_t *last = &audit->asides.last[(size_t)aside->partition * audit->input.partitions +
                                        (size_t)aside->source_partition];
    if (aside->source_offset < *last) {
        audit_found(audit, aside->source_partition, AUDIT_OUT_OF_ORDER, audit->rejected.name,
                    aside->partition, aside->offset, "input offset %" PRId64 " behind %" PRId64,
                    aside->source_offset, *last);
    } else {
        *last = aside->source_offset;
    }
}

static int take_aside(void *ctx, const struct rd_kafka_message_s *message, struct err *err)
{
    struct audit *audit = ctx;
    rd_kafka_headers_t *headers = NULL;
    struct slice topic = {NULL, 0}, reason;
    int64_t partition, offset, whole;
    bool has = rd_kafka_message_headers(message, &headers) == RD_KAFKA_RESP_ERR_NO_ERROR &&
               header(headers, "source.topic", &topic) &&
               header_number(headers, "source.partition", &partition) &&
               header_number(headers, "source.offset", &offset) &&
               header(headers, "reason", &reason);
    if (has && (topic.size != strlen(audit->input.name) ||
                memcmp(topic.data, audit->input.name, topic.size) != 0)) {
        return 0; /* another input's */
    }
    if (!has || partition >= (int64_t)audit->input.partitions) {
        audit_found(audit, 0, AUDIT_ORPHANED, audit->rejected.name, message->partition,
                    message->offset, "no source that is an input");
        return 0;
    }
    struct audit_aside aside = {.source_partition = (int32_t)partition,
                                .partition = message->partition,
                                .source_offset = offset,
                                .offset = message->offset,
                                .hash = hash_message(message, message->len),
                                .size = (uint32_t)message->len,
                                .reason = reason_named(reason),
                                .truncated = header_number(headers, "truncated.from", &whole)};
    check_order(audit, &aside);
    return add(&audit->asides, &aside, err);
}

static int by_source(const void *a, const void *b)
{
    const struct audit_aside *left = a, *right = b;
    int64_t difference = left->source_partition != right->source_partition
                             ? left->source_partition - right->source_partition
                             : left->source_offset - right->source_offset;
    return difference ? (difference < 0 ? -1 : 1)
                      : (left->offset > right->offset) - (left->offset < right->offset);
}

int audit_rejected_read(struct audit *audit, struct err *err)
{
    struct audit_asides *asides = &audit->asides;
    size_t pairs = audit->rejected.partitions * audit->input.partitions;
    asides->last = calloc(pairs ? pairs : 1, sizeof *asides->last);
    if (!asides->last) {
        return err_set(err, ERR_MEMORY, "out of memory");
    }
    if (topic_reader_run(audit->committed, audit->rejected.name, audit->rejected.range,
                         audit->rejected.partitions, take_aside, audit, err) != 0) {
        return -1;
    }
    if (asides->count > 0) {
        qsort(asides->aside, asides->count, sizeof *asides->aside, by_source);
    }
    return 0;
}

struct audit_aside *audit_rejected_find(const struct audit *audit, int32_t partition,
                                        int64_t offset)
{
    size_t low = 0, high = audit->asides.count;
    const struct audit_aside wanted = {
        .source_partition = partition, .source_offset = offset, .offset = -1};
    while (low < high) { /* the first of its source */
        size_t middle = low + (high - low) / 2;
        if (by_source(&audit->asides.aside[middle], &wanted) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    struct audit_aside *found = &audit->asides.aside[low];
    return low < audit->asides.count && found->source_partition == partition &&
                   found->source_offset == offset
               ? found
               : NULL;
}

void audit_rejected_expect(struct audit *audit, const struct rd_kafka_message_s *message,
                           enum reject_reason reason)
{
    struct audit_aside *aside = audit_rejected_find(audit, message->partition, message->offset);
    const char *name = reject_reason_name(reason);
    if (!aside) {
        audit_found(audit, message->partition, AUDIT_LOST, audit->input.name, message->partition,
                    message->offset, "belongs in %s (%s) and is not there", audit->rejected.name,
                    name);
        return;
    }
    aside->used = true;
    bool whole = aside->size == message->len || (aside->truncated && aside->size < message->len);
    if (aside->reason != reason || !whole || aside->hash != hash_message(message, aside->size)) {
        audit_found(audit, message->partition, AUDIT_DIFFERS, audit->rejected.name,
                    aside->partition, aside->offset,
                    "input offset %" PRId64 " is %s, or its bytes are others", message->offset,
                    name);
    }
}

void audit_rejected_settle(struct audit *audit)
{
    const struct audit_asides *asides = &audit->asides;
    for (size_t i = 0; i < asides->count; i++) {
        const struct audit_aside *aside = &asides->aside[i];
        const struct audit_row *row = &audit->row[aside->source_partition];
        const struct audit_aside *before = i > 0 ? &asides->aside[i - 1] : NULL;
        bool again = before && before->source_partition == aside->source_partition &&
                     before->source_offset == aside->source_offset;
        bool beyond = row->ahead && aside->source_offset >= row->committed;
        if (again) {
            audit_found(audit, aside->source_partition, AUDIT_DOUBLED, audit->rejected.name,
                        aside->partition, aside->offset, "input offset %" PRId64,
                        aside->source_offset);
        } else if (!aside->used && !beyond) {
            audit_found(audit, aside->source_partition, AUDIT_ORPHANED, audit->rejected.name,
                        aside->partition, aside->offset,
                        "input offset %" PRId64 " does not belong there", aside->source_offset);
        }
    }
}

void audit_rejected_release(struct audit_asides *asides)
{
    free(asides->aside);
    free(asides->last);
    *asides = (struct audit_asides){0};
}
