#include "nn/trainer.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "nn/rescale.h"
#include "nn/tensor.h"
#include "nn/trainer_parts.h"
#include "nn/validation.h"

enum { STREAM_SHUFFLE = 1 }; /* of random numbers; the others of a seed: trainer_step.c */

/* The texts are ours. */
static void read_texts(struct trainer_options *o)
{
    struct err err = {0};
    int bad = loss_by_name("pinball:.1,.5,.9", &o->loss, &err) ||
              optimizer_parse("adamw.torch weight_decay=.001", &o->optimizer, &err) ||
              schedule_parse("cosine warmup=50", &o->schedule, &err) ||
              clip_by_name("norm:1", &o->clip, &err);
    assert(!bad);
}

struct trainer_options trainer_defaults(void)
{
    struct trainer_options o = {.spec = PREDICTOR_SPEC(32, 64),
                                .learning_rate = .002,
                                .state_dropout = .5,
                                .average_decay = .995,
                                .shrink = .6,
                                .epochs = 12,
                                .segment = 32,
                                .warmup_sessions = 32,
                                .batch = 16,
                                .seed = 1,
                                .threads = 1};
    o.spec.dense[0].dropout = .3;
    read_texts(&o);
    return o;
}

/* Are a loss's levels the quantiles that are served? */
static bool levels_fit(const struct loss *loss)
{
    for (size_t q = 0; q < QUANTILES; q++)
        if (loss->number[q] < predictor_levels[q] || loss->number[q] > predictor_levels[q])
            return false;
    return true;
}

int trainer_check(const struct trainer_options *o, struct err *err)
{
    size_t outputs = predictor_outputs(&o->spec), wanted = loss_outputs(&o->loss);
    char text[LOSS_TEXT_MAX];
    if (predictor_check(&o->spec, err))
        return -1;
    loss_print(&o->loss, text);
    if (loss_is_metric(&o->loss))
        return err_set(err, ERR_INPUT, "loss %s has no gradient: nothing learns from it", text);
    if (outputs != (wanted ? wanted : 1))
        return err_set(err, ERR_SHAPE, "loss %s is of %zu value%s, and the head gives %zu", text,
                       wanted ? wanted : 1, wanted > 1 ? "s" : "", outputs);
    if (outputs == QUANTILES && !levels_fit(&o->loss))
        return err_set(err, ERR_INPUT,
                       "loss %s: the quantiles that are served are pinball:.1,.5,.9", text);
    return 0;
}

static void trainer_release(struct trainer *t)
{
    for (size_t i = 0; t->slot && i < t->slots; i++) {
        group_release(&t->slot[i].group);
        free(t->slot[i].gradient);
    }
    for (size_t i = 0; t->network && i < t->options->threads; i++)
        network_free(t->network[i]);
    free(t->slot);
    free(t->network);
    free(t->order);
    free(t->curve);
    workers_free(t->workers);
    optimizer_free(t->optimizer);
    predictor_free(t->net);
    predictor_free(t->average);
    predictor_free(t->candidate);
    predictor_free(t->best);
    segments_release(&t->segments);
}

/* The correction of the median is linear in the last layer's middle row (or only one), which takes
 * the whole factor. The outer quantiles keep theirs: it is what calibrates the interval. */
static void scale_median(const struct trainer *t, float *params, float factor)
{
    const struct net_spec *spec = &t->options->spec;
    struct net_tensor tensor[NET_TENSORS_MAX];
    size_t tensors = net_tensors(spec, tensor);
    size_t row = predictor_outputs(spec) == QUANTILES ? QUANTILE_MEDIAN : 0;
    if (t->options->base == BASE_NONE)
        return;
    const struct net_tensor *bias = &tensor[tensors - 1], *weight = bias;
    if (spec->dense[spec->dense_layers - 1].bias) {
        params[bias->offset + row] *= factor;
        weight--;
    }
    for (size_t i = 0; i < weight->columns; i++)
        params[weight->offset + row * weight->columns + i] *= factor;
}

/* The net that training begins with. */
static int first_net(struct trainer *t, struct err *err)
{
    const struct trainer_options *o = t->options;
    const struct predictor *start = t->hooks->start;
    struct predictor_scaler scaler;
    segments_fit_scaler(&t->segments, t->set, &scaler);
    t->net = start ? predictor_copy(start, err) : predictor_new(&o->spec, o->seed, err);
    if (!t->net)
        return -1;
    if (start)
        return t->hooks->own_scaler ? predictor_rescale(t->net, &scaler, err) : 0;
    t->net->base = o->base;
    t->net->scaler = scaler;
    return 0;
}

/* Nets and optimizer. The net at the start is the first average and the first best. */
static int init_nets(struct trainer *t, struct err *err)
{
    const struct trainer_options *o = t->options;
    if (first_net(t, err))
        return -1;
    t->best = predictor_copy(t->net, err);
    if (t->hooks->start && o->shrink > 0) /* what was published is shrunk, what learns is not */
        scale_median(t, t->net->params, (float)(1 / o->shrink));
    t->average = predictor_copy(t->net, err);
    t->candidate = predictor_copy(t->net, err);
    t->optimizer = optimizer_new(&o->optimizer, t->net->params_count, err);
    return t->average && t->candidate && t->best && t->optimizer ? 0 : -1;
}

static int init_scratch(struct trainer *t, struct err *err)
{
    const struct trainer_options *o = t->options;
    t->slots = slots_for(o->batch);
    t->order = calloc(t->segments.count, sizeof *t->order);
    t->slot = calloc(t->slots, sizeof *t->slot);
    t->network = calloc(o->threads, sizeof(struct network *));
    t->curve = calloc(o->epochs, sizeof *t->curve);
    if (!t->order || !t->slot || !t->network || !t->curve)
        return err_set(err, ERR_MEMORY, "no memory to train on %zu segments", t->segments.count);
    for (size_t i = 0; i < t->segments.count; i++)
        t->order[i] = (uint32_t)i;
    for (size_t i = 0; i < t->slots; i++) {
        if (group_init(&t->slot[i].group, &t->segments, &o->spec, o->state_dropout, err))
            return -1;
        t->slot[i].gradient = calloc(t->net->params_count, sizeof *t->slot[i].gradient);
        if (!t->slot[i].gradient)
            return err_set(err, ERR_MEMORY, "no memory for gradients");
    }
    for (size_t i = 0; i < o->threads; i++) {
        t->network[i] = network_new(&o->spec, GROUP_SEGMENTS, t->segments.steps_max,
                                    GROUP_SEGMENTS * t->segments.rows_max, err);
        if (!t->network[i])
            return -1;
    }
    t->workers = workers_new(o->threads, err);
    return t->workers ? 0 : -1;
}

/* The options' schedule over the steps there are. */
static void init_schedule(struct trainer *t)
{
    double all = (double)t->progress.steps * t->options->epochs;
    t->schedule = t->options->schedule;
    if (t->schedule.warmup > all / 4)
        t->schedule.warmup = all / 4;
    if (t->schedule.steps <= 0)
        t->schedule.steps = all - t->schedule.warmup;
}

static int init_progress(struct trainer *t, struct err *err)
{
    const struct trainer_options *o = t->options;
    t->progress.epochs = o->epochs;
    t->progress.steps = (uint32_t)((t->segments.count + o->batch - 1) / o->batch);
    t->progress.validation = (double)NAN;
    t->report.training_rows = t->segments.rows;
    t->report.validation_rows = validation_rows(t->set);
    t->stop.patience = o->patience;
    if (validation_ratio(t->set, t->best, &t->stop.best, err))
        return -1;
    if (t->hooks->leave_start)
        t->stop.best = (double)INFINITY;
    return 0;
}

static void init_tensors(struct trainer *t)
{
    struct net_tensor tensor[NET_TENSORS_MAX];
    t->tensors = net_tensors(&t->options->spec, tensor);
    for (size_t i = 0; i < t->tensors; i++)
        t->tensor_size[i] = (size_t)tensor[i].rows * tensor[i].columns;
}

static int trainer_init(struct trainer *t, struct err *err)
{
    const struct trainer_options *o = t->options;
    assert(o->segment > 0 && o->batch > 0 && o->threads > 0 && o->epochs > 0);
    assert(o->state_dropout >= 0 && o->state_dropout < 1);
    tensor_use_one_thread();
    if (trainer_check(o, err) ||
        segments_cut(&t->segments, t->set, o->segment, o->warmup_sessions, err))
        return -1;
    if (o->spec.features != predictor_row_features(t->set->panel))
        return err_set(err, ERR_SHAPE, "the net has %u features, the rows have %u",
                       o->spec.features, predictor_row_features(t->set->panel));
    if (!t->segments.rows)
        return err_set(err, ERR_INPUT,
                       "nothing to train on: of %zu users none has a scrobble in the first 7 "
                       "tenths of its sessions",
                       t->set->users);
    if (init_nets(t, err) || init_scratch(t, err))
        return -1;
    init_tensors(t);
    random_init(&t->shuffle, o->seed, STREAM_SHUFFLE);
    if (init_progress(t, err))
        return -1;
    init_schedule(t);
    return 0;
}

/* What would be published: the average, its correction of the median believed a little less. */
static void make_candidate(struct trainer *t)
{
    memcpy(t->candidate->params, t->average->params,
           t->average->params_count * sizeof *t->average->params);
    scale_median(t, t->candidate->params, (float)t->options->shrink);
}

/* Keeps the candidate if it is the best so far. Without any validation row the last one is. */
static int end_epoch(struct trainer *t, struct err *err)
{
    double ratio;
    make_candidate(t);
    if (validation_ratio(t->set, t->candidate, &ratio, err))
        return -1;
    t->progress.validation = ratio;
    t->progress.epoch_end = true;
    t->report.training_loss = t->progress.loss;
    t->curve[t->report.epochs++] =
        (struct trainer_epoch){t->progress.loss, ratio, t->progress.learning_rate};
    if (early_stop_better(&t->stop, t->progress.epoch, ratio))
        memcpy(t->best->params, t->candidate->params,
               t->best->params_count * sizeof *t->best->params);
    return 0;
}

static int give_checkpoint(struct trainer *t, const struct trainer_hooks *hooks, struct err *err)
{
    void *bytes = NULL;
    size_t size = 0;
    if (!hooks->checkpoint || !t->progress.epoch_end)
        return 0;
    int result = trainer_checkpoint(t, &bytes, &size, err);
    if (!result)
        result = hooks->checkpoint(hooks->ctx, bytes, size, err);
    free(bytes);
    return result;
}

/* @return 1 to go on, 0 when progress said to stop, -1 with err */
static int run_epoch(struct trainer *t, const struct trainer_hooks *hooks, struct err *err)
{
    struct trainer_progress *p = &t->progress;
    uint64_t rows_before = p->rows;
    double loss_sum = 0;
    p->epoch_end = false;
    random_shuffle(&t->shuffle, t->order, t->segments.count);
    for (p->step = 1; p->step <= p->steps; p->step++) {
        size_t first = (size_t)(p->step - 1) * t->options->batch, rest = t->segments.count - first;
        uint64_t rows = p->rows;
        double loss;
        t->pick = t->order + first;
        t->picked = rest < t->options->batch ? rest : t->options->batch;
        if (trainer_step(t, &loss, err))
            return -1;
        loss_sum += loss * (double)(p->rows - rows);
        p->loss = loss_sum / (double)(p->rows - rows_before);
        if (p->step == p->steps && end_epoch(t, err))
            return -1;
        p->best_validation = t->stop.best;
        if (give_checkpoint(t, hooks, err))
            return -1;
        if (hooks->progress && !hooks->progress(hooks->ctx, p))
            return 0;
    }
    return 1;
}

static int run_epochs(struct trainer *t, const struct trainer_hooks *hooks, struct err *err)
{
    int more = 1;
    while (more > 0 && t->progress.epoch < t->options->epochs && !early_stop_due(&t->stop)) {
        t->progress.epoch++;
        more = run_epoch(t, hooks, err);
    }
    t->report.best_epoch = t->stop.best_epoch;
    t->report.best_validation = t->stop.best;
    return more < 0 ? -1 : 0;
}

struct predictor *trainer_run(const struct train_set *set, const struct trainer_options *options,
                              const struct trainer_hooks *hooks, struct trainer_report *report,
                              struct err *err)
{
    static const struct trainer_hooks none = {0};
    struct predictor *result = NULL;
    struct trainer trainer = {.set = set, .options = options};
    struct trainer *t = &trainer;
    t->hooks = hooks = hooks ? hooks : &none;
    if (trainer_init(t, err))
        goto out;
    if (hooks->resume && trainer_resume(t, hooks->resume, hooks->resume_size, err))
        goto out;
    if (run_epochs(t, hooks, err))
        goto out;
    if (report) {
        *report = t->report;
        report->curve = t->curve;
        t->curve = NULL;
    }
    result = t->best;
    t->best = NULL;
out:
    trainer_release(t);
    return result;
}
