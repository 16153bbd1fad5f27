/* answer.h - the body of an answer of Last.fm's track.getInfo (format=json), and its quirks: errors
 * come with any HTTP status; a duration is milliseconds as a text, a number, "0" or absent; tags
 * are a list, one object, or an empty text. Artist and track of an answer are not looked at:
 * Last.fm corrects spelling, and what was asked for is what the log has. Pure. Source: the API's
 * documentation of track.getInfo and of error codes. */
#ifndef OUTRO_CRAWL_ANSWER_H
#define OUTRO_CRAWL_ANSWER_H

#include <stddef.h>

#include "crawl/facts.h"

/* A larger body is no answer to track.getInfo: those have some kilobytes. */
#define ANSWER_MAX_BYTES (1024 * 1024)

enum answer_kind {
    ANSWER_GARBAGE, /* no JSON object, or one with neither a track nor an error */
    ANSWER_TRACK,
    ANSWER_ERROR
};

struct answer {
    enum answer_kind kind;
    int error;                /* ANSWER_ERROR: the code that Last.fm documents */
    struct track_facts facts; /* ANSWER_TRACK; its texts live until answer_release */
    void *document;
};

/** Reads a body; whatever is not of the expected form in it counts as absent. */
void answer_parse(struct answer *answer, const char *body, size_t size);
void answer_release(struct answer *answer);

#endif
