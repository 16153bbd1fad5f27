#include "daemon/audit.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>

#include "daemon/audit_parts.h"

static void keep(struct audit *audit, const char *kind, const char *topic, int32_t partition,
                 int64_t offset, const char *format, va_list arguments)
    __attribute__((format(printf, 6, 0)));

static void keep(struct audit *audit, const char *kind, const char *topic, int32_t partition,
                 int64_t offset, const char *format, va_list arguments)
{
    audit->wrong++;
    if (audit->offenders == AUDIT_OFFENDERS) {
        return;
    }
    struct audit_offender *offender = &audit->offender[audit->offenders++];
    offender->topic = topic;
    offender->partition = partition;
    offender->offset = offset;
    int size = snprintf(offender->text, sizeof offender->text, "%s", kind);
    vsnprintf(offender->text + size, sizeof offender->text - (size_t)size, format, arguments);
}

void audit_found(struct audit *audit, int32_t input_partition, enum audit_finding finding,
                 const char *topic, int32_t partition, int64_t offset, const char *format, ...)
{
    static const char *const kind[AUDIT_FINDINGS] = {
        "lost: ", "doubled: ", "out of order: ", "orphaned: ", "differs: "};
    va_list arguments;
    va_start(arguments, format);
    audit->row[input_partition].finding[finding]++;
    keep(audit, kind[finding], topic, partition, offset, format, arguments);
    va_end(arguments);
}

void audit_wrong(struct audit *audit, const char *topic, int32_t partition, int64_t offset,
                 const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    keep(audit, "", topic, partition, offset, format, arguments);
    va_end(arguments);
}

static int open_topic(struct audit *audit, struct audit_topic *topic, const char *name,
                      struct err *err)
{
    int partitions = topic_reader_partitions(audit->committed, name, err);
    topic->name = name;
    if (partitions < 0) {
        return -1;
    }
    topic->range = calloc((size_t)partitions + 1, sizeof *topic->range);
    if (!topic->range) {
        return err_set(err, ERR_MEMORY, "out of memory");
    }
    topic->partitions = (size_t)partitions;
    return 0;
}

static int open_topics(struct audit *audit, const struct config *config, struct err *err)
{
    if (open_topic(audit, &audit->input, config->topic_scrobbles, err) != 0 ||
        open_topic(audit, &audit->stream[AUDIT_PREDICTIONS], config->topic_predictions, err) != 0 ||
        open_topic(audit, &audit->stream[AUDIT_SESSIONS], config->topic_sessions, err) != 0 ||
        open_topic(audit, &audit->rejected, config->topic_rejected, err) != 0 ||
        open_topic(audit, &audit->state, config->topic_state, err) != 0) {
        return -1;
    }
    if (audit->input.partitions == 0) {
        return err_set(err, ERR_INPUT, "topic %s (topic.scrobbles) does not exist",
                       audit->input.name);
    }
    audit->row = calloc(audit->input.partitions, sizeof *audit->row);
    return audit->row ? 0 : err_set(err, ERR_MEMORY, "out of memory");
}

static int ask_committed(struct audit *audit, bool after, struct err *err)
{
    int64_t *offset = calloc(audit->input.partitions, sizeof *offset);
    if (!offset) {
        return err_set(err, ERR_MEMORY, "out of memory");
    }
    int rc = topic_reader_committed(audit->committed, audit->input.name, offset,
                                    audit->input.partitions, err);
    for (size_t i = 0; i < audit->input.partitions && rc == 0; i++) {
        *(after ? &audit->row[i].committed_after : &audit->row[i].committed) = offset[i];
    }
    free(offset);
    return rc;
}

/* What is read of the input: up to the committed offsets. Whether there is more is asked after the
 * ends of the outputs: then whatever lies in them beyond is explained. */
static int bound_input(struct audit *audit, struct err *err)
{
    struct audit_topic *input = &audit->input;
    if (topic_reader_bounds(audit->committed, input->name, input->range, input->partitions, err) !=
        0) {
        return -1;
    }
    for (size_t i = 0; i < input->partitions; i++) {
        struct topic_range *range = &input->range[i];
        struct audit_row *row = &audit->row[i];
        int64_t committed = row->committed > 0 ? row->committed : 0;
        row->meta = -1;
        row->ahead = range->to > committed;
        if (range->from > 0 && committed > 0) {
            return err_set(err, ERR_INPUT,
                           "%s partition %zu begins at offset %" PRId64
                           ": what was before is deleted, and what followed from it cannot be "
                           "audited",
                           input->name, i, range->from);
        }
        range->to = committed;
    }
    return 0;
}

static int bound(struct audit *audit, struct err *err)
{
    struct audit_topic *topics[] = {&audit->stream[AUDIT_PREDICTIONS],
                                    &audit->stream[AUDIT_SESSIONS], &audit->rejected,
                                    &audit->state};
    if (ask_committed(audit, false, err) != 0) {
        return -1;
    }
    for (size_t i = 0; i < sizeof topics / sizeof topics[0]; i++) {
        if (topic_reader_bounds(audit->committed, topics[i]->name, topics[i]->range,
                                topics[i]->partitions, err) != 0) {
            return -1;
        }
    }
    return bound_input(audit, err) != 0 || ask_committed(audit, true, err) != 0 ? -1 : 0;
}

static int examine(struct audit *audit, struct err *err)
{
    if (audit_rejected_read(audit, err) != 0 || audit_replay(audit, err) != 0) {
        return -1;
    }
    audit_state_settle(audit);
    audit_rejected_settle(audit);
    return audit_streams(audit, err) != 0 ? -1 : audit_open_transactions(audit, err);
}

static void release(struct audit *audit)
{
    free(audit->input.range);
    for (int stream = 0; stream < AUDIT_STREAMS; stream++) {
        free(audit->stream[stream].range);
    }
    free(audit->rejected.range);
    free(audit->state.range);
    free(audit->row);
    audit_users_release(&audit->users);
    audit_rejected_release(&audit->asides);
    audit_durations_free(audit->durations);
    topic_reader_free(audit->committed);
    topic_reader_free(audit->uncommitted);
    free(audit);
}

int audit_run(const struct config *config, struct logger *logger, FILE *out, struct err *err)
{
    struct audit *audit = calloc(1, sizeof *audit);
    int rc = -1;
    if (!audit) {
        return err_set(err, ERR_MEMORY, "out of memory");
    }
    audit->config = config;
    audit->committed = topic_reader_new(config, true, logger, err);
    audit->uncommitted = audit->committed ? topic_reader_new(config, false, logger, err) : NULL;
    if (!audit->uncommitted || open_topics(audit, config, err) != 0 ||
        !(audit->durations = audit_durations_new(config, audit->committed, err)) ||
        bound(audit, err) != 0 || examine(audit, err) != 0) {
        goto out;
    }
    audit_report(audit, out);
    rc = audit->wrong > 0;
out:
    release(audit);
    return rc;
}
