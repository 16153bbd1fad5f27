/* audit_parts.h - the inside of the audit, for its own files only: audit.c has the order of events,
 * audit_replay.c what the input gives, audit_rejected.c what was set aside, audit_streams.c
 * predictions and sessions, audit_state.c changelog and open transactions, audit_report.c what is
 * printed. */
#ifndef OUTRO_DAEMON_AUDIT_PARTS_H
#define OUTRO_DAEMON_AUDIT_PARTS_H

#include "daemon/audit.h"
#include "daemon/audit_diff.h"
#include "daemon/audit_durations.h"
#include "daemon/audit_users.h"
#include "daemon/topic_reader.h"
#include "data/scrobble_json.h"
#include "stream/state_store.h"

#define AUDIT_OFFENDERS 20

struct rd_kafka_message_s; /* rd_kafka_message_t */

/* One input partition's row of the table. */
struct audit_row {
    uint64_t inputs, sessions, duplicates, late, rejected;
    uint64_t finding[AUDIT_FINDINGS];
    uint64_t split;                     /* users */
    int64_t committed, committed_after; /* before and after the changelog was read; -1 none */
    int64_t meta;                       /* input offset of the changelog's meta record; -1 none */
    bool ahead;                         /* there was more input than what is committed */
};

struct audit_offender {
    const char *topic; /* borrowed from the configuration */
    int32_t partition;
    int64_t offset;
    char text[192];
};

/* One record of the rejected topic. */
struct audit_aside {
    int32_t source_partition, partition;
    int64_t source_offset, offset;
    uint64_t hash;  /* of its key and value */
    uint32_t size;  /* of its value */
    uint8_t reason; /* enum reject_reason; REJECT_REASONS: none that is known */
    bool truncated, used;
};

struct audit_asides {
    struct audit_aside *aside; /* by source */
    size_t count, capacity;
    int64_t *last; /* (rejected partitions, input partitions) source offset read last */
};

/* A topic and what is read of it. */
struct audit_topic {
    const char *name; /* borrowed */
    struct topic_range *range;
    size_t partitions;
};

struct audit {
    const struct config *config;
    struct topic_reader *committed, *uncommitted;
    struct audit_durations *durations;
    struct audit_topic input, stream[AUDIT_STREAMS], rejected, state;
    struct audit_row *row; /* (input.partitions) */
    struct audit_users users;
    struct audit_asides asides;
    struct audit_offender offender[AUDIT_OFFENDERS];
    size_t offenders; /* told, at most AUDIT_OFFENDERS */
    uint64_t wrong;   /* all told and not */
    uint64_t open_transactions;
    uint64_t excused;     /* users whose records were not compared: came back */
    uint64_t doubtful;    /* the same: their tracks' durations are not certain */
    uint64_t state_users; /* whose records in the changelog were held against the input */
    struct audit_list *list[AUDIT_STREAMS][2]; /* of this round: expected, published */
    bool listing;
};

/** Counts one finding in a partition's row and keeps it if it is among the first. */
void audit_found(struct audit *audit, int32_t input_partition, enum audit_finding finding,
                 const char *topic, int32_t partition, int64_t offset, const char *format, ...)
    __attribute__((format(printf, 7, 8)));
/** Whether a user last heard of at last_ms may have been forgotten by stream time now_ms. */
static inline bool audit_may_be_forgotten(const struct audit *audit, int64_t last_ms,
                                          int64_t now_ms)
{
    int64_t ttl_ms = audit->config->state_ttl_days * INT64_C(86400000);
    return ttl_ms > 0 && now_ms - last_ms > ttl_ms;
}

/** The same without a column: what has a line of its own. */
void audit_wrong(struct audit *audit, const char *topic, int32_t partition, int64_t offset,
                 const char *format, ...) __attribute__((format(printf, 5, 6)));

/* audit_rejected.c */
/** Reads the rejected topic. */
int audit_rejected_read(struct audit *audit, struct err *err) MUST_CHECK;
/** What was set aside of an input; NULL when nothing was. */
struct audit_aside *audit_rejected_find(const struct audit *audit, int32_t partition,
                                        int64_t offset);
/** Holds an input that belongs in the rejected topic against what is there. */
void audit_rejected_expect(struct audit *audit, const struct rd_kafka_message_s *message,
                           enum reject_reason reason);
/** What nothing in the input gave. */
void audit_rejected_settle(struct audit *audit);
void audit_rejected_release(struct audit_asides *asides);

/* audit_replay.c */
/** Steps the input through the pipeline, one partition after the other. With audit->listing only
 * the lists of this round are filled, else users, rows and what was set aside. */
int audit_replay(struct audit *audit, struct err *err) MUST_CHECK;

/* audit_streams.c */
/** Takes one record that the input gives. */
int audit_expect(struct audit *audit, enum audit_stream stream, struct slice user,
                 const struct audit_entry *entry, int32_t partition, struct err *err) MUST_CHECK;
/** Holds predictions and sessions against what the input gives. */
int audit_streams(struct audit *audit, struct err *err) MUST_CHECK;

/* audit_state.c */
/** Holds a partition's changelog against the state that the input gives. */
int audit_state_hold(struct audit *audit, struct state_store *replayed, int32_t partition,
                     struct err *err) MUST_CHECK;
void audit_state_settle(struct audit *audit);
int audit_open_transactions(struct audit *audit, struct err *err) MUST_CHECK;

/* audit_report.c */
void audit_report(const struct audit *audit, FILE *out);

#endif
