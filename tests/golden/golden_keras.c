#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "golden_case.h"
#include "golden_keras.h"
#include "nn/cell.h"

const char *const keras_part_names[KERAS_PARTS] = {"kernel", "recurrent_kernel", "bias"};

size_t keras_gate(enum cell_kind kind, size_t k)
{
    static const size_t of_gru[] = {1, 0, 2};
    return kind == CELL_LSTM ? k : of_gru[k];
}

size_t keras_part_count(const struct recurrent_spec *layer, size_t inputs, enum keras_part part)
{
    static const size_t bias_rows[BIAS_FORMS] = {[BIAS_TWO] = 2, [BIAS_ONE] = 1, [BIAS_NONE] = 0};
    size_t rows[] = {inputs, layer->width, bias_rows[layer->bias]};
    return rows[part] * cell_gates(layer->cell) * layer->width;
}

size_t keras_recurrent_count(const struct recurrent_spec *layer, size_t inputs)
{
    size_t count = 0;
    for (int part = 0; part < KERAS_PARTS; part++)
        count += keras_part_count(layer, inputs, (enum keras_part)part);
    return count;
}

/* Where number i of Keras' tensor is in our block. */
static size_t our_place(const struct recurrent_spec *layer, size_t inputs, enum keras_part part,
                        size_t i)
{
    size_t h = layer->width, columns = cell_gates(layer->cell) * h, before = 0;
    size_t row = i / columns, block = i % columns / h, k = 0;
    while (keras_gate(layer->cell, k) != block)
        k++;
    for (int p = 0; p < (int)part; p++)
        before += keras_part_count(layer, inputs, (enum keras_part)p);
    size_t ours = k * h + i % h; /* the row of a weight, or the place in a bias */
    if (part == KERAS_BIAS)
        return before + row * columns + ours;
    return before + ours * (part == KERAS_KERNEL ? inputs : h) + row;
}

real *keras_part_of(const struct recurrent_spec *layer, size_t inputs, enum keras_part part,
                    const real *block)
{
    size_t count = keras_part_count(layer, inputs, part);
    real *out = golden_block(count);
    for (size_t i = 0; i < count; i++)
        out[i] = block[our_place(layer, inputs, part, i)];
    return out;
}

void keras_read_recurrent(const struct golden_file *file, const char *prefix,
                          const struct recurrent_spec *layer, size_t inputs, real *block)
{
    for (int p = 0; p < KERAS_PARTS; p++) {
        char name[64];
        enum keras_part part = (enum keras_part)p;
        size_t count = keras_part_count(layer, inputs, part);
        if (!count)
            continue;
        snprintf(name, sizeof name, "%s.%s", prefix, keras_part_names[p]);
        real *stored = golden_fetch_real(file, name, count);
        for (size_t i = 0; i < count; i++)
            block[our_place(layer, inputs, part, i)] = stored[i];
        free(stored);
    }
}

real *keras_dense_kernel_of(size_t inputs, size_t outputs, const real *block)
{
    return golden_turn(block, outputs, inputs, 1);
}

void keras_read_dense(const struct golden_file *file, const char *prefix, size_t inputs,
                      size_t outputs, real *block)
{
    char name[64];
    snprintf(name, sizeof name, "%s.kernel", prefix);
    real *kernel = golden_fetch_turned(file, name, inputs, outputs, 1);
    snprintf(name, sizeof name, "%s.bias", prefix);
    real *bias = golden_fetch_real(file, name, outputs);
    memcpy(block, kernel, inputs * outputs * sizeof *block);
    memcpy(block + inputs * outputs, bias, outputs * sizeof *block);
    free(kernel);
    free(bias);
}
