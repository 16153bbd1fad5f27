#include "daemon/audit_diff.h"

#include <stdlib.h>

#include "core/array.h"

/* A published record and its place among the user's. */
struct ranked {
    const struct audit_entry *entry;
    size_t at;
};

struct diff {
    const struct audit_rules *rules;
    const struct audit_entry *expected; /* by key, a session that is open last of its number */
    size_t expected_count;
    const struct ranked *published; /* by key, then by place */
    size_t published_count;
    void (*found)(void *ctx, enum audit_finding finding, const struct audit_entry *entry);
    void *ctx;
};

int audit_list_add(struct audit_list *list, const struct audit_entry *entry, struct err *err)
{
    void *grown = array_grow(list->entry, &list->capacity, list->count + 1, sizeof *list->entry);
    if (!grown) {
        return err_set(err, ERR_MEMORY, "out of memory");
    }
    list->entry = grown;
    list->entry[list->count++] = *entry;
    return 0;
}

void audit_list_release(struct audit_list *list)
{
    free(list->entry);
    *list = (struct audit_list){0};
}

static int by_key_then_open(const void *a, const void *b)
{
    const struct audit_entry *left = a, *right = b;
    if (left->key.session != right->key.session) {
        return left->key.session < right->key.session ? -1 : 1;
    }
    return left->open != right->open ? left->open - right->open
                                     : audit_key_compare(left->key, right->key);
}

static int by_key_then_place(const void *a, const void *b)
{
    const struct ranked *left = a, *right = b;
    int order = audit_key_compare(left->entry->key, right->entry->key);
    return order ? order : (left->at > right->at) - (left->at < right->at);
}

static void say(const struct diff *diff, enum audit_finding finding,
                const struct audit_entry *entry)
{
    diff->found(diff->ctx, finding, entry);
}

/* How many published ones from `from` on have the same key. */
static size_t same_key(const struct diff *diff, size_t from)
{
    size_t to = from + 1;
    while (to < diff->published_count && audit_key_compare(diff->published[to].entry->key,
                                                           diff->published[from].entry->key) == 0) {
        to++;
    }
    return to - from;
}

/* Of several with one key, the one that says what is expected counts, else the first; the others
 * are doubled. @return the one that counts */
static const struct ranked *choose(const struct diff *diff, size_t from, size_t count,
                                   const struct audit_entry *expected)
{
    size_t chosen = from;
    for (size_t i = from; expected && i < from + count; i++) {
        if (diff->published[i].entry->hash == expected->hash) {
            chosen = i;
            break;
        }
    }
    for (size_t i = from; i < from + count; i++) {
        if (i != chosen) {
            say(diff, AUDIT_DOUBLED, diff->published[i].entry);
        }
    }
    return &diff->published[chosen];
}

/* Keys ascend in the order of publication: one whose place is before that of a smaller key is out
 * of order. @param next the least place that is in order; moves on */
static void check_place(const struct diff *diff, const struct ranked *ranked, size_t *next)
{
    if (ranked->at < *next) {
        say(diff, AUDIT_OUT_OF_ORDER, ranked->entry);
    } else {
        *next = ranked->at + 1;
    }
}

/* Nothing expected has this key. */
static void unexpected(const struct diff *diff, const struct ranked *ranked, bool beyond)
{
    if (!beyond || !diff->rules->ahead) {
        say(diff, AUDIT_ORPHANED, ranked->entry);
    }
}

static void diff_predictions(const struct diff *diff)
{
    size_t e = 0, next = 0, count;
    for (size_t i = 0; i < diff->published_count; i += count) {
        struct audit_key key = diff->published[i].entry->key;
        count = same_key(diff, i);
        while (e < diff->expected_count && audit_key_compare(diff->expected[e].key, key) < 0) {
            say(diff, AUDIT_LOST, &diff->expected[e++]);
        }
        bool is_expected =
            e < diff->expected_count && audit_key_compare(diff->expected[e].key, key) == 0;
        const struct audit_entry *expected = is_expected ? &diff->expected[e++] : NULL;
        const struct ranked *ranked = choose(diff, i, count, expected);
        if (!expected) {
            unexpected(diff, ranked, e == diff->expected_count);
            continue;
        }
        check_place(diff, ranked, &next);
        if (ranked->entry->hash != expected->hash) {
            say(diff, AUDIT_DIFFERS, ranked->entry);
        }
    }
    while (e < diff->expected_count) {
        say(diff, AUDIT_LOST, &diff->expected[e++]);
    }
}

/* One session's expected records. */
struct expected_session {
    const struct audit_entry *entry;
    size_t count; /* the open one, if there is one, is the last */
};

static const struct audit_entry *expected_revision(const struct expected_session *expected,
                                                   uint32_t revision)
{
    for (size_t i = 0; i < expected->count; i++) {
        if (expected->entry[i].key.number == revision && !expected->entry[i].open) {
            return &expected->entry[i];
        }
    }
    return NULL;
}

static void lose(const struct diff *diff, const struct expected_session *expected, size_t from)
{
    for (size_t i = from; i < expected->count; i++) {
        if (!expected->entry[i].open) {
            say(diff, AUDIT_LOST, &expected->entry[i]);
        }
    }
}

/* What a session's records say. @param chosen one a revision, ascending, complete up to the last */
static void check_revision(const struct diff *diff, const struct expected_session *expected,
                           const struct ranked *ranked, bool last_published)
{
    const struct audit_entry *final = &expected->entry[expected->count - 1];
    const struct audit_entry *same = expected_revision(expected, ranked->entry->key.number);
    if (diff->rules->by_the_clock) {
        /* what was said last is right, unless the session goes on */
        if (last_published && ranked->entry->hash != final->hash && !final->open &&
            !diff->rules->ahead) {
            say(diff, AUDIT_DIFFERS, ranked->entry);
        }
    } else if (!same) {
        unexpected(diff, ranked, ranked->entry->key.number > final->key.number || final->open);
    } else if (same->hash != ranked->entry->hash) {
        say(diff, AUDIT_DIFFERS, ranked->entry);
    }
}

/* One session: revisions from 0 on, each once, in order. @param i its first published record
 *  @return behind its last */
static size_t diff_session(const struct diff *diff, const struct expected_session *expected,
                           size_t i, size_t *next_first)
{
    uint32_t session = diff->published[i].entry->key.session, revision = 0;
    size_t count, next = 0;
    for (; i < diff->published_count && diff->published[i].entry->key.session == session;
         i += count) {
        uint32_t number = diff->published[i].entry->key.number;
        count = same_key(diff, i);
        for (; revision < number; revision++) {
            const struct audit_entry *skipped = expected_revision(expected, revision);
            say(diff, AUDIT_LOST, skipped ? skipped : &expected->entry[expected->count - 1]);
        }
        revision = number + 1;
        const struct ranked *ranked = choose(diff, i, count, expected_revision(expected, number));
        check_place(diff, ranked, &next);
        if (number == 0) {
            check_place(diff, ranked, next_first);
        }
        bool last = i + count == diff->published_count ||
                    diff->published[i + count].entry->key.session != session;
        check_revision(diff, expected, ranked, last);
    }
    for (size_t k = 0; k < expected->count && !diff->rules->by_the_clock; k++) {
        if (expected->entry[k].key.number >= revision) {
            lose(diff, &(struct expected_session){&expected->entry[k], 1}, 0);
        }
    }
    return i;
}

static struct expected_session expected_at(const struct diff *diff, size_t e)
{
    size_t to = e;
    while (to < diff->expected_count &&
           diff->expected[to].key.session == diff->expected[e].key.session) {
        to++;
    }
    return (struct expected_session){&diff->expected[e], to - e};
}

static void diff_sessions(const struct diff *diff)
{
    size_t e = 0, i = 0, next_first = 0;
    while (i < diff->published_count || e < diff->expected_count) {
        struct expected_session expected = expected_at(diff, e);
        bool published = i < diff->published_count;
        uint32_t session = published ? diff->published[i].entry->key.session : UINT32_MAX;
        if (expected.count > 0 && (!published || expected.entry->key.session < session)) {
            lose(diff, &expected, 0);
            e += expected.count;
        } else if (expected.count > 0 && expected.entry->key.session == session) {
            i = diff_session(diff, &expected, i, &next_first);
            e += expected.count;
        } else {
            unexpected(diff, &diff->published[i++], e == diff->expected_count);
        }
    }
}

int audit_diff(enum audit_stream stream, const struct audit_rules *rules,
               struct audit_list *expected, struct audit_list *published,
               void (*found)(void *ctx, enum audit_finding finding,
                             const struct audit_entry *entry),
               void *ctx, struct err *err)
{
    struct ranked *ranked = calloc(published->count ? published->count : 1, sizeof *ranked);
    if (!ranked) {
        return err_set(err, ERR_MEMORY, "out of memory");
    }
    for (size_t i = 0; i < published->count; i++) {
        ranked[i] = (struct ranked){&published->entry[i], i};
    }
    if (published->count > 0) {
        qsort(ranked, published->count, sizeof *ranked, by_key_then_place);
    }
    if (expected->count > 0) {
        qsort(expected->entry, expected->count, sizeof *expected->entry, by_key_then_open);
    }
    const struct diff diff = {.rules = rules,
                              .expected = expected->entry,
                              .expected_count = expected->count,
                              .published = ranked,
                              .published_count = published->count,
                              .found = found,
                              .ctx = ctx};
    (stream == AUDIT_PREDICTIONS ? diff_predictions : diff_sessions)(&diff);
    free(ranked);
    return 0;
}
