/* crawl.h - asks Last.fm for each track of a set, and keeps what it says in a folder: the journal
 * while it runs (journal.h), the files for others at the end (result_files.h). Whatever ends it, a
 * kill -9 included, the next crawl of the folder goes on from there and asks for nothing twice that
 * it has an answer to. Clock and signals are the caller's. */
#ifndef OUTRO_CRAWL_CRAWL_H
#define OUTRO_CRAWL_CRAWL_H

#include <stdbool.h>
#include <stdint.h>

#include "core/err.h"
#include "crawl/journal.h"
#include "crawl/track_set.h"

/* Where Last.fm's API is. */
#define CRAWL_BASE_URL "https://ws.audioscrobbler.com/2.0/"

struct crawl_counts {
    uint64_t tracks;   /* of the set: the sum of the next five */
    uint64_t timed;    /* with a duration */
    uint64_t untimed;  /* known to Last.fm, without one */
    uint64_t unknown;  /* not known to Last.fm */
    uint64_t failed;   /* no answer; in failed.tsv */
    uint64_t left;     /* not asked for yet */
    uint64_t before;   /* of those that have an answer: from earlier crawls */
    uint64_t requests; /* of this crawl */
    uint64_t retries;  /* of them: not the first of their track */
    uint64_t tags;     /* rows of tags.tsv; known at the end */
    struct journal_counts journal;
};

struct crawl_options {
    const char *out_path; /* borrowed: a folder, made if it is not there */
    const char *base_url; /* borrowed, see fetcher.h */
    const char *key;      /* borrowed: a secret */
    unsigned parallel;    /* requests at once, > 0 */
    double rate_per_s;    /* requests, > 0 */
    unsigned tries;       /* requests for one track, > 0 */
    int64_t timeout_ms;   /* of a request */
    int64_t backoff_ms; /* limit of the wait before the second try; doubles with each further one */
    uint64_t seed;      /* of the jitter */
    bool retry_failed;  /* ask again for what failed in earlier crawls */
    int64_t (*now_ms)(void *ctx); /* a monotonic clock */
    /* How often the caller's user has asked to stop: once, and what is under way is waited for;
     * twice, and it is dropped. wake_fd becomes readable when the number grows; -1: never. */
    int (*stops)(void *ctx);
    int wake_fd;
    void (*progress)(void *ctx, const struct crawl_counts *counts);
    void *ctx;
};

/** @param counts also after an error
 *  @return 0: every track has an answer or has failed. Else -1, and after ERR_CANCELLED (the user),
 * ERR_CHECK (Last.fm wants no more, or nothing works, or each track that was asked for has failed:
 * the sentence says what to do) the files are written with what is known; ERR_IO, ERR_INPUT,
 * ERR_MEMORY: they are as they were */
int crawl_run(const struct track_set *set, const struct crawl_options *options,
              struct crawl_counts *counts, struct err *err) MUST_CHECK;

#endif
