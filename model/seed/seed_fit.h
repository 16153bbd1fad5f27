/* seed_fit.h - the networks of the re-implemented system and how they were fitted: nine inputs of
 * one time step into an LSTM, a GRU or layers of LSTM, one dense output, rows in the order given,
 * never shuffled. The engine is nn/; cells, gates, starts and optimizer are those of Keras 2.2:
 * hard sigmoid clip(x/5 + 1/2, 0, 1), a GRU that resets before its product, Glorot and orthogonal
 * starts, forget bias 1. Dropout draws one mask for all gates, where Keras 2.2 drew one a gate. */
#ifndef OUTRO_SEED_SEED_FIT_H
#define OUTRO_SEED_SEED_FIT_H

#include <stdbool.h>
#include <stdint.h>

#include "core/err.h"
#include "nn/loss.h"
#include "nn/net_spec.h"
#include "nn/optimizer.h"
#include "seed/seed_rows.h"

enum seed_cell { SEED_LSTM, SEED_GRU, SEED_LAYERED_LSTM, SEED_CELLS };
extern const char *const seed_cell_names[SEED_CELLS]; /* "lstm", "gru", "layered-lstm" */

enum seed_scaling { SEED_RAW, SEED_STANDARDISED, SEED_MIXED, SEED_SCALINGS };
extern const char *const seed_scaling_names[SEED_SCALINGS]; /* "no", "yes", "mixed" */

struct seed_recipe {
    enum seed_cell cell;
    uint32_t hidden_dim;                 /* 250 */
    uint32_t layer_dims;                 /* 150, width of a layered net's first layer ... */
    uint32_t layers;                     /* ... and how many of hidden_dim stand on it: 1 */
    double dropout;                      /* 0, of every layer's inputs */
    struct loss loss;                    /* mae */
    struct optimizer_settings optimizer; /* adam.keras2 */
    uint32_t batch;                      /* 400 */
    uint32_t epochs;                     /* 500; the rules of seed_models.h may say otherwise */
    uint64_t seed;                       /* 1 */
    enum seed_scaling scaling;           /* SEED_RAW */
    uint32_t
        min_users;  /* 31: smaller clusters are left out; the other rules' sizes shrink with it */
    double filter;  /* rows whose label is above that percentile are left out; 0: none */
    bool misjoined; /* true: standardising makes its error; false to see what it did */
};

/** The defaults above. */
struct seed_recipe seed_recipe_defaults(void);
/** The network of a recipe. @return 0, or -1 with ERR_SHAPE */
int seed_recipe_spec(const struct seed_recipe *recipe, struct net_spec *out,
                     struct err *err) MUST_CHECK;

/* Zero to begin. */
struct seed_net {
    struct net_spec spec;
    real *params; /* net_params_count(&spec), owned */
};

struct seed_epoch {
    double loss;       /* mean over the rows, as the net was while it saw them */
    double validation; /* mean at the end of the epoch; NAN without rows */
};

struct seed_hooks {
    void *ctx;
    /* After an epoch of so many rows; may be called from several threads. May be NULL.
     * @return false to stop: ERR_CANCELLED */
    bool (*epoch)(void *ctx, uint64_t rows);
};

/** A network at its start. @param stream of random numbers: the same seed and stream, the same bits
 *  @return 0, or -1: ERR_SHAPE, ERR_MEMORY */
int seed_net_init(struct seed_net *net, const struct seed_recipe *recipe, uint64_t stream,
                  struct err *err) MUST_CHECK;
void seed_net_release(struct seed_net *net);

/** Fits it. @param train, validate in the order they are seen  @param epochs > 0
 *  @param curve (epochs) written, or NULL  @return 0, or -1: ERR_CHECK (the loss is no number),
 * ERR_CANCELLED, ERR_MEMORY */
int seed_net_fit(struct seed_net *net, const struct seed_recipe *recipe, uint64_t stream,
                 uint32_t epochs, const struct seed_rows *train, const struct seed_rows *validate,
                 struct seed_epoch *curve, const struct seed_hooks *hooks,
                 struct err *err) MUST_CHECK;

/** @param said (rows) out, in the label's units  @return 0, -1 with ERR_MEMORY */
int seed_net_predict(const struct seed_net *net, const struct seed_rows *rows, double *said,
                     struct err *err) MUST_CHECK;

#endif
