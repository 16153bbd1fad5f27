/* inbox.h - all that the admin loop says to the engine, and the engine's two words back: that it
 * has ended, and what it is waiting for. Slots that are exchanged atomically, a bell (eventfd) on
 * either side; the last offer of a kind wins, what was never taken is released. */
#ifndef OUTRO_DAEMON_INBOX_H
#define OUTRO_DAEMON_INBOX_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "bundle/bundle.h"
#include "core/err.h"
#include "daemon/watch.h"
#include "data/durations.h"
#include "data/holidays.h"

/* What files of the configuration say. */
struct tables {
    struct durations *durations; /* owned; NULL: none, or a topic has them */
    struct holidays *holidays;   /* owned; NULL: none */
};

/* Settings that a reload may change under way. */
struct tuning {
    _Atomic int64_t commit_interval_ms, max_future_ms, idle_advance_ms, revoke_timeout_ms;
};

struct inbox {
    int bell; /* rings the engine */
    int done; /* rings the admin loop: the engine has ended */
    struct watch watch;
    _Atomic(struct bundle *) bundle;
    _Atomic(struct tables *) tables;
    struct tuning tuning;
    _Atomic bool stop;
    _Atomic int64_t stop_deadline_ms; /* monotonic */
};

/** Caller's memory. @return 0, -1 ERR_IO */
int inbox_init(struct inbox *inbox, struct err *err) MUST_CHECK;
void inbox_release(struct inbox *inbox);

/** Offers take their argument. Any thread. */
void inbox_offer_bundle(struct inbox *inbox, struct bundle *bundle);
void inbox_offer_tables(struct inbox *inbox, struct tables *tables);
void inbox_stop(struct inbox *inbox, int64_t deadline_ms);
void inbox_ring(int fd);
/** Silences a bell. */
void inbox_answer(int fd);

/** The engine's side: NULL when there is nothing new; the caller owns what it gets. */
struct bundle *inbox_take_bundle(struct inbox *inbox);
struct tables *inbox_take_tables(struct inbox *inbox);
void tables_free(struct tables *tables); /* what is in them too; NULL is fine */

#endif
