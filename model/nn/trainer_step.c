#include <math.h>
#include <string.h>

#include "nn/average.h"
#include "nn/trainer_parts.h"

#define EXPLODED 1000 /* times the loss of the first step */

/* Random streams of one seed: 0 is the initial weights (predictor.c), 1 the shuffles (trainer.c).
 */
enum { STREAM_DROPOUT = 2 /* and all above: one a group of a step */ };

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
    group_fill(&slot->group, &t->segments, t->pick + first, count, &t->net->scaler, &random,
               t->scale);
    slot->group.batch.loss = &o->loss;
    if (o->base == BASE_NONE)
        slot->group.batch.base = NULL;
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

static int check_step(struct trainer *t, double loss, double norm, struct err *err)
{
    if (t->steps_done == 0)
        t->first_loss = loss;
    if (isfinite(loss) && isfinite(norm) && loss <= EXPLODED * t->first_loss)
        return 0;
    return err_set(
        err, ERR_CHECK,
        "training came apart at epoch %u, step %u: loss %g (%g in the first step), "
        "gradient norm %g; try a smaller learning rate than %g or a lower clip, and look "
        "for lengths that are not numbers",
        t->progress.epoch, t->progress.step, loss, t->first_loss, norm, t->options->learning_rate);
}

int trainer_step(struct trainer *t, double *loss, struct err *err)
{
    const struct trainer_options *o = t->options;
    size_t slots = slots_for(t->picked), rows = 0;
    float *gradient = t->slot[0].gradient;
    for (size_t i = 0; i < t->picked; i++)
        rows += t->segments.segment[t->pick[i]].rows;
    t->scale = 1.0 / (double)(rows * predictor_outputs(&o->spec));
    workers_run(t->workers, slots, group_task, t);
    *loss = sum_slots(t, slots);
    double norm = clip_gradient(&o->clip, gradient, t->tensor_size, t->tensors);
    if (check_step(t, *loss, norm, err))
        return -1;
    t->steps_done++;
    t->progress.learning_rate =
        schedule_rate(&t->schedule, o->learning_rate, (double)t->steps_done);
    optimizer_step(t->optimizer, t->progress.learning_rate, t->net->params, gradient);
    const struct average_settings average = {.decay = o->average_decay, .ramp = true};
    average_step(&average, t->steps_done, t->net->params_count, t->average->params, t->net->params);
    t->progress.rows += rows;
    return 0;
}
