/* torch_names.h - a network as a PyTorch state dict in safetensors bytes, and back: nn.GRU, nn.LSTM
 * and nn.Linear under any module names. Weights are (out, in) there as here, gates of a GRU r z n,
 * of an LSTM i f g o, so values are copied as they are.
 *
 * A state dict does not say what happens between its modules. Their order is that of their names
 * (numbers by value), changed only where widths would not fit; activations of the dense layers come
 * from the caller or from the file's own __metadata__ (which torch_encode writes). Pure. */
#ifndef OUTRO_BUNDLE_TORCH_NAMES_H
#define OUTRO_BUNDLE_TORCH_NAMES_H

#include <stddef.h>

#include "bundle/net_file.h"
#include "core/err.h"

/** @param prefix only tensors whose names begin with it are looked at; "" takes all, and refuses
 * what is of no known layer  @param head the head's line of net_spec.h; NULL: what __metadata__
 * says, or one linear layer
 *  @param out filled on success, release it  @return 0, or -1: ERR_INPUT, ERR_SHAPE (which tensor,
 * what was expected, what was found), ERR_CHECK (not finite), ERR_MEMORY */
int torch_decode(const void *bytes, size_t size, const char *prefix, const char *head,
                 struct net_file *out, struct err *err) MUST_CHECK;

/** One module a layer: rnn.0.weight_ih_l0, ... head.0.weight, ... Reads back equal to the bit.
 *  @param bytes new, caller frees  @return 0, or -1: ERR_SHAPE (a layer that PyTorch does not
 * have), ERR_CHECK (not finite), ERR_MEMORY */
int torch_encode(const struct net_file *file, unsigned char **bytes, size_t *size,
                 struct err *err) MUST_CHECK;

#endif
