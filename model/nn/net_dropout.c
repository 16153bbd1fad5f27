#include "nn/net_dropout.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "nn/cell.h"

/* First counts, then gives out: the same calls twice. */
static real *carve(real *memory, size_t *used, size_t count, double probability)
{
    if (!(probability > 0))
        return NULL;
    real *at = memory ? memory + *used : NULL;
    *used += count;
    return at;
}

/* Gates that a layer's inputs have masks for. */
static size_t input_gates(const struct recurrent_spec *layer)
{
    return layer->recurrent_dropout > 0 ? cell_gates(layer->cell) : 1;
}

static size_t layer_inputs(const struct net_spec *spec, size_t k)
{
    return k ? spec->recurrent[k - 1].width : spec->inputs;
}

static size_t lay_out(struct net_dropout *d, size_t sequences)
{
    const struct net_spec *spec = &d->spec;
    size_t used = 0;
    for (size_t k = 0; k < spec->dense_layers; k++)
        d->dense[k] =
            carve(d->memory, &used, d->rows * spec->dense[k].width, spec->dense[k].dropout);
    d->states = carve(d->memory, &used, d->rows * net_output_width(spec), d->state);
    for (size_t k = 0; k < spec->recurrent_layers; k++) {
        const struct recurrent_spec *layer = &spec->recurrent[k];
        d->input[k] = carve(d->memory, &used,
                            input_gates(layer) * sequences * layer_inputs(spec, k), layer->dropout);
        d->recurrent[k] =
            carve(d->memory, &used, cell_gates(layer->cell) * sequences * layer->width,
                  layer->recurrent_dropout);
    }
    return used;
}

int net_dropout_init(struct net_dropout *dropout, const struct net_spec *spec, double state,
                     size_t sequences, size_t rows, struct err *err)
{
    memset(dropout, 0, sizeof *dropout);
    dropout->spec = *spec;
    dropout->state = net_output_width(spec) ? state : 0;
    dropout->rows = rows;
    dropout->memory = calloc(lay_out(dropout, sequences) + 1, sizeof *dropout->memory);
    if (!dropout->memory)
        return err_set(err, ERR_MEMORY, "no memory for the dropout of %zu rows", rows);
    lay_out(dropout, sequences);
    return 0;
}

void net_dropout_release(struct net_dropout *dropout)
{
    free(dropout->memory);
    memset(dropout, 0, sizeof *dropout);
}

/* Four factors a draw: a probability to within 2^-16 is enough. @return factor */
static const real *draw(real *factor, size_t count, double probability, struct random *random)
{
    uint64_t below = (uint64_t)(probability * 65536), bits = 0;
    real kept = (real)(1 / (1 - probability));
    for (size_t i = 0; factor && i < count; i++, bits >>= 16) {
        if (i % 4 == 0)
            bits = random_bits(random);
        factor[i] = (bits & 0xffff) < below ? 0 : kept;
    }
    return factor;
}

void net_dropout_draw(struct net_dropout *dropout, size_t sequences, size_t rows,
                      struct random *random)
{
    const struct net_spec *spec = &dropout->spec;
    struct net_masks *masks = &dropout->masks;
    assert(rows <= dropout->rows);
    for (size_t k = 0; k < spec->dense_layers; k++)
        masks->dense[k] =
            draw(dropout->dense[k], rows * spec->dense[k].width, spec->dense[k].dropout, random);
    masks->state = draw(dropout->states, rows * net_output_width(spec), dropout->state, random);
    for (size_t k = 0; k < spec->recurrent_layers; k++) {
        const struct recurrent_spec *layer = &spec->recurrent[k];
        masks->input_gates[k] = input_gates(layer);
        masks->input[k] =
            draw(dropout->input[k], masks->input_gates[k] * sequences * layer_inputs(spec, k),
                 layer->dropout, random);
        masks->recurrent[k] =
            draw(dropout->recurrent[k], cell_gates(layer->cell) * sequences * layer->width,
                 layer->recurrent_dropout, random);
    }
}
