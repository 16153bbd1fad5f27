/* demo.h - `outrod --demo`: librdkafka's in-process broker, a feeder of a log at a speed that a
 * person can watch, and a view that reads the topics back. Between them runs the real daemon,
 * unchanged, over real sockets. The in-process broker keeps nothing and proves nothing about
 * delivery: it is for looking. */
#ifndef OUTRO_DAEMON_DEMO_H
#define OUTRO_DAEMON_DEMO_H

#include <stddef.h>

#include "core/err.h"
#include "daemon/status.h"

struct demo;

struct demo_options {
    const char *log_path; /* NULL: the sample that comes with outrod */
    long seconds;         /* how long feeding takes; 0: about 200 scrobbles a second */
};

/** Reads the log, starts the broker and makes the topics. @return new, or NULL with err */
struct demo *demo_new(const struct demo_options *options, struct err *err) MUST_CHECK;
void demo_free(struct demo *demo); /* NULL is fine; demo_join first */

/** Settings that point the daemon at the demo, key=value, borrowed; the user's own go over them. */
const char *const *demo_sets(const struct demo *demo, size_t *count);

/** Starts feeding and showing in a thread; when all is fed and shown it sends SIGTERM to the
 * process.
 *  @param status borrowed: what the engine publishes */
int demo_start(struct demo *demo, struct status *status, struct err *err) MUST_CHECK;
/** Ends the thread wherever it is, and prints the summary. @return 0, -1 with what went wrong in it
 */
int demo_join(struct demo *demo, struct err *err) MUST_CHECK;

#endif
