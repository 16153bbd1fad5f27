/* torch_modules.h - the modules of a state dict, found by the names and shapes of its tensors and
 * put in the order in which they feed each other. Private to torch_names.c. Pure. */
#ifndef OUTRO_BUNDLE_TORCH_MODULES_H
#define OUTRO_BUNDLE_TORCH_MODULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bundle/safetensors.h"
#include "core/err.h"
#include "nn/net_spec.h"

#define TORCH_NAME_MAX 256 /* of a tensor, the NUL included */

/* nn.Linear, or one layer of nn.GRU or nn.LSTM. */
struct torch_layer {
    char module[TORCH_NAME_MAX]; /* with its dot: "net.rnn.", "" */
    bool recurrent;
    uint32_t level;         /* k of weight_ih_l<k>; 0 for nn.Linear */
    enum cell_kind cell;    /* recurrent: by the rows of weight_hh */
    uint32_t inputs, width; /* what it reads, what it gives */
    bool bias;
    const struct safetensor *weight, *weight_hh; /* borrowed; weight is weight_ih when recurrent */
};

struct torch_modules {
    uint32_t recurrent_count, dense_count;
    struct torch_layer recurrent[NET_LAYERS_MAX], dense[NET_LAYERS_MAX]; /* in their order */
};

/** @return 0, or -1: ERR_INPUT (a name of no known layer; bidirectional, projected), ERR_SHAPE */
int torch_modules_find(const struct safetensors *file, const char *prefix,
                       struct torch_modules *out, struct err *err) MUST_CHECK;

/** Name of a layer's tensor in the file: part is "weight_ih", "weight_hh", "bias_ih", "bias_hh",
 * "weight" or "bias". */
void torch_tensor_name(const struct torch_layer *layer, const char *part,
                       char out[TORCH_NAME_MAX + 16]);

#endif
