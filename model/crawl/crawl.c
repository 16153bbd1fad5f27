#include "crawl/crawl.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crawl/fetcher.h"
#include "crawl/outcome.h"
#include "crawl/pace.h"
#include "crawl/result_files.h"

/* Tracks that wait for another try hold their slot. With all of them waiting nothing new is asked:
 * a server in trouble is left alone. */
enum { SLOTS_PER_REQUEST = 4, HOPELESS_FAILURES = 20, WAIT_MAX_MS = 1000 };

enum known { KNOWN_NOTHING, KNOWN_TIMED, KNOWN_UNTIMED, KNOWN_UNKNOWN, KNOWN_FAILED };

struct slot {
    enum { SLOT_FREE, SLOT_WAITING, SLOT_ASKING } state;
    uint32_t track;
    unsigned failures;
    int64_t due_ms; /* SLOT_WAITING */
};

struct crawl {
    const struct track_set *set;
    const struct crawl_options *options;
    struct crawl_counts *counts;
    int dir;
    struct journal *journal;
    struct fetcher *fetcher;
    struct pace pace;
    struct random random;
    struct slot *slots; /* (slot_count) */
    uint32_t slot_count;
    uint64_t *offsets;      /* (tracks): of the last record in the journal, or NO_RECORD */
    unsigned char *known;   /* (tracks): enum known */
    uint32_t next;          /* track that nobody has looked at yet */
    uint64_t failed_before; /* in earlier crawls */
    unsigned failures_in_a_row;
    struct err stop; /* why it ends early; ERR_NONE: it does not */
};

/* ---- what is known ---- */

static uint64_t *count_of(struct crawl_counts *counts, enum known known)
{
    switch (known) {
    case KNOWN_TIMED:
        return &counts->timed;
    case KNOWN_UNTIMED:
        return &counts->untimed;
    case KNOWN_UNKNOWN:
        return &counts->unknown;
    case KNOWN_FAILED:
        return &counts->failed;
    case KNOWN_NOTHING:
        break;
    }
    return &counts->left;
}

static enum known known_of(const struct record *record)
{
    if (record->kind == RECORD_FAILED)
        return KNOWN_FAILED;
    if (record->kind == RECORD_UNKNOWN)
        return KNOWN_UNKNOWN;
    return record->facts.duration_ms ? KNOWN_TIMED : KNOWN_UNTIMED;
}

static void note(struct crawl *crawl, uint32_t track, enum known known)
{
    --*count_of(crawl->counts, crawl->known[track]);
    crawl->known[track] = (unsigned char)known;
    ++*count_of(crawl->counts, known);
}

/* The journal has a record: the last one of a track stands. */
static void on_record(void *ctx, const struct record *record, uint64_t offset)
{
    struct crawl *crawl = ctx;
    uint32_t track;
    if (!track_set_find(crawl->set, record->artist, record->track, &track))
        return; /* of another log */
    bool again = record->kind == RECORD_FAILED && crawl->options->retry_failed;
    crawl->offsets[track] = again ? NO_RECORD : offset;
    note(crawl, track, again ? KNOWN_NOTHING : known_of(record));
}

static int keep(struct crawl *crawl, struct slot *slot, struct record *record, struct err *err)
{
    struct track_name name = track_set_get(crawl->set, slot->track);
    record->artist = name.artist;
    record->track = name.track;
    slot->state = SLOT_FREE;
    if (journal_append(crawl->journal, record, &crawl->offsets[slot->track], err) < 0)
        return -1;
    note(crawl, slot->track, known_of(record));
    return 0;
}

/* ---- one reply ---- */

static int give_up(struct crawl *crawl, struct slot *slot, const char *reason, struct err *err)
{
    struct record record = {.kind = RECORD_FAILED, .reason = {reason, strlen(reason)}};
    if (keep(crawl, slot, &record, err) < 0)
        return -1;
    if (++crawl->failures_in_a_row == HOPELESS_FAILURES)
        err_set(
            &crawl->stop, ERR_CHECK,
            "%d tracks in a row have failed, the last one with \"%s\": when that is mended, run "
            "the same command with --retry-failed",
            HOPELESS_FAILURES, reason);
    return 0;
}

static int try_again(struct crawl *crawl, struct slot *slot, const struct reply *reply,
                     const char *reason, struct err *err)
{
    const struct crawl_options *options = crawl->options;
    int64_t now_ms = options->now_ms(options->ctx);
    /* The server speaks to the client, not of one track. */
    if (reply->retry_after_s > 0)
        pace_hold(&crawl->pace, now_ms + 1000 * reply->retry_after_s);
    if (++slot->failures == options->tries) {
        char text[320];
        snprintf(text, sizeof text, options->tries > 1 ? "%s (%u tries)" : "%s", reason,
                 options->tries);
        return give_up(crawl, slot, text, err);
    }
    slot->state = SLOT_WAITING;
    slot->due_ms = now_ms + backoff_ms(slot->failures, options->backoff_ms, &crawl->random);
    return 0;
}

static int settle(struct crawl *crawl, struct slot *slot, const struct reply *reply,
                  struct err *err)
{
    struct answer answer;
    answer_parse(&answer, reply->body.data, reply->network ? 0 : reply->body.size);
    struct outcome outcome = outcome_of(reply, &answer);
    struct record record = {.kind = RECORD_UNKNOWN};
    int status = 0;
    switch (outcome.kind) {
    case OUTCOME_TRACK:
    case OUTCOME_UNKNOWN:
        if (outcome.kind == OUTCOME_TRACK)
            record = (struct record){.kind = RECORD_TRACK, .facts = answer.facts};
        crawl->failures_in_a_row = 0;
        status = keep(crawl, slot, &record, err);
        break;
    case OUTCOME_RETRY:
        status = try_again(crawl, slot, reply, outcome.reason, err);
        break;
    case OUTCOME_FAILED:
        status = give_up(crawl, slot, outcome.reason, err);
        break;
    case OUTCOME_STOP:
        slot->state = SLOT_FREE; /* stays without an answer: it is asked for next time */
        err_set(&crawl->stop, ERR_CHECK, "%s", outcome.reason);
        break;
    }
    answer_release(&answer);
    return status;
}

/* ---- asking ---- */

/* Of those that are due, any; else a new one. NULL: there is nothing to ask now. */
static struct slot *next_slot(struct crawl *crawl, int64_t now_ms)
{
    struct slot *free_slot = NULL;
    for (uint32_t i = 0; i < crawl->slot_count; i++) {
        struct slot *slot = &crawl->slots[i];
        if (slot->state == SLOT_WAITING && slot->due_ms <= now_ms)
            return slot;
        if (slot->state == SLOT_FREE)
            free_slot = slot;
    }
    while (crawl->next < crawl->counts->tracks && crawl->offsets[crawl->next] != NO_RECORD)
        crawl->next++;
    if (!free_slot || crawl->next == crawl->counts->tracks)
        return NULL;
    *free_slot = (struct slot){.track = crawl->next++};
    return free_slot;
}

static int ask(struct crawl *crawl, int64_t now_ms, struct err *err)
{
    while (fetcher_in_flight(crawl->fetcher) < crawl->options->parallel &&
           pace_wait_ms(&crawl->pace, now_ms) == 0) {
        struct slot *slot = next_slot(crawl, now_ms);
        if (!slot)
            return 0;
        pace_take(&crawl->pace);
        slot->state = SLOT_ASKING;
        crawl->counts->requests++;
        crawl->counts->retries += slot->failures > 0;
        if (fetcher_start(crawl->fetcher, (uint32_t)(slot - crawl->slots),
                          track_set_get(crawl->set, slot->track), err) < 0)
            return -1;
    }
    return 0;
}

/* How long nothing can happen but a reply or a stop. ask() has done all that could be done now. */
static int64_t idle_ms(struct crawl *crawl, int64_t now_ms)
{
    int64_t due_ms = now_ms + WAIT_MAX_MS;
    if (fetcher_in_flight(crawl->fetcher) == crawl->options->parallel)
        return WAIT_MAX_MS;
    for (uint32_t i = 0; i < crawl->slot_count; i++) {
        const struct slot *slot = &crawl->slots[i];
        if (slot->state == SLOT_FREE && crawl->next < crawl->counts->tracks)
            due_ms = now_ms;
        else if (slot->state == SLOT_WAITING && slot->due_ms < due_ms)
            due_ms = slot->due_ms;
    }
    int64_t pace_ms = pace_wait_ms(&crawl->pace, now_ms);
    int64_t wait_ms = due_ms - now_ms > pace_ms ? due_ms - now_ms : pace_ms;
    return wait_ms < WAIT_MAX_MS ? wait_ms : WAIT_MAX_MS;
}

static bool is_stopping(struct crawl *crawl, int stops)
{
    if (stops > 0 && crawl->stop.code == ERR_NONE)
        err_set(&crawl->stop, ERR_CANCELLED,
                "stopped before every track was asked for; the same command goes on from here");
    return crawl->stop.code != ERR_NONE;
}

/* @return 1 while there is something to do, 0, -1 */
static int step(struct crawl *crawl, struct err *err)
{
    const struct crawl_options *options = crawl->options;
    int stops = options->stops(options->ctx);
    bool stopping = is_stopping(crawl, stops);
    int64_t now_ms = options->now_ms(options->ctx);
    if (!stopping && ask(crawl, now_ms, err) < 0)
        return -1;
    unsigned in_flight = fetcher_in_flight(crawl->fetcher);
    if (in_flight == 0 && (stopping || crawl->counts->left == 0))
        return 0;
    if (stops > 1)
        return 0;
    if (fetcher_wait(crawl->fetcher, stopping ? WAIT_MAX_MS : idle_ms(crawl, now_ms), err) < 0)
        return -1;
    uint32_t slot;
    struct reply reply;
    while (fetcher_take(crawl->fetcher, &slot, &reply))
        if (settle(crawl, &crawl->slots[slot], &reply, err) < 0)
            return -1;
    options->progress(options->ctx, crawl->counts);
    return 1;
}

/* ---- the whole ---- */

static int open_folder(struct crawl *crawl, struct err *err)
{
    const char *path = crawl->options->out_path;
    if (mkdir(path, 0777) < 0 && errno != EEXIST)
        return err_errno(err, "making %s", path);
    crawl->dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return crawl->dir < 0 ? err_errno(err, "%s", path) : 0;
}

static int begin(struct crawl *crawl, struct err *err)
{
    const struct crawl_options *options = crawl->options;
    size_t tracks = track_set_count(crawl->set);
    crawl->slot_count = SLOTS_PER_REQUEST * options->parallel;
    crawl->slots = calloc(crawl->slot_count, sizeof *crawl->slots);
    crawl->offsets = malloc((tracks + 1) * sizeof *crawl->offsets);
    crawl->known = calloc(tracks + 1, 1);
    if (!crawl->slots || !crawl->offsets || !crawl->known)
        return err_set(err, ERR_MEMORY, "out of memory for %zu tracks", tracks);
    memset(crawl->offsets, 0xff, tracks * sizeof *crawl->offsets); /* NO_RECORD */
    if (open_folder(crawl, err) < 0)
        return -1;
    crawl->journal = journal_open(crawl->dir, on_record, crawl, &crawl->counts->journal, err);
    if (!crawl->journal)
        return err_prefix(err, "%s", options->out_path);
    crawl->counts->before = crawl->counts->tracks - crawl->counts->left;
    crawl->failed_before = crawl->counts->failed;
    const struct fetcher_options fetching = {.base_url = options->base_url,
                                             .key = options->key,
                                             .parallel = options->parallel,
                                             .timeout_ms = options->timeout_ms,
                                             .wake_fd = options->wake_fd};
    crawl->fetcher = fetcher_new(&fetching, err);
    pace_init(&crawl->pace, options->rate_per_s, options->now_ms(options->ctx));
    random_init(&crawl->random, options->seed, 0);
    return crawl->fetcher ? 0 : -1;
}

/* Where nothing but failures came of the asking, a script must not go on as if it had durations. */
static int check_that_some_came(const struct crawl *crawl, struct err *err)
{
    const struct crawl_counts *counts = crawl->counts;
    uint64_t asked = counts->tracks - counts->before - counts->left;
    if (asked == 0 || counts->failed - crawl->failed_before < asked)
        return 0;
    return err_set(err, ERR_CHECK,
                   "every track that was asked for has failed (%" PRIu64 "; %s/failed.tsv says "
                   "why): when that is mended, run the same command with --retry-failed",
                   asked, crawl->options->out_path);
}

static int finish(struct crawl *crawl, struct err *err)
{
    if (journal_sync(crawl->journal, err) < 0 ||
        result_files_write(crawl->dir, crawl->set, crawl->journal, crawl->offsets,
                           &crawl->counts->tags, err) < 0)
        return err_prefix(err, "%s", crawl->options->out_path);
    if (crawl->stop.code != ERR_NONE && crawl->counts->left > 0) {
        *err = crawl->stop;
        return -1;
    }
    return check_that_some_came(crawl, err);
}

int crawl_run(const struct track_set *set, const struct crawl_options *options,
              struct crawl_counts *counts, struct err *err)
{
    struct crawl crawl = {.set = set, .options = options, .counts = counts, .dir = -1};
    *counts = (struct crawl_counts){.tracks = track_set_count(set), .left = track_set_count(set)};
    int status = begin(&crawl, err);
    if (status == 0) {
        do
            status = step(&crawl, err);
        while (status > 0);
        if (status == 0)
            status = finish(&crawl, err);
    }
    fetcher_free(crawl.fetcher);
    journal_close(crawl.journal);
    free(crawl.offsets);
    free(crawl.known);
    free(crawl.slots);
    if (crawl.dir >= 0)
        close(crawl.dir);
    return status;
}
