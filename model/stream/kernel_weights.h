/* kernel_weights.h - the weights of the kernel KM (model/PREDICTOR.md), for all past sessions at
 * once, written so that the compiler turns the loop into vectors. Pure. */
#ifndef OUTRO_STREAM_KERNEL_WEIGHTS_H
#define OUTRO_STREAM_KERNEL_WEIGHTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** @param start_s (count) starts of the past sessions, oldest first: the last has age 0
 *  @param gap_s (count) their gaps, >= 1  @param weight (count) out, relative error below 1e-13 */
void kernel_weights(size_t count, const uint32_t *start_s, const double *gap_s, double hour_now,
                    bool weekend_now, double gap_now_s, double *weight);

#endif
