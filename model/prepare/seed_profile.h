/* seed_profile.h - a user's row of user_profile_cluster.csv, from the user's training rows: what
 * they played most, how many sessions, how long. One thread's own. */
#ifndef OUTRO_PREPARE_SEED_PROFILE_H
#define OUTRO_PREPARE_SEED_PROFILE_H

#include "core/err.h"
#include "prepare/output.h"
#include "prepare/seed_user.h"
#include "prepare/seed_walk.h"
#include "prepare/tally.h"

struct seed_profile {
    struct tally artists, tracks;
    int64_t *lengths_s; /* of each session, as its last training row has it */
    size_t sessions, lengths_capacity;
    uint64_t rows;
    uint32_t session; /* of the last row */
    double average_s;
    int age;
    bool out_of_memory;
};

/** Caller's memory. @return 0, -1 with ERR_MEMORY */
int seed_profile_init(struct seed_profile *profile, const struct catalog *catalog,
                      struct err *err) MUST_CHECK;
void seed_profile_clear(struct seed_profile *profile);

/** Forgets the user before. */
void seed_profile_begin(struct seed_profile *profile);
/** A training row. @param number of the track */
void seed_profile_take(struct seed_profile *profile, const struct track *track, uint32_t number,
                       const struct seed_walk *walk, int age);
/** Nothing for a user without training rows, or whom the filter leaves out. @param person may be
 * NULL  @return 0, -1 with ERR_MEMORY, also for what seed_profile_take could not note */
int seed_profile_put(struct seed_profile *profile, const struct seed_tables *tables,
                     const struct prepare_filter *filter, int64_t user,
                     const struct profile *person, uint32_t country, struct output *output,
                     struct err *err) MUST_CHECK;

#endif
