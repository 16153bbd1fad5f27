/* clip.h - gradients kept from being too large, in the forms of Keras 3 and PyTorch: a table of
 * rows, found by name ("none", "norm:1", "norm.torch:1", "norm_each:1", "value:.5"). norm        g
 * min(1, limit / n), n the Euclidean norm of all tensors together (Keras) norm.torch  g min(1,
 * limit / (n + 1e-6)) norm_each   every tensor by its own norm, as norm value       every number
 * into -limit .. limit */
#ifndef OUTRO_NN_CLIP_H
#define OUTRO_NN_CLIP_H

#include <stddef.h>

#include "core/err.h"
#include "nn/real.h"

#define CLIP_TEXT_MAX 64 /* the NUL included */

struct clip {
    const struct clip_kind *kind; /* a row of the table */
    double limit;                 /* above 0; unused by none */
};

/** @return 0, or -1 with ERR_INPUT: what was found and what it may be */
int clip_by_name(const char *text, struct clip *out, struct err *err) MUST_CHECK;
/** The text that reads back equal. */
void clip_print(const struct clip *clip, char out[CLIP_TEXT_MAX]);
/** @param sizes (tensors) numbers in each tensor of the block, one behind the other; norm, value
 *  and none see no difference between one tensor and many  @return the norm of all before, not
 *  finite if any number is not */
double clip_gradient(const struct clip *clip, real *gradient, const size_t *sizes, size_t tensors);

#endif
