/* early_stop.h - which epoch was the best, and whether it is time to give up: the caller keeps the
 * weights. Lower is better. A value that is no number (no rows to validate on) counts as better, so
 * that without validation the last epoch is kept. Pure. Source: Keras' EarlyStopping. */
#ifndef OUTRO_NN_EARLY_STOP_H
#define OUTRO_NN_EARLY_STOP_H

#include <stdbool.h>
#include <stdint.h>

struct early_stop {
    double min_delta;  /* less than the best by more than this, or it is not better */
    uint32_t patience; /* epochs in a row that are not better; 0: never stops */
    double best;       /* set by the caller to the value of the start, or INFINITY */
    uint32_t best_epoch, waited;
};

/** Takes the value of an epoch. @return whether it is the best so far: keep its weights */
bool early_stop_better(struct early_stop *stop, uint32_t epoch, double value);
/** Is the patience used up? */
bool early_stop_due(const struct early_stop *stop);

#endif
