/* seed_models.h - one network a cluster by the rules of the re-implemented system, or one for
 * everybody: who is left out, who is standardised, how many epochs.
 *
 * Of a cluster of n people, with a share of (min_users - 1)/30 of the original's numbers: no model
 * below min_users; "mixed" standardises n <= 200 and leaves larger ones raw; of more than 10 epochs
 * asked for, a fifth for n > 400, .7 for n > 200, .8 for n > 75, else all. With the defaults of 31
 * people and 500 epochs these are the original's 100, 350 and 400. */
#ifndef OUTRO_SEED_SEED_MODELS_H
#define OUTRO_SEED_SEED_MODELS_H

#include <stdbool.h>
#include <stdint.h>

#include "core/err.h"
#include "seed/seed_fit.h"
#include "seed/seed_rows.h"
#include "seed/seed_standardise.h"

struct seed_cluster {
    uint32_t number;
    uint32_t users;    /* people who are its members */
    uint64_t sessions; /* training rows */
    bool trained;      /* has a model: not too small, and rows to train on */
    bool standardised;
    uint32_t epochs;
    struct seed_scaler scaler; /* of its training rows; meaningful when standardised */
    struct seed_net net;
    struct seed_epoch *curve; /* (epochs) owned, NULL until trained here */
};

/* Zero to begin. */
struct seed_models {
    struct seed_recipe recipe;
    const struct seed_members *members; /* borrowed; NULL: one model for everybody */
    struct seed_cluster *cluster;       /* (clusters) owned */
    uint32_t clusters;
};

/** Does "mixed" standardise a cluster of so many people? */
bool seed_mixed_standardises(const struct seed_recipe *recipe, uint32_t users);
/** Epochs of such a cluster. */
uint32_t seed_epochs_of(const struct seed_recipe *recipe, uint32_t users);

/** Decides by the rules; nothing is trained yet. @return 0, -1 with ERR_MEMORY; release it either
 * way */
int seed_models_init(struct seed_models *models, const struct seed_recipe *recipe,
                     const struct seed_members *members, const struct seed_data *data,
                     struct err *err) MUST_CHECK;
void seed_models_release(struct seed_models *models);

/** Rows that will be seen in all epochs of all clusters. */
uint64_t seed_models_work(const struct seed_models *models);

/** Trains several sets of models at once, a cluster a task.  @param threads which change no bit
 *  @return 0, or -1 with the first failure: as seed_net_fit */
int seed_models_train(struct seed_models *const *models, size_t count, const struct seed_data *data,
                      uint32_t threads, const struct seed_hooks *hooks, struct err *err) MUST_CHECK;

/** The rows of a set that a cluster's model is shown, in the order that the protocol has them:
 * filtered as the recipe says, sorted by start, standardised (misjoined if the recipe says so).
 *  @param out appended to an empty set  @return 0, -1 with ERR_MEMORY */
int seed_models_rows(const struct seed_models *models, const struct seed_cluster *cluster,
                     const struct seed_rows *from, struct seed_rows *out,
                     struct err *err) MUST_CHECK;

#endif
