/* trainer_fixture.h - small synthetic people for the tests of the trainer: USERS of them with
 * SESSIONS sessions each, whose remaining times depend on what `secret` says, and on chance. */
#ifndef OUTRO_TESTS_TRAINER_FIXTURE_H
#define OUTRO_TESTS_TRAINER_FIXTURE_H

#include "nn/trainer.h"

#define USERS        6
#define SESSIONS     200
#define ROWS_SESSION 3

/* What remaining time depends on besides chance. */
enum secret {
    SECRET_NONE,
    SECRET_START,  /* the first start feature: a head alone can see it */
    SECRET_HISTORY /* the first step input of the session before: only the state can */
};

struct train_set make_set(enum secret secret);
void free_set(struct train_set *set);
/** A small net for few epochs; what is learned, whole. */
struct trainer_options small_options(void);
/** trainer_run, which must not fail; without hooks, or with them. */
struct predictor *trained(const struct train_set *set, const struct trainer_options *options,
                          struct trainer_report *report);
struct predictor *trained_with(const struct train_set *set, const struct trainer_options *options,
                               const struct trainer_hooks *hooks, struct trainer_report *report);

#endif
