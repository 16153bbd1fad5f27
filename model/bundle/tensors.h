/* tensors.h - the parameters of a predictor as a safetensors file, and back. Pure. */
#ifndef OUTRO_BUNDLE_TENSORS_H
#define OUTRO_BUNDLE_TENSORS_H

#include <stddef.h>

#include "core/err.h"
#include "nn/predictor.h"

/** @param bytes new, caller frees  @return 0, or -1: ERR_CHECK (a weight is not finite), ERR_MEMORY
 */
int tensors_encode(const struct predictor *net, unsigned char **bytes, size_t *size,
                   struct err *err) MUST_CHECK;

/** A predictor of that spec with the file's parameters and an identity scaler. Exactly its tensors,
 * F32 and finite, of a file that says it is of that net and head, or none.
 *  @return new, caller frees; or NULL: ERR_INPUT (not safetensors, other conventions), ERR_SHAPE
 * (missing, extra, other dtype or shape), ERR_CHECK (not finite), ERR_MEMORY */
struct predictor *tensors_decode(const void *bytes, size_t size, const struct net_spec *spec,
                                 struct err *err) MUST_CHECK;

#endif
