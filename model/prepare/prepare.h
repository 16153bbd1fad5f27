/* prepare.h - the files that a log gives, in one of two forms: the tidy one (tables with a header)
 * or, byte for byte, those of the re-implemented system. Work is cut into stages, each a set of
 * files that are written beside their final names and renamed. Reads no clock, never prints. */
#ifndef OUTRO_PREPARE_PREPARE_H
#define OUTRO_PREPARE_PREPARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"
#include "prepare/history.h"
#include "prepare/split.h"

/* One stage of a form. */
struct prepare_stage {
    const char *name;         /* as --only calls it */
    const char *const *paths; /* the files and folders it writes, ends with NULL */
};

enum { PREPARE_STAGES_MAX = 8 };

/** The stages of a form, in the order they are done, ended by one without a name. */
const struct prepare_stage *prepare_stages(bool seed_compat);

/* Users who do not pass are left out: of all but tracks in the tidy form, of
 * user_profile_cluster.csv under seed_compat. */
struct prepare_filter {
    uint64_t min_rows, min_sessions; /* more than; 0: any */
    double max_average_s;            /* less than; infinite: any */
};

/* What was written. */
struct prepare_counts {
    uint64_t users, sessions, scrobbles; /* scrobbles: rows of sessions */
    uint64_t duplicates;                 /* dropped; none under seed_compat */
    uint64_t left_out;                   /* users that the filter left out */
};

struct prepare_options {
    bool seed_compat;
    unsigned stages; /* bit i: prepare_stages()[i] */
    struct split_options split;
    struct prepare_filter filter;
    const struct profiles *profiles; /* borrowed, may be NULL */
    size_t threads;                  /* at least 1 */
    int folder;                      /* open; files go there */
    /* Called when a stage's files all have their names; may be NULL. @return 0, -1 with err: stops
     */
    int (*stage_done)(void *ctx, unsigned stage, struct err *err);
    void *stage_ctx;
    /* Called as users are done, by one thread at a time; may be NULL. */
    void (*progress)(void *ctx, uint64_t users, uint64_t total);
    void *progress_ctx;
};

/** Writes the files of the stages asked for. @param counts of what was written, users' stages only
 *  @return 0, -1: ERR_IO, ERR_INPUT, ERR_USAGE,
 * ERR_MEMORY; stages that were done before the error stay */
int prepare_write(const struct history *history, const struct prepare_options *options,
                  struct prepare_counts *counts, struct err *err) MUST_CHECK;

/** Tells of a stage that is done, if it was asked for. @return 0, -1 with err */
int prepare_stage_done(const struct prepare_options *options, unsigned stage,
                       struct err *err) MUST_CHECK;

#endif
