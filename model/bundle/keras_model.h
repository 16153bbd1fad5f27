/* keras_model.h - what a Keras architecture (the JSON of to_json, or the model_config of a whole
 * model) says of a network: its description in the terms of net_spec.h, and which layers have
 * weights and where the two forms of HDF5 files keep them. Sequential models of LSTM, GRU and
 * Dense; all else that changes an output is refused by its name. Pure.
 *
 * The version decides what a name means: hard_sigmoid is clip(x/5 + 1/2) to Keras 2 and
 * clip(x/6 + 1/2) in Keras 3, and a recurrent activation that is not said is hard_sigmoid to 2.2
 * and sigmoid after. A GRU that does not say reset_after resets before. */
#ifndef OUTRO_BUNDLE_KERAS_MODEL_H
#define OUTRO_BUNDLE_KERAS_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bundle/net_file.h"
#include "core/err.h"

#define KERAS_LAYERS_MAX (2 * NET_LAYERS_MAX)
#define KERAS_NAME_MAX   128 /* the NUL included */

/* A layer that has weights. */
struct keras_layer {
    char name[KERAS_NAME_MAX]; /* the user's: "lstm_1" */
    char vars[48];             /* in the newer form, under /layers: "lstm/cell/vars" */
    bool recurrent;
    uint32_t index; /* in spec.recurrent or spec.dense */
};

struct keras_model {
    uint32_t layers;
    struct keras_layer layer[KERAS_LAYERS_MAX];
};

/** @param version of the file that the JSON was in, used where the JSON has none; may be NULL
 *  @param out spec (inputs 0 when the file does not say it), mask, source and notes are filled; no
 * params  @return 0, or -1: ERR_INPUT (not such JSON, no version), ERR_SHAPE (a layer or option
 * that cannot be imported, by name) */
int keras_model_parse(const void *json, size_t size, const char *version, struct keras_model *model,
                      struct net_file *out, struct err *err) MUST_CHECK;

#endif
