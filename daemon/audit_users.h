/* audit_users.h - what the audit keeps of every user: a count and a digest of the records that the
 * input gives, then of those that were published, in their order. Equal digests end the matter;
 * others go to audit_diff.h. So memory is a few hundred bytes a user, however long the topics.
 * Pure. */
#ifndef OUTRO_DAEMON_AUDIT_USERS_H
#define OUTRO_DAEMON_AUDIT_USERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"
#include "core/scrobble.h"
#include "daemon/audit_diff.h"

struct audit_tally {
    uint64_t count, digest;
    struct audit_key last;
};

struct audit_user {
    char id[USER_ID_MAX];
    uint8_t id_size;
    bool split;    /* has scrobbles in another partition, too: nothing can be said of its order */
    bool excused;  /* came back after state.ttl.days: whether it was forgotten no topic tells */
    bool doubtful; /* nor does one tell the durations that its tracks had then */
    bool suspect[AUDIT_STREAMS];
    int32_t partition; /* of the input */
    uint32_t listed;   /* which lists are its, from 1; 0 none: the audit's */
    struct audit_tally expected[AUDIT_STREAMS], published[AUDIT_STREAMS];
    struct audit_entry open; /* what its open session would say, when .open is set */
};

struct audit_users {
    struct audit_user *user; /* (count) owned; moves when one is added */
    size_t count, capacity;
    uint32_t *index; /* (slots) number + 1; 0 empty */
    size_t slots;
};

void audit_users_release(struct audit_users *users);
/** @return the user, borrowed until the next audit_users_at; NULL when unknown */
struct audit_user *audit_users_find(const struct audit_users *users, struct slice id);
/** The same, made when new; marks one that was seen in another partition as split. @return NULL
 * with ERR_MEMORY, or ERR_INPUT when id is no user id */
struct audit_user *audit_users_at(struct audit_users *users, struct slice id, int32_t partition,
                                  struct err *err) MUST_CHECK;

/** Takes what the input gives, in order. */
void audit_user_expect(struct audit_user *user, enum audit_stream stream,
                       const struct audit_entry *entry);
/** Takes what was published, in order, once all that is expected is known. */
void audit_user_publish(struct audit_user *user, enum audit_stream stream,
                        const struct audit_rules *rules, const struct audit_entry *entry);
/** Once all is taken: a user that is short of records is suspect. @return whether a stream is */
bool audit_user_settle(struct audit_user *user);

#endif
