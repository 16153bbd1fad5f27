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

/** A predictor of that shape with the file's parameters and an identity scaler. Exactly the tensors
 * of the shape, F32 and finite, under the conventions of nn/ (gates r z n, reset after), or none.
 *  @return new, caller frees; or NULL: ERR_INPUT (not safetensors, other conventions), ERR_SHAPE
 * (missing, extra, other dtype or shape), ERR_CHECK (not finite), ERR_MEMORY */
struct predictor *tensors_decode(const void *bytes, size_t size,
                                 const struct predictor_shape *shape, struct err *err) MUST_CHECK;

#endif
