#include "nn/net_runner.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define ALIGN 64 /* of the packed weights: a cache line, the widest vector */

/* H below is padded; padding stays zero in the weights, what it gives is never read. Rows are read
 * and states replaced where they lie: nothing is copied about a product. */
struct layer {
    enum cell_kind cell;
    enum gate_function gate;
    size_t inputs, width, padded; /* I, H unpadded, H */
    size_t state;                 /* where its h begins in a row's state; an LSTM's c behind it */
    struct packed joint;          /* of [x ; h]: r z, or i f g o */
    struct packed candidate;      /* a GRU's n: of x, or of [x ; r h] in a gru-before */
    struct packed candidate_h;    /* a GRU's n: of h */
};

struct net_runner {
    struct net_spec spec;
    const struct kernels *kernels;
    size_t early, outputs;
    struct layer layer[NET_LAYERS_MAX];
    struct packed base, late;            /* the head's first layer in two parts */
    struct packed dense[NET_LAYERS_MAX]; /* the layers behind it, from [1] on */
    float *memory;                       /* owned; all floats of the runner */
    /* Scratch, KERNEL_ROWS rows of each; perhaps a lender's. */
    float *gates, *reset;
    float *hidden[2]; /* of the head, layer about layer */
};

/* ---- one block of memory ---- */

/* First counts, then gives out: the same calls twice. */
struct carver {
    float *memory;
    size_t used;
};

static float *carve(struct carver *carver, size_t floats)
{
    float *at = carver->memory ? carver->memory + carver->used : NULL;
    carver->used += (floats + KERNEL_PAD - 1) / KERNEL_PAD * KERNEL_PAD;
    return at;
}

static void carve_packed(struct carver *carver, struct packed *packed, size_t inputs,
                         size_t outputs)
{
    packed->inputs = inputs;
    packed->outputs = outputs;
    packed->panels = carve(carver, packed_panels(inputs, outputs));
    packed->bias = carve(carver, outputs);
}

static void carve_layer(struct carver *carver, struct layer *layer)
{
    size_t both = layer->inputs + layer->width, h = layer->padded;
    carve_packed(carver, &layer->joint, both, layer->cell == CELL_LSTM ? 4 * h : 2 * h);
    if (layer->cell != CELL_LSTM)
        carve_packed(carver, &layer->candidate,
                     layer->cell == CELL_GRU_BEFORE ? both : layer->inputs, h);
    if (layer->cell == CELL_GRU)
        carve_packed(carver, &layer->candidate_h, layer->width, h);
}

/* The last layer's few outputs are not worth a whole vector. */
static size_t dense_padded(size_t width)
{
    return width <= KERNEL_HALF ? KERNEL_HALF : kernel_padded(width);
}

static void carve_all(struct net_runner *r, const struct net_runner *lender, struct carver *carver)
{
    const struct net_spec *spec = &r->spec;
    size_t widest = 0, head = 0;
    for (size_t k = 0; k < spec->recurrent_layers; k++) {
        struct layer *layer = &r->layer[k];
        carve_layer(carver, layer);
        widest = layer->padded > widest ? layer->padded : widest;
    }
    for (size_t k = 0; k < spec->dense_layers; k++) {
        size_t width = dense_padded(spec->dense[k].width);
        if (k)
            carve_packed(carver, &r->dense[k], spec->dense[k - 1].width, width);
        head = width > head ? width : head;
    }
    size_t first = dense_padded(spec->dense[0].width);
    carve_packed(carver, &r->base, net_output_width(spec) + r->early, first);
    carve_packed(carver, &r->late, spec->features - r->early, first);
    if (lender) {
        r->gates = lender->gates;
        r->reset = lender->reset;
        memcpy((void *)r->hidden, (const void *)lender->hidden, sizeof r->hidden);
        return;
    }
    r->gates = carve(carver, KERNEL_ROWS * 4 * widest);
    r->reset = carve(carver, KERNEL_ROWS * widest);
    r->hidden[0] = carve(carver, KERNEL_ROWS * head);
    r->hidden[1] = carve(carver, KERNEL_ROWS * head);
}

/* ---- packing ---- */

static const float *params_of(const struct net_tensor **tensor, const float *params, bool present)
{
    return present ? params + (*tensor)++->offset : NULL;
}

static void add_bias(const struct packed *to, size_t first, const float *bias, size_t count)
{
    for (size_t i = 0; bias && i < count; i++)
        to->bias[first + i] += bias[i];
}

/* The weights of one gate: block of the tensors, at a column of the packed. */
struct gate_weights {
    const float *w_ih, *w_hh, *b_ih, *b_hh;
};

static struct gate_weights gate_of(const struct layer *layer, const struct gate_weights *all,
                                   size_t gate)
{
    size_t first = gate * layer->width;
    return (struct gate_weights){
        all->w_ih + first * layer->inputs, all->w_hh + first * layer->width,
        all->b_ih ? all->b_ih + first : NULL, all->b_hh ? all->b_hh + first : NULL};
}

/* Into a product over [x ; h]. */
static void pack_both(const struct layer *layer, const struct packed *to, size_t column,
                      const struct gate_weights *w)
{
    size_t h = layer->width, i = layer->inputs;
    packed_add(to, 0, column, w->w_ih, i, h, i);
    packed_add(to, i, column, w->w_hh, h, h, h);
    add_bias(to, column, w->b_ih, h);
    add_bias(to, column, w->b_hh, h);
}

/* @return the tensor behind the layer's */
static const struct net_tensor *pack_layer(const struct layer *layer, enum bias_form bias,
                                           const struct net_tensor *tensor, const float *params)
{
    struct gate_weights all;
    all.w_ih = params_of(&tensor, params, true);
    all.w_hh = params_of(&tensor, params, true);
    all.b_ih = params_of(&tensor, params, bias != BIAS_NONE);
    all.b_hh = params_of(&tensor, params, bias == BIAS_TWO);
    size_t joint = layer->cell == CELL_LSTM ? 4 : 2;
    for (size_t gate = 0; gate < joint; gate++) {
        struct gate_weights w = gate_of(layer, &all, gate);
        pack_both(layer, &layer->joint, gate * layer->padded, &w);
    }
    struct gate_weights n = gate_of(layer, &all, 2);
    if (layer->cell == CELL_GRU_BEFORE)
        pack_both(layer, &layer->candidate, 0, &n);
    if (layer->cell == CELL_GRU) { /* apart until r is known */
        packed_add(&layer->candidate, 0, 0, n.w_ih, layer->inputs, layer->width, layer->inputs);
        packed_add(&layer->candidate_h, 0, 0, n.w_hh, layer->width, layer->width, layer->width);
        add_bias(&layer->candidate, 0, n.b_ih, layer->width);
        add_bias(&layer->candidate_h, 0, n.b_hh, layer->width);
    }
    return tensor;
}

static void pack_all(struct net_runner *r, const float *params)
{
    const struct net_spec *spec = &r->spec;
    struct net_tensor tensors[NET_TENSORS_MAX];
    const struct net_tensor *tensor = tensors;
    net_tensors(spec, tensors);
    for (size_t k = 0; k < spec->recurrent_layers; k++)
        tensor = pack_layer(&r->layer[k], spec->recurrent[k].bias, tensor, params);
    for (size_t k = 0; k < spec->dense_layers; k++) {
        size_t inputs = tensor->columns, outputs = tensor->rows;
        const float *w = params_of(&tensor, params, true);
        const float *bias = params_of(&tensor, params, spec->dense[k].bias);
        const struct packed *to = k ? &r->dense[k] : &r->base;
        packed_add(to, 0, 0, w, inputs, outputs, to->inputs);
        add_bias(to, 0, bias, outputs);
        if (k == 0)
            packed_add(&r->late, 0, 0, w + to->inputs, inputs, outputs, r->late.inputs);
    }
}

static void describe_layers(struct net_runner *r)
{
    size_t inputs = r->spec.inputs, state = 0;
    for (size_t k = 0; k < r->spec.recurrent_layers; k++) {
        const struct recurrent_spec *spec = &r->spec.recurrent[k];
        r->layer[k] = (struct layer){.cell = spec->cell,
                                     .gate = spec->gate,
                                     .inputs = inputs,
                                     .width = spec->width,
                                     .padded = kernel_padded(spec->width),
                                     .state = state};
        state += spec->cell == CELL_LSTM ? 2 * (size_t)spec->width : spec->width;
        inputs = spec->width;
    }
}

struct net_runner *net_runner_new(const struct net_spec *spec, const float *params, size_t early,
                                  const struct net_runner *lender, struct err *err)
{
    struct net_runner *r = calloc(1, sizeof *r);
    if (!r)
        goto fail;
    assert(early <= spec->features);
    assert(!lender ||
           (net_params_count(&lender->spec) == net_params_count(spec) && lender->early == early));
    r->spec = *spec;
    r->kernels = kernels_best();
    r->early = early;
    r->outputs = spec->dense[spec->dense_layers - 1].width;
    describe_layers(r);
    struct carver carver = {0};
    carve_all(r, lender, &carver);
    size_t bytes = (carver.used * sizeof(float) + ALIGN - 1) / ALIGN * ALIGN;
    r->memory = aligned_alloc(ALIGN, bytes);
    if (!r->memory)
        goto fail;
    memset(r->memory, 0, bytes);
    carver = (struct carver){.memory = r->memory};
    carve_all(r, lender, &carver);
    pack_all(r, params);
    return r;
fail:
    net_runner_free(r);
    err_set(err, ERR_MEMORY, "no memory to run a network of %zu parameters",
            net_params_count(spec));
    return NULL;
}

void net_runner_free(struct net_runner *runner)
{
    if (!runner)
        return;
    free(runner->memory);
    free(runner);
}

void net_runner_use(struct net_runner *runner, const struct kernels *kernels)
{
    runner->kernels = kernels;
}

/* ---- running ---- */

static size_t at_most(size_t rows, size_t limit)
{
    return rows < limit ? rows : limit;
}

/* Pointers to the rows of what lies without gaps. */
struct pointers {
    const float *row[KERNEL_ROWS];
};

static struct kernel_input rows_of(struct pointers *p, size_t rows, const float *x, size_t count)
{
    for (size_t row = 0; row < rows; row++)
        p->row[row] = x + row * count;
    return (struct kernel_input){p->row, 0, count};
}

static struct kernel_input part_of(float *const *row, size_t at, size_t count)
{
    return (struct kernel_input){(const float *const *)row, at, count};
}

/* One layer of some rows; x its inputs. */
static void step_layer(struct net_runner *r, const struct layer *layer, size_t rows,
                       struct kernel_input x, float *const *state)
{
    const struct kernels *k = r->kernels;
    struct pointers kept;
    size_t h = layer->padded, stride = 4 * h;
    struct kernel_input both[2] = {x, part_of(state, layer->state, layer->width)};
    const struct cell_block block = {.gate = layer->gate,
                                     .rows = rows,
                                     .width = layer->width,
                                     .padded = h,
                                     .gates = r->gates,
                                     .state = state,
                                     .at = layer->state,
                                     .reset = r->reset};
    k->product(&layer->joint, false, rows, both, r->gates, stride);
    if (layer->cell == CELL_LSTM) {
        k->lstm(&block);
    } else if (layer->cell == CELL_GRU) {
        const struct kernel_input apart[2][2] = {{both[0]}, {both[1]}};
        k->product(&layer->candidate, false, rows, apart[0], r->gates + 2 * h, stride);
        k->product(&layer->candidate_h, false, rows, apart[1], r->gates + 3 * h, stride);
        k->gru(&block);
    } else {
        k->gru_reset(&block);
        both[1] = rows_of(&kept, rows, r->reset, h);
        both[1].count = layer->width;
        k->product(&layer->candidate, false, rows, both, r->gates + 2 * h, stride);
        k->gru_blend(&block);
    }
}

void net_runner_step(struct net_runner *r, size_t rows, const float *x, float *const *state)
{
    if (!r->spec.recurrent_layers)
        return;
    for (size_t done = 0; done < rows; done += KERNEL_ROWS) {
        struct pointers first;
        size_t count = at_most(rows - done, KERNEL_ROWS), inputs = r->spec.inputs;
        struct kernel_input from = rows_of(&first, count, x + done * inputs, inputs);
        for (size_t k = 0; k < r->spec.recurrent_layers; k++) {
            const struct layer *layer = &r->layer[k];
            step_layer(r, layer, count, from, state + done);
            from = part_of(state + done, layer->state, layer->width); /* the next layer's x */
        }
    }
}

void net_runner_base(struct net_runner *r, size_t rows, const float *const *state,
                     const float *features, float *const *base)
{
    size_t read = net_output_width(&r->spec), at = net_state_output(&r->spec);
    size_t width = r->spec.dense[0].width, stride = r->base.outputs;
    for (size_t done = 0; done < rows; done += KERNEL_ROWS) {
        struct pointers early;
        size_t count = at_most(rows - done, KERNEL_ROWS);
        const struct kernel_input x[2] = {
            {read ? state + done : NULL, at, read},
            r->early ? rows_of(&early, count, features + done * r->early, r->early)
                     : (struct kernel_input){0}};
        r->kernels->product(&r->base, false, count, x, r->hidden[0], stride);
        for (size_t row = 0; row < count; row++)
            memcpy(base[done + row], r->hidden[0] + row * stride, width * sizeof(float));
    }
}

/* The layers behind the first one's sums in hidden[0]. @return the outputs, a row every
 * dense_padded(outputs) */
static const float *run_head(struct net_runner *r, size_t rows)
{
    const struct kernels *k = r->kernels;
    size_t stride = r->base.outputs;
    float *from = r->hidden[0], *to = r->hidden[1];
    k->activate(r->spec.dense[0].activation, rows * stride, from);
    for (size_t layer = 1; layer < r->spec.dense_layers; layer++) {
        struct pointers inputs;
        struct kernel_input x[2] = {rows_of(&inputs, rows, from, stride)};
        size_t width = r->dense[layer].outputs;
        x[0].count = r->dense[layer].inputs;
        k->product(&r->dense[layer], false, rows, x, to, width);
        k->activate(r->spec.dense[layer].activation, rows * width, to);
        float *next = from;
        from = to;
        to = next;
        stride = width;
    }
    return from;
}

void net_runner_outputs(struct net_runner *r, size_t rows, const float *const *base,
                        const float *features, float *outputs)
{
    size_t late = r->late.inputs, width = r->spec.dense[0].width, stride = r->base.outputs;
    size_t padded = dense_padded(r->outputs);
    for (size_t done = 0; done < rows; done += KERNEL_ROWS) {
        struct pointers rest;
        size_t count = at_most(rows - done, KERNEL_ROWS);
        for (size_t row = 0; row < count; row++)
            memcpy(r->hidden[0] + row * stride, base[done + row], width * sizeof(float));
        if (late) {
            const struct kernel_input x[2] = {rows_of(&rest, count, features + done * late, late)};
            r->kernels->product(&r->late, true, count, x, r->hidden[0], stride);
        }
        const float *from = run_head(r, count);
        for (size_t row = 0; row < count; row++)
            for (size_t o = 0; o < r->outputs; o++)
                outputs[(done + row) * r->outputs + o] = from[row * padded + o];
    }
}
