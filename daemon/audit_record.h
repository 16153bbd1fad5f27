/* audit_record.h - what the audit compares of a published record: its key, and a hash of the bytes
 * that follow from the input alone. Of a prediction that is all before the quantiles (these are the
 * bundle's word, and bundles come and go); of a session all but the revision, which is in the key.
 * Reads only what model/data/record_json.h writes: anything else is no record of ours. Pure. */
#ifndef OUTRO_DAEMON_AUDIT_RECORD_H
#define OUTRO_DAEMON_AUDIT_RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include "core/scrobble.h"

enum audit_stream { AUDIT_PREDICTIONS, AUDIT_SESSIONS, AUDIT_STREAMS };

/* Predictions: session, scrobble. Sessions: session, revision. */
struct audit_key {
    uint32_t session, number;
};

/* One record, expected (made from the input) or published, and where it came from: the scrobble it
 * follows from, or the record itself. */
struct audit_entry {
    struct audit_key key;
    uint64_t hash;
    int64_t offset;
    int32_t partition;
    bool open; /* expected only: what a session that is still open would say now */
};

static inline int audit_key_compare(struct audit_key a, struct audit_key b)
{
    uint64_t left = (uint64_t)a.session << 32 | a.number;
    uint64_t right = (uint64_t)b.session << 32 | b.number;
    return (left > right) - (left < right);
}

/** @param value a record's JSON, NULL is none  @param out key and hash are set
 *  @return false when it is no record of ours */
bool audit_read_record(enum audit_stream stream, struct slice value, struct audit_entry *out);

#endif
