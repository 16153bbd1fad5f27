#include "bundle/keras_layout.h"

#include <string.h>

#define GATES_MAX 4

static const struct {
    size_t gates;
    size_t from[GATES_MAX]; /* Keras' block that is ours */
} order[CELL_KINDS] = {
    [CELL_GRU] = {3, {1, 0, 2}},
    [CELL_GRU_BEFORE] = {3, {1, 0, 2}},
    [CELL_LSTM] = {4, {0, 1, 2, 3}},
};

void keras_gates_weight(enum cell_kind cell, size_t inputs, size_t width, const double *kernel,
                        double *weight)
{
    size_t gates = order[cell].gates;
    for (size_t g = 0; g < gates; g++)
        for (size_t h = 0; h < width; h++)
            for (size_t i = 0; i < inputs; i++)
                weight[(g * width + h) * inputs + i] =
                    kernel[i * gates * width + order[cell].from[g] * width + h];
}

void keras_gates_bias(enum cell_kind cell, size_t width, const double *from, double *to)
{
    for (size_t g = 0; g < order[cell].gates; g++)
        memcpy(to + g * width, from + order[cell].from[g] * width, width * sizeof *to);
}

void keras_dense_weight(size_t inputs, size_t outputs, const double *kernel, double *weight)
{
    for (size_t o = 0; o < outputs; o++)
        for (size_t i = 0; i < inputs; i++)
            weight[o * inputs + i] = kernel[i * outputs + o];
}
