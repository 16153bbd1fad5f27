/* rescale.h - a predictor under another standardisation that says the same: what the scaler does
 * differently is taken back in the weights of the layers that read scaled inputs. So a net can go
 * on learning from people whose habits the scaler of all people fits badly. Beyond the clip at +- 5
 * the two differ. */
#ifndef OUTRO_NN_RESCALE_H
#define OUTRO_NN_RESCALE_H

#include "nn/predictor.h"

/** @return 0; -1 with ERR_SHAPE, nothing changed: a layer that reads inputs has no bias */
int predictor_rescale(struct predictor *predictor, const struct predictor_scaler *to,
                      struct err *err) MUST_CHECK;

#endif
