/* golden_keras.h - parameters between Keras' layout and ours, in tests. Keras: kernel (I,G H),
 * recurrent kernel (H,G H), gates i f c o or z r h; bias (G H), or (2,G H) of a GRU with reset
 * after: for x, for h. Ours: net_spec.h. */
#ifndef OUTRO_TESTS_GOLDEN_KERAS_H
#define OUTRO_TESTS_GOLDEN_KERAS_H

#include <stdbool.h>
#include <stddef.h>

#include "golden_file.h"
#include "nn/net_spec.h"
#include "nn/real.h"

enum keras_part { KERAS_KERNEL, KERAS_RECURRENT, KERAS_BIAS, KERAS_PARTS };
extern const char *const keras_part_names[KERAS_PARTS]; /* "kernel" ... */

/** Keras' block of our gate k. */
size_t keras_gate(enum cell_kind kind, size_t k);

/** Our tensors of a recurrent layer lie together: from there on they are this many numbers. */
size_t keras_recurrent_count(const struct recurrent_spec *layer, size_t inputs);
/** Numbers of one of Keras' tensors; 0 for a bias that is not there. */
size_t keras_part_count(const struct recurrent_spec *layer, size_t inputs, enum keras_part part);
/** One of Keras' tensors from our block of a layer. @return new, caller frees */
real *keras_part_of(const struct recurrent_spec *layer, size_t inputs, enum keras_part part,
                    const real *block);
/** Reads PREFIX.kernel and the others into our block of a layer. */
void keras_read_recurrent(const struct golden_file *file, const char *prefix,
                          const struct recurrent_spec *layer, size_t inputs, real *block);

/** The same of a dense layer: kernel (I,O) and bias (O), ours (O,I) and (O). */
void keras_read_dense(const struct golden_file *file, const char *prefix, size_t inputs,
                      size_t outputs, real *block);
real *keras_dense_kernel_of(size_t inputs, size_t outputs, const real *block);

#endif
