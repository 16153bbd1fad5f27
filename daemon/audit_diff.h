/* audit_diff.h - one user's published records against those the input gives. The audit looks at
 * every user by digest (audit_users.h) and comes here only for those whose digests differ. Pure. */
#ifndef OUTRO_DAEMON_AUDIT_DIFF_H
#define OUTRO_DAEMON_AUDIT_DIFF_H

#include <stddef.h>

#include "core/err.h"
#include "daemon/audit_record.h"

enum audit_finding {
    AUDIT_LOST,         /* the input gives it, nobody published it; the place is the scrobble's */
    AUDIT_DOUBLED,      /* published before; the place is the second one's */
    AUDIT_OUT_OF_ORDER, /* before one that belongs before it */
    AUDIT_ORPHANED,     /* nothing in the input gives it */
    AUDIT_DIFFERS,      /* it says something else than the input gives */
    AUDIT_FINDINGS
};

/* What is known of the system around the records. */
struct audit_rules {
    /* The input goes on behind the committed offset, and so may what was published of it. */
    bool ahead;
    /* Silent partitions close their sessions by the wall clock (time.idle.advance.ms), which no
     * topic tells: a session may have been published more often than the input shows, and while it
     * was open, as long as what was said last is right. */
    bool by_the_clock;
};

struct audit_list {
    struct audit_entry *entry; /* owned */
    size_t count, capacity;
};

int audit_list_add(struct audit_list *list, const struct audit_entry *entry,
                   struct err *err) MUST_CHECK;
void audit_list_release(struct audit_list *list);

/** Calls found for everything wrong. @param expected in the order of the input; sessions still open
 * last  @param published in the order of their topic; both lists are rearranged
 *  @return 0, or -1 ERR_MEMORY */
int audit_diff(enum audit_stream stream, const struct audit_rules *rules,
               struct audit_list *expected, struct audit_list *published,
               void (*found)(void *ctx, enum audit_finding finding,
                             const struct audit_entry *entry),
               void *ctx, struct err *err) MUST_CHECK;

#endif
