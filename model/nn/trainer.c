#include "nn/trainer.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "nn/clip.h"
#include "nn/network.h"
#include "nn/optimizer.h"
#include "nn/random.h"
#include "nn/segments.h"
#include "nn/tensor.h"
#include "nn/validation.h"
#include "nn/workers.h"

enum { MEDIAN = 1 }; /* among the quantiles */

/* Random streams of one seed: 0 is the initial weights (predictor.c). */
enum {
    STREAM_SHUFFLE = 1,
    STREAM_DROPOUT = 2 /* and all above: one a group of a step */
};

/* The gradient of a group of segments; a slot each, so that it does not matter who computes which.
 */
struct slot {
    struct group group;
    float *gradient; /* (params) */
    double loss;     /* scaled by the rows of the whole batch */
};

struct trainer {
    const struct train_set *set;
    const struct trainer_options *options;
    struct segments segments;
    uint32_t *order;           /* (segments) of this epoch */
    struct predictor *net;     /* what the optimizer moves */
    struct predictor *average; /* of its weights over the steps */
    struct predictor
        *candidate;         /* the average with its correction shrunk: what would be published */
    struct predictor *best; /* the candidate that validated best */
    struct optimizer *optimizer;
    struct clip clip;
    struct workers *workers;
    struct network **network; /* (threads) */
    struct slot *slot;        /* (slots) */
    size_t slots;
    struct random shuffle;
    /* of the step at hand */
    const uint32_t *pick; /* its segments, of order */
    size_t picked;
    double scale;
    uint64_t steps_done; /* all epochs */
    struct trainer_progress progress;
    struct trainer_report report;
};

static size_t slots_for(size_t segments)
{
    return (segments + GROUP_SEGMENTS - 1) / GROUP_SEGMENTS;
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
    workers_free(t->workers);
    optimizer_free(t->optimizer);
    predictor_free(t->net);
    predictor_free(t->average);
    predictor_free(t->candidate);
    predictor_free(t->best);
    segments_release(&t->segments);
}

/* Nets and optimizer. The untrained net is the first average and the first best. */
static int init_nets(struct trainer *t, struct err *err)
{
    const struct trainer_options *o = t->options;
    t->net = predictor_new(&o->spec, o->seed, err);
    if (!t->net)
        return -1;
    segments_fit_scaler(&t->segments, t->set, &t->net->scaler);
    t->average = predictor_copy(t->net, err);
    t->candidate = predictor_copy(t->net, err);
    t->best = predictor_copy(t->net, err);
    struct optimizer_settings settings;
    if (optimizer_parse("adamw.torch", &settings, err) || clip_by_name("norm:1", &t->clip, err))
        return -1;
    settings.weight_decay = o->weight_decay;
    t->clip.limit = o->clip_norm;
    t->optimizer = optimizer_new(&settings, t->net->params_count, err);
    return t->average && t->candidate && t->best && t->optimizer ? 0 : -1;
}

static int init_scratch(struct trainer *t, struct err *err)
{
    const struct trainer_options *o = t->options;
    t->slots = slots_for(o->batch);
    t->order = calloc(t->segments.count, sizeof *t->order);
    t->slot = calloc(t->slots, sizeof *t->slot);
    t->network = calloc(o->threads, sizeof(struct network *));
    if (!t->order || !t->slot || !t->network)
        return err_set(err, ERR_MEMORY, "no memory to train on %zu segments", t->segments.count);
    for (size_t i = 0; i < t->segments.count; i++)
        t->order[i] = (uint32_t)i;
    for (size_t i = 0; i < t->slots; i++) {
        if (group_init(&t->slot[i].group, &t->segments, &o->spec, err))
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

static int trainer_init(struct trainer *t, struct err *err)
{
    const struct trainer_options *o = t->options;
    assert(o->segment > 0 && o->batch > 0 && o->threads > 0);
    assert(o->dropout >= 0 && o->dropout < 1 && o->state_dropout >= 0 && o->state_dropout < 1);
    tensor_use_one_thread();
    if (segments_cut(&t->segments, t->set, o->segment, o->warmup_sessions, err))
        return -1;
    if (!t->segments.rows)
        return err_set(err, ERR_INPUT,
                       "nothing to train on: of %zu users none has a scrobble in the first 7 "
                       "tenths of its sessions",
                       t->set->users);
    if (init_nets(t, err) || init_scratch(t, err))
        return -1;
    random_init(&t->shuffle, o->seed, STREAM_SHUFFLE);
    t->progress.epochs = o->epochs;
    t->progress.steps = (uint32_t)((t->segments.count + o->batch - 1) / o->batch);
    t->progress.validation = (double)NAN;
    t->report.training_rows = t->segments.rows;
    t->report.validation_rows = validation_rows(t->set);
    return validation_ratio(t->set, t->average, &t->report.best_validation, err);
}

/* Linear to the peak, then half a cosine to zero at the last step. A short training (the sample
 * log's) is warmed up for a quarter of it at most, or it would never reach the peak. */
static double scheduled_rate(const struct trainer *t)
{
    double all = (double)t->progress.steps * t->progress.epochs, now = (double)t->steps_done + 1;
    double warmup = t->options->warmup_steps;
    if (warmup > all / 4)
        warmup = all / 4;
    if (now <= warmup)
        return t->options->learning_rate * now / warmup;
    return t->options->learning_rate * .5 * (1 + cos(M_PI * (now - warmup) / (all - warmup)));
}

/* One group of the batch, by whichever worker is free. */
static void group_task(void *ctx, size_t worker, size_t i)
{
    struct trainer *t = ctx;
    const struct trainer_options *o = t->options;
    struct slot *slot = &t->slot[i];
    size_t first = i * GROUP_SEGMENTS;
    size_t count = t->picked - first < GROUP_SEGMENTS ? t->picked - first : GROUP_SEGMENTS;
    struct random random;
    random_init(&random, o->seed, STREAM_DROPOUT + t->steps_done * t->slots + i);
    group_fill(&slot->group, &t->segments, t->pick + first, count, &o->spec, &t->net->scaler,
               (struct group_dropout){o->dropout, o->state_dropout}, &random, t->scale);
    memset(slot->gradient, 0, t->net->params_count * sizeof *slot->gradient);
    slot->loss =
        network_loss(t->network[worker], t->net->params, &slot->group.batch, slot->gradient);
}

/* Sums into the first slot, in order. @return loss of the batch */
static double sum_slots(struct trainer *t, size_t slots)
{
    float *sum = t->slot[0].gradient;
    double loss = t->slot[0].loss;
    for (size_t s = 1; s < slots; s++) {
        const float *gradient = t->slot[s].gradient;
        for (size_t i = 0; i < t->net->params_count; i++)
            sum[i] += gradient[i];
        loss += t->slot[s].loss;
    }
    return loss;
}

/* The average follows faster at first, (1+t)/(10+t), so that a training of a few dozen steps is not
 * still mostly its starting weights; from step 1,800 on it is the plain one of .995. */
static void follow(struct trainer *t)
{
    double n = (double)t->steps_done, decay = (1 + n) / (10 + n);
    if (decay > t->options->average_decay)
        decay = t->options->average_decay;
    const float keep = (float)decay;
    for (size_t i = 0; i < t->net->params_count; i++) {
        float *average = &t->average->params[i];
        *average = t->net->params[i] + keep * (*average - t->net->params[i]);
    }
}

/* One step on the segments picked. @param loss out, a row's mean  @return 0, -1 when it cannot go
 * on */
static int train_step(struct trainer *t, double *loss, struct err *err)
{
    size_t slots = slots_for(t->picked), rows = 0;
    for (size_t i = 0; i < t->picked; i++)
        rows += t->segments.segment[t->pick[i]].rows;
    t->scale = 1.0 / (double)(rows * QUANTILES);
    workers_run(t->workers, slots, group_task, t);
    *loss = sum_slots(t, slots);
    double norm = clip_gradient(&t->clip, t->slot[0].gradient, &t->net->params_count, 1);
    if (!isfinite(*loss) || !isfinite(norm))
        return err_set(err, ERR_CHECK,
                       "training came apart at epoch %u, step %u: loss %g, gradient norm %g; try a "
                       "smaller learning rate than %g, and look for lengths that are not numbers",
                       t->progress.epoch, t->progress.step, *loss, norm, t->options->learning_rate);
    t->progress.learning_rate = scheduled_rate(t);
    optimizer_step(t->optimizer, t->progress.learning_rate, t->net->params, t->slot[0].gradient);
    t->steps_done++;
    follow(t);
    t->progress.rows += rows;
    return 0;
}

/* The correction of the median is linear in the last layer's middle row, which takes the whole
 * factor. The outer quantiles keep theirs: it is what calibrates the interval. */
static void make_candidate(struct trainer *t)
{
    struct net_tensor tensor[NET_TENSORS_MAX];
    size_t tensors = net_tensors(&t->options->spec, tensor);
    const struct net_tensor *weight = &tensor[tensors - 2], *bias = &tensor[tensors - 1];
    float *params = t->candidate->params;
    const float shrink = (float)t->options->shrink;
    memcpy(params, t->average->params, t->average->params_count * sizeof *params);
    for (size_t i = 0; i < weight->columns; i++)
        params[weight->offset + MEDIAN * weight->columns + i] *= shrink;
    params[bias->offset + MEDIAN] *= shrink;
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
    if (!(ratio >= t->report.best_validation)) {
        t->report.best_validation = ratio;
        t->report.best_epoch = t->progress.epoch;
        memcpy(t->best->params, t->candidate->params,
               t->best->params_count * sizeof *t->best->params);
    }
    return 0;
}

/* @return 1 to go on, 0 when progress said to stop, -1 with err */
static int run_epoch(struct trainer *t, bool (*progress)(void *, const struct trainer_progress *),
                     void *ctx, struct err *err)
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
        if (train_step(t, &loss, err))
            return -1;
        loss_sum += loss * (double)(p->rows - rows);
        p->loss = loss_sum / (double)(p->rows - rows_before);
        if (p->step == p->steps && end_epoch(t, err))
            return -1;
        p->best_validation = t->report.best_validation;
        if (progress && !progress(ctx, p))
            return 0;
    }
    return 1;
}

struct predictor *trainer_run(const struct train_set *set, const struct trainer_options *options,
                              bool (*progress)(void *ctx, const struct trainer_progress *p),
                              void *progress_ctx, struct trainer_report *report, struct err *err)
{
    struct predictor *result = NULL;
    struct trainer trainer = {.set = set, .options = options};
    struct trainer *t = &trainer;
    if (trainer_init(t, err))
        goto out;
    int more = 1;
    for (t->progress.epoch = 1; more > 0 && t->progress.epoch <= options->epochs;
         t->progress.epoch++)
        more = run_epoch(t, progress, progress_ctx, err);
    if (more < 0)
        goto out;
    if (report)
        *report = t->report;
    result = t->best;
    t->best = NULL;
out:
    trainer_release(t);
    return result;
}
