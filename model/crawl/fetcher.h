/* fetcher.h - some requests to Last.fm's track.getInfo at once, by libcurl's multi interface: the
 * one file that uses the network. Redirections are not followed; a body is cut at ANSWER_MAX_BYTES;
 * the key is in the request alone, and wherever an answer repeats it, it is overwritten before
 * anybody sees the answer. */
#ifndef OUTRO_CRAWL_FETCHER_H
#define OUTRO_CRAWL_FETCHER_H

#include <stdbool.h>
#include <stdint.h>

#include "core/err.h"
#include "crawl/outcome.h"
#include "crawl/track_set.h"

struct fetcher_options {
    const char *base_url; /* borrowed: http or https, nothing behind its path */
    const char *key;      /* borrowed: a secret */
    unsigned parallel;    /* requests at once, > 0 */
    int64_t timeout_ms;   /* of a whole request */
    int wake_fd;          /* borrowed: readable ends a wait; -1: there is none */
};

struct fetcher;

/** @return new, or NULL: ERR_MEMORY, ERR_IO (libcurl) */
struct fetcher *fetcher_new(const struct fetcher_options *options, struct err *err) MUST_CHECK;
void fetcher_free(struct fetcher *fetcher); /* NULL is fine; what is under way is dropped */

/** Starts a request; fewer than parallel are under way. @param slot comes back with the reply
 *  @return 0, -1 ERR_MEMORY */
int fetcher_start(struct fetcher *fetcher, uint32_t slot, struct track_name name,
                  struct err *err) MUST_CHECK;

unsigned fetcher_in_flight(const struct fetcher *fetcher);

/** Waits until something came, wake_fd is readable or wait_ms have passed. @return 0, -1 ERR_IO */
int fetcher_wait(struct fetcher *fetcher, int64_t wait_ms, struct err *err) MUST_CHECK;

/** A request that has ended. @param reply borrowed until the next call of any function  @return
 * false: none has */
bool fetcher_take(struct fetcher *fetcher, uint32_t *slot, struct reply *reply);

#endif
