#include "nn/early_stop.h"

bool early_stop_better(struct early_stop *stop, uint32_t epoch, double value)
{
    if (value >= stop->best - stop->min_delta) {
        stop->waited++;
        return false;
    }
    stop->best = value;
    stop->best_epoch = epoch;
    stop->waited = 0;
    return true;
}

bool early_stop_due(const struct early_stop *stop)
{
    return stop->patience && stop->waited >= stop->patience;
}
