#include "seed/seed_fit.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/random.h"
#include "nn/initializer.h"
#include "nn/net.h"
#include "nn/net_dropout.h"

#define PREDICT_BATCH 256

const char *const seed_cell_names[SEED_CELLS] = {"lstm", "gru", "layered-lstm"};
const char *const seed_scaling_names[SEED_SCALINGS] = {"no", "yes", "mixed"};

struct seed_recipe seed_recipe_defaults(void)
{
    struct seed_recipe recipe = {.cell = SEED_LSTM,
                                 .hidden_dim = 250,
                                 .layer_dims = 150,
                                 .layers = 1,
                                 .batch = 400,
                                 .epochs = 500,
                                 .seed = 1,
                                 .min_users = 31,
                                 .misjoined = true};
    struct err none;
    int unknown = loss_by_name("mae", &recipe.loss, &none) |
                  optimizer_parse("adam.keras2", &recipe.optimizer, &none);
    assert(!unknown);
    return recipe;
}

int seed_recipe_spec(const struct seed_recipe *recipe, struct net_spec *out, struct err *err)
{
    bool gru = recipe->cell == SEED_GRU, layered = recipe->cell == SEED_LAYERED_LSTM;
    const struct recurrent_spec layer = {.cell = gru ? CELL_GRU_BEFORE : CELL_LSTM,
                                         .gate = GATE_HARD_FIFTH,
                                         .bias = BIAS_ONE,
                                         .width = recipe->hidden_dim,
                                         .dropout = recipe->dropout};
    *out = (struct net_spec){.inputs = SEED_INPUTS, .dense_layers = 1};
    out->dense[0] = (struct dense_spec){.activation = DENSE_LINEAR, .bias = true, .width = 1};
    if (layered && recipe->layers + 1 > NET_LAYERS_MAX)
        return err_set(err, ERR_SHAPE, "%u layers, at most %d", recipe->layers, NET_LAYERS_MAX - 1);
    out->recurrent_layers = layered ? recipe->layers + 1 : 1;
    for (uint32_t k = 0; k < out->recurrent_layers; k++)
        out->recurrent[k] = layer;
    if (layered)
        out->recurrent[0].width = recipe->layer_dims;
    return net_spec_check(out, err);
}

/* ---- a network ---- */

/* How Keras 2.2 starts a tensor. */
static const char *start_of(const struct net_tensor *tensor, enum cell_kind cell)
{
    bool recurrent = strncmp(tensor->name, "rnn", 3) == 0;
    if (strstr(tensor->name, "weight_hh"))
        return "orthogonal";
    if (strstr(tensor->name, "weight"))
        return "glorot_uniform";
    return recurrent && cell == CELL_LSTM ? "lstm_forget_one" : "zeros";
}

int seed_net_init(struct seed_net *net, const struct seed_recipe *recipe, uint64_t stream,
                  struct err *err)
{
    struct net_tensor tensor[NET_TENSORS_MAX];
    struct random random;
    *net = (struct seed_net){0};
    if (seed_recipe_spec(recipe, &net->spec, err))
        return -1;
    net->params = calloc(net_params_count(&net->spec) + 1, sizeof *net->params);
    if (!net->params)
        return err_set(err, ERR_MEMORY, "out of memory for a network");
    random_init(&random, recipe->seed, stream);
    size_t tensors = net_tensors(&net->spec, tensor);
    for (size_t i = 0; i < tensors; i++) {
        const struct initializer_shape shape = {
            .out = tensor[i].rows, .in = tensor[i].columns, .fan = tensor[i].columns};
        const struct initializer *start =
            initializer_by_name(start_of(&tensor[i], net->spec.recurrent[0].cell), err);
        if (!start ||
            initializer_fill(start, &shape, &random, net->params + tensor[i].offset, err)) {
            seed_net_release(net);
            return -1;
        }
    }
    return 0;
}

void seed_net_release(struct seed_net *net)
{
    free(net->params);
    net->params = NULL;
}

/* ---- batches ---- */

/* Room for a batch of rows, and what runs over it. */
struct bench {
    struct net *net;
    size_t room;
    real *x, *target, *slope;
    uint32_t *at;
};

static int bench_init(struct bench *b, const struct net_spec *spec, size_t room, struct err *err)
{
    *b = (struct bench){.room = room};
    b->net = net_new(spec, room, 1, room, err);
    b->x = calloc(room * SEED_INPUTS, sizeof *b->x);
    b->target = calloc(room, sizeof *b->target);
    b->slope = calloc(room, sizeof *b->slope);
    b->at = calloc(room, sizeof *b->at);
    return b->net && b->x && b->target && b->slope && b->at
               ? 0
               : err_set(err, ERR_MEMORY, "out of memory for batches of %zu sessions", room);
}

static void bench_release(struct bench *b)
{
    net_free(b->net);
    free(b->x);
    free(b->target);
    free(b->slope);
    free(b->at);
}

/* The next rows, at most the room there is. */
static struct net_batch load(struct bench *b, const struct seed_rows *rows, size_t from)
{
    size_t count = rows->count - from < b->room ? rows->count - from : b->room;
    for (size_t i = 0; i < count; i++) {
        const struct seed_row *row = &rows->row[from + i];
        for (int k = 0; k < SEED_INPUTS; k++)
            b->x[i * SEED_INPUTS + (size_t)k] = (real)row->input[k];
        b->target[i] = (real)row->length_s;
    }
    net_rows_last(1, count, b->at);
    return (struct net_batch){
        .steps = 1, .sequences = count, .x = b->x, .rows = count, .at = b->at};
}

static struct loss_rows judged(const struct bench *b, const struct net_batch *batch,
                               const real *said)
{
    return (struct loss_rows){.rows = batch->rows,
                              .outputs = 1,
                              .prediction = said,
                              .target = b->target,
                              .scale = 1 / (double)batch->rows};
}

/* ---- fitting ---- */

/* Parameters that lie together and move. */
struct span {
    size_t from, count;
    struct optimizer *optimizer;
};

struct fit {
    struct seed_net *net;
    const struct seed_recipe *recipe;
    struct bench bench;
    real *gradient; /* the whole block */
    struct span span[NET_LAYERS_MAX + 1];
    size_t spans;
    struct net_dropout dropout;
    struct random random; /* of the dropout */
};

/* One step from a zero state leaves the recurrent weights without a gradient: unless they decay,
 * nothing moves them, and an optimizer that passed over them would only cost nine tenths of the
 * time.
 */
static bool moves(const struct net_tensor *tensor, const struct optimizer_settings *optimizer)
{
    return !strstr(tensor->name, "weight_hh") || optimizer->l2 > 0 || optimizer->weight_decay > 0;
}

static int make_spans(struct fit *f, struct err *err)
{
    struct net_tensor tensor[NET_TENSORS_MAX];
    size_t tensors = net_tensors(&f->net->spec, tensor);
    const struct optimizer_settings *settings = &f->recipe->optimizer;
    bool open = false;
    for (size_t i = 0; i < tensors; i++) {
        bool before = open;
        open = moves(&tensor[i], settings);
        if (!open)
            continue;
        if (!before)
            f->span[f->spans++] = (struct span){.from = tensor[i].offset};
        f->span[f->spans - 1].count += (size_t)tensor[i].rows * tensor[i].columns;
    }
    for (size_t k = 0; k < f->spans; k++)
        if (!(f->span[k].optimizer = optimizer_new(settings, f->span[k].count, err)))
            return -1;
    return 0;
}

static int fit_init(struct fit *f, uint64_t stream, struct err *err)
{
    const struct seed_recipe *recipe = f->recipe;
    random_init(&f->random, recipe->seed, stream + (UINT64_C(1) << 32));
    f->gradient = calloc(net_params_count(&f->net->spec) + 1, sizeof *f->gradient);
    if (!f->gradient)
        return err_set(err, ERR_MEMORY, "out of memory for a gradient");
    if (make_spans(f, err) || bench_init(&f->bench, &f->net->spec, recipe->batch, err))
        return -1;
    return net_dropout_init(&f->dropout, &f->net->spec, 0, recipe->batch, recipe->batch, err);
}

static void fit_release(struct fit *f)
{
    net_dropout_release(&f->dropout);
    bench_release(&f->bench);
    for (size_t k = 0; k < f->spans; k++)
        optimizer_free(f->span[k].optimizer);
    free(f->gradient);
}

/* @return the sum of losses over the rows */
static double train_epoch(struct fit *f, const struct seed_rows *train)
{
    const struct seed_recipe *recipe = f->recipe;
    double sum = 0;
    for (size_t from = 0; from < train->count; from += recipe->batch) {
        struct net_batch batch = load(&f->bench, train, from);
        if (recipe->dropout > 0) {
            net_dropout_draw(&f->dropout, batch.sequences, batch.rows, &f->random);
            batch.masks = &f->dropout.masks;
        }
        const real *said = net_forward(f->bench.net, f->net->params, &batch);
        const struct loss_rows rows = judged(&f->bench, &batch, said);
        sum += loss_compute(&recipe->loss, &rows, f->bench.slope) * (double)batch.rows;
        for (size_t k = 0; k < f->spans; k++)
            memset(f->gradient + f->span[k].from, 0, f->span[k].count * sizeof *f->gradient);
        net_backward(f->bench.net, f->net->params, &batch, f->bench.slope, f->gradient);
        for (size_t k = 0; k < f->spans; k++)
            optimizer_step(f->span[k].optimizer, recipe->optimizer.learning_rate,
                           f->net->params + f->span[k].from, f->gradient + f->span[k].from);
    }
    return sum;
}

static double validate_epoch(struct fit *f, const struct seed_rows *rows)
{
    double sum = 0;
    for (size_t from = 0; from < rows->count; from += f->bench.room) {
        struct net_batch batch = load(&f->bench, rows, from);
        const real *said = net_forward(f->bench.net, f->net->params, &batch);
        const struct loss_rows one = judged(&f->bench, &batch, said);
        sum += loss_compute(&f->recipe->loss, &one, NULL) * (double)batch.rows;
    }
    return rows->count ? sum / (double)rows->count : (double)NAN;
}

static int fit_epochs(struct fit *f, uint32_t epochs, const struct seed_rows *train,
                      const struct seed_rows *validate, struct seed_epoch *curve,
                      const struct seed_hooks *hooks, struct err *err)
{
    for (uint32_t e = 0; e < epochs; e++) {
        double loss = train_epoch(f, train) / (double)train->count;
        if (!isfinite(loss))
            return err_set(err, ERR_CHECK,
                           "the loss is not finite in epoch %u: try a smaller learning rate",
                           e + 1);
        if (curve)
            curve[e] = (struct seed_epoch){loss, validate_epoch(f, validate)};
        if (hooks && hooks->epoch && !hooks->epoch(hooks->ctx, train->count))
            return err_set(err, ERR_CANCELLED, "interrupted in epoch %u of %u", e + 1, epochs);
    }
    return 0;
}

int seed_net_fit(struct seed_net *net, const struct seed_recipe *recipe, uint64_t stream,
                 uint32_t epochs, const struct seed_rows *train, const struct seed_rows *validate,
                 struct seed_epoch *curve, const struct seed_hooks *hooks, struct err *err)
{
    struct fit fit = {.net = net, .recipe = recipe};
    int result = fit_init(&fit, stream, err);
    if (result == 0)
        result = fit_epochs(&fit, epochs, train, validate, curve, hooks, err);
    fit_release(&fit);
    return result;
}

int seed_net_predict(const struct seed_net *net, const struct seed_rows *rows, double *said,
                     struct err *err)
{
    struct bench bench;
    int result = bench_init(&bench, &net->spec, PREDICT_BATCH, err);
    for (size_t from = 0; result == 0 && from < rows->count; from += PREDICT_BATCH) {
        struct net_batch batch = load(&bench, rows, from);
        const real *out = net_forward(bench.net, net->params, &batch);
        for (size_t i = 0; i < batch.rows; i++)
            said[from + i] = (double)out[i];
    }
    bench_release(&bench);
    return result;
}
