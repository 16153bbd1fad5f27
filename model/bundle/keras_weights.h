/* keras_weights.h - the weights of a Keras model out of HDF5, in either form: the legacy one by its
 * lists layer_names and weight_names (at the root, or under model_weights in a whole model), the
 * newer one by groups that number the layers by class. Only with libhdf5. */
#ifndef OUTRO_BUNDLE_KERAS_WEIGHTS_H
#define OUTRO_BUNDLE_KERAS_WEIGHTS_H

#include "bundle/hdf5_file.h"
#include "bundle/keras_model.h"
#include "bundle/net_file.h"
#include "core/err.h"

/** @param out spec as keras_model_parse filled it (inputs that the architecture does not say come
 * from the first kernel); params are made  @return 0, or -1: ERR_INPUT (neither form), ERR_SHAPE
 * (which tensor, what was expected, what was found), ERR_CHECK (not finite), ERR_MEMORY */
int keras_weights_read(const struct hdf5_file *file, const struct keras_model *model,
                       struct net_file *out, struct err *err) MUST_CHECK;

#endif
