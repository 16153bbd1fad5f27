/* predictor.h - the network of the predictor: one recurrent step a finished session, a small head
 * that corrects the kernel KM base (model/PREDICTOR.md):
 *     s_k = step(x_k, s_{k-1})        x: 13 step inputs, standardised; h: the last layer's output
 *     d   = head([h ; start ; live])                                14 start features or more, 16
 * live R_q = max(exp(ln(kernel_q + 30) + d_q) - 30, 0), sorted     (exp(d_q) without that base) in
 * the usual form a GRU and a head of two ReLU layers with three outputs; any net_spec of these
 * inputs and features can serve. One of a single output corrects the median alone: there are no
 * outer quantiles then, which is said as NAN. Weights are const while predicting; states are the
 * caller's. All parameters stand in one block, in the order of net_tensors(). A row's result does
 * not depend, to the bit, on the rows it is batched with. */
#ifndef OUTRO_NN_PREDICTOR_H
#define OUTRO_NN_PREDICTOR_H

#include <stddef.h>
#include <stdint.h>

#include "core/err.h"
#include "core/prediction.h"
#include "nn/net_spec.h"

#define STEP_INPUTS        13
#define START_FEATURES     14 /* that every net has ... */
#define PANEL_FEATURES     20 /* ... and that it may have behind them: those of its panel */
#define START_FEATURES_MAX (START_FEATURES + PANEL_FEATURES)
#define LIVE_FEATURES      16
#define ROW_FEATURES       (START_FEATURES + LIVE_FEATURES) /* without a panel */
#define SCALED_CLIP        5.0f /* standardised inputs are clipped at +- this */

#define REMAINING_OFFSET_S 30.0f /* ln(seconds + this) is what the net is about */

extern const double predictor_levels[QUANTILES]; /* .1 .5 .9 */

/* The network of model/PREDICTOR.md: a GRU of that width (0: none) and two ReLU layers of units. */
#define PREDICTOR_SPEC(gru_width, units)                                                           \
    ((struct net_spec){.inputs = STEP_INPUTS,                                                      \
                       .features = ROW_FEATURES,                                                   \
                       .recurrent_layers = (gru_width) > 0,                                        \
                       .recurrent = {{.cell = CELL_GRU, .width = (gru_width)}},                    \
                       .dense_layers = 3,                                                          \
                       .dense = {{.activation = DENSE_RELU, .bias = true, .width = (units)},       \
                                 {.activation = DENSE_RELU, .bias = true, .width = (units)},       \
                                 {.bias = true, .width = QUANTILES}}})

/* Standardisation, fitted on training rows: x' = clip((x - mean) * inverse_sd). A zero deviation
 * counts as 1. */
struct predictor_scaler {
    uint32_t panel; /* which panel features the start ones have, by bit (bundle/feature_names.h) */
    float step_mean[STEP_INPUTS], step_inverse_sd[STEP_INPUTS];
    float start_mean[START_FEATURES_MAX], start_inverse_sd[START_FEATURES_MAX];
    float live_mean[LIVE_FEATURES], live_inverse_sd[LIVE_FEATURES];
};

/* What the head's outputs are added to, in ln(seconds + 30). */
enum predictor_base {
    BASE_KERNEL, /* ln(kernel_q + 30) */
    BASE_NONE,   /* 0: a regressor from scratch, the kernel KM being an input like others */
    PREDICTOR_BASES
};
extern const char *const predictor_base_names[PREDICTOR_BASES]; /* "kernel", "none" */

struct predictor {
    enum predictor_base base;
    struct net_spec spec; /* inputs 13, features 30 and the panel's, outputs 3 or 1 */
    struct predictor_scaler scaler;
    float *params;       /* one block, owned */
    size_t params_count; /* floats */
};

/** Can a predictor be of that spec? @return 0, or -1 with ERR_SHAPE */
int predictor_check(const struct net_spec *spec, struct err *err) MUST_CHECK;

/** Outputs of a spec: 3, the quantiles; 1, a single value. */
static inline size_t predictor_outputs(const struct net_spec *spec)
{
    return spec->dense[spec->dense_layers - 1].width;
}

/** Start features of a spec: 14, and those of its panel. */
static inline size_t predictor_start_features(const struct net_spec *spec)
{
    return spec->features - LIVE_FEATURES;
}

/** Features of a row with that panel, for a spec. */
static inline uint32_t predictor_row_features(uint32_t panel)
{
    return ROW_FEATURES + (uint32_t)__builtin_popcount(panel);
}

/** New predictor, weights drawn from seed (PyTorch's uniform +-1/sqrt(H) for a recurrent layer,
 * Kaiming for the head, last layer a tenth of that with bias 0, so that an untrained net is the
 * kernel KM to within a few percent), base the kernel, scaler the identity.
 * Which panel it is of, scaler.panel, the caller says.
 *  @return NULL with ERR_MEMORY or ERR_SHAPE */
struct predictor *predictor_new(const struct net_spec *spec, uint64_t seed,
                                struct err *err) MUST_CHECK;
struct predictor *predictor_copy(const struct predictor *predictor, struct err *err) MUST_CHECK;
void predictor_free(struct predictor *predictor); /* NULL is fine */

/* What serving works in: packed weights and scratch for a micro-batch. Made once per predictor and
 * reused; not shared between threads. */
struct predictor_runner;
/** @param predictor borrowed for the runner's life; its params must not change  @param rows_max
 * largest batch  @param lender one of a predictor of the same spec, of this thread, that outlives
 * this one and whose scratch it uses; NULL: its own */
struct predictor_runner *predictor_runner_new(const struct predictor *predictor, size_t rows_max,
                                              const struct predictor_runner *lender,
                                              struct err *err) MUST_CHECK;
void predictor_runner_free(struct predictor_runner *runner);

/** One recurrent step. @param x (rows,13) raw step inputs  @param state rows pointers to
 * (net_state_width()) states, read and replaced; distinct rows must be distinct states. Does
 * nothing without recurrent layers. */
void predictor_step(struct predictor_runner *runner, size_t rows, const float *x,
                    float *const *state);

/** The part of the head's first layer that does not change within a session: W1 [h ; start ; 0] +
 * b1. D is that layer's width.
 *  @param state rows pointers as above; may be NULL each without recurrent layers  @param start
 * (rows,S) raw, S = predictor_start_features  @param base rows pointers to (D), written */
void predictor_base(struct predictor_runner *runner, size_t rows, const float *const *state,
                    const float *start, float *const *base);

/** Remaining seconds. @param base rows pointers to (D) from predictor_base  @param live (rows,16)
 * raw
 *  @param kernel (rows,3) remaining seconds of the kernel KM  @param remaining (rows,3) out:
 * sorted, >= 0; of a single output the outer two NAN */
void predictor_live(struct predictor_runner *runner, size_t rows, const float *const *base,
                    const float *live, const float *kernel, float *remaining);

/* The kernels (kernels.h) to use instead of the best, for tests and benchmarks. */
struct kernels;
void predictor_runner_use(struct predictor_runner *runner, const struct kernels *kernels);

#endif
