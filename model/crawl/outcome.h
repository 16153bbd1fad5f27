/* outcome.h - what becomes of a track after one request: an answer that is kept, another try, the
 * list of failures, or the end of the crawl. Sentences are ours alone: what a server writes into an
 * error may hold the request with its key. Pure. */
#ifndef OUTRO_CRAWL_OUTCOME_H
#define OUTRO_CRAWL_OUTCOME_H

#include <stdbool.h>
#include <stdint.h>

#include "crawl/answer.h"

/* Somebody who asks for a longer pause is not waited for: the crawl ends, and goes on later. */
#define RETRY_AFTER_MAX_S 600

/** What came back of one request. */
struct reply {
    const char *network;   /* borrowed: what the network did wrong; NULL: there is a whole answer */
    bool lasting;          /* that will not pass: no certificates, an address of no known form */
    long status;           /* of HTTP */
    int64_t retry_after_s; /* as the server wishes; 0: nothing was said */
    struct slice body;     /* borrowed */
};

enum outcome_kind {
    OUTCOME_TRACK,   /* facts are known */
    OUTCOME_UNKNOWN, /* Last.fm does not know the track: that is an answer, too */
    OUTCOME_RETRY,   /* may work later */
    OUTCOME_FAILED,  /* will not work for this track */
    OUTCOME_STOP     /* will not work for any track: the reason says what to do */
};

struct outcome {
    enum outcome_kind kind;
    char reason[256]; /* RETRY, FAILED, STOP */
};

/** @param answer of reply's body; not looked at when the network failed */
struct outcome outcome_of(const struct reply *reply, const struct answer *answer);

#endif
