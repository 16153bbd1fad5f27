/* record.h - what is known of one track, as one line of the journal: a CRC-32C in eight digits, a
 * space, a JSON object, and the line end. A line that was torn or damaged is seen by itself; all
 * others stand. Pure. */
#ifndef OUTRO_CRAWL_RECORD_H
#define OUTRO_CRAWL_RECORD_H

#include <stdbool.h>
#include <stddef.h>

#include "crawl/facts.h"

/* Names of 4 KiB and a hundred tags, all of them escaped, are less. */
#define RECORD_LINE_MAX (256 * 1024)

enum record_kind {
    RECORD_TRACK,   /* Last.fm knows it: facts */
    RECORD_UNKNOWN, /* Last.fm does not know it */
    RECORD_FAILED   /* no answer: reason */
};

struct record {
    enum record_kind kind;
    struct slice artist, track; /* as asked; 1 .. SCROBBLE_TEXT_MAX bytes */
    struct track_facts facts;
    struct slice reason;
    void *document; /* of record_decode: what the texts are borrowed from */
};

/** @param out RECORD_LINE_MAX bytes  @return bytes written, line end included */
size_t record_encode(const struct record *record, char *out);

/** @param line without its end  @param out caller's memory; its texts live until record_release
 *  @return false: it is no whole record; nothing is to be released then */
bool record_decode(struct slice line, struct record *out) __attribute__((warn_unused_result));
void record_release(struct record *record);

#endif
