#include "stream/micro_batch.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int micro_batch_init(struct micro_batch *batch, size_t capacity, struct err *err)
{
    assert(capacity >= 1 && capacity <= 4096);
    *batch = (struct micro_batch){
        .capacity = capacity,
        .number = 1,
        .start_features = START_FEATURES,
        .row = calloc(capacity, sizeof *batch->row),
        .begin = calloc(capacity, sizeof *batch->begin),
        .row_net = calloc(capacity, sizeof *batch->row_net),
        .start_net = calloc(capacity, sizeof *batch->start_net),
        .order = calloc(capacity, sizeof *batch->order),
        .live = calloc(capacity * LIVE_FEATURES, sizeof(float)),
        .kernel = calloc(capacity * QUANTILES, sizeof(float)),
        .remaining = calloc(capacity * QUANTILES, sizeof(float)),
        .row_base = calloc(capacity, sizeof(float *)),
        .x = calloc(capacity * STEP_INPUTS, sizeof(float)),
        .step_hidden = calloc(capacity, sizeof(float *)),
        .start_hidden = calloc(capacity, sizeof(float *)),
        .start = calloc(capacity * START_FEATURES_MAX, sizeof(float)),
        .start_base = calloc(capacity, sizeof(float *)),
    };
    if (batch->row && batch->begin && batch->row_net && batch->start_net && batch->order &&
        batch->live && batch->kernel && batch->remaining && batch->row_base && batch->x &&
        batch->step_hidden && batch->start_hidden && batch->start && batch->start_base)
        return 0;
    micro_batch_release(batch);
    return err_set(err, ERR_MEMORY, "out of memory for a micro-batch of %zu rows", capacity);
}

void micro_batch_release(struct micro_batch *batch)
{
    free(batch->row);
    free(batch->begin);
    free(batch->row_net);
    free(batch->start_net);
    free(batch->order);
    free(batch->live);
    free(batch->kernel);
    free(batch->remaining);
    free((void *)batch->row_base);
    free(batch->x);
    free((void *)batch->step_hidden);
    free((void *)batch->start_hidden);
    free(batch->start);
    free((void *)batch->start_base);
    *batch = (struct micro_batch){0};
}

void micro_batch_start(struct micro_batch *batch, net_index net, const struct waiting_start *start)
{
    assert(batch->starts < batch->capacity);
    batch->start_net[batch->starts] = net;
    batch->begin[batch->starts++] = *start;
}

struct waiting_row *micro_batch_row(struct micro_batch *batch, net_index net)
{
    assert(batch->rows < batch->capacity);
    batch->row_net[batch->rows] = net;
    return &batch->row[batch->rows++];
}

/* ---- one net over what waits for it ---- */

static void run_starts(struct micro_batch *batch, struct predictor_runner *runner,
                       const uint32_t *item, size_t count)
{
    size_t steps = 0, width = batch->start_features;
    for (size_t i = 0; i < count; i++) {
        const struct waiting_start *start = &batch->begin[item[i]];
        if (start->steps) {
            memcpy(batch->x + steps * STEP_INPUTS, start->block->step, STEP_INPUTS * sizeof(float));
            batch->step_hidden[steps++] = start->hidden;
        }
        batch->start_hidden[i] = start->hidden;
        batch->start_base[i] = start->block->base;
        for (size_t f = 0; f < width; f++)
            batch->start[i * width + f] = (float)start->block->start[f];
    }
    if (steps > 0)
        predictor_step(runner, steps, batch->x, batch->step_hidden);
    predictor_base(runner, count, batch->start_hidden, batch->start, batch->start_base);
}

static void run_rows(struct micro_batch *batch, struct predictor_runner *runner,
                     const uint32_t *item, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct waiting_row *row = &batch->row[item[i]];
        batch->row_base[i] = row->block->base;
        for (size_t f = 0; f < LIVE_FEATURES; f++)
            batch->live[i * LIVE_FEATURES + f] = (float)row->live[f];
        for (size_t q = 0; q < QUANTILES; q++)
            batch->kernel[i * QUANTILES + q] = (float)row->kernel_s[q];
    }
    predictor_live(runner, count, batch->row_base, batch->live, batch->kernel, batch->remaining);
    for (size_t i = 0; i < count; i++)
        memcpy(batch->row[item[i]].remaining_s, batch->remaining + i * QUANTILES,
               QUANTILES * sizeof(float));
}

/* Every net over its own items, which are brought together by a counting sort. */
static void run_nets(struct micro_batch *batch, struct predictor_runner *const *runner, size_t nets,
                     const net_index *net, size_t count,
                     void (*run)(struct micro_batch *batch, struct predictor_runner *runner,
                                 const uint32_t *item, size_t count))
{
    uint32_t end[CLUSTERS_MAX + 2] = {0}; /* of each net's items in order, once they are placed */
    for (size_t i = 0; i < count; i++)
        end[net[i] + 1]++;
    for (size_t n = 1; n < nets; n++)
        end[n] += end[n - 1];
    for (size_t i = 0; i < count; i++)
        batch->order[end[net[i]]++] = (uint32_t)i;
    for (size_t n = 0, begin = 0; n < nets; begin = end[n++])
        if (end[n] > begin)
            run(batch, runner[n], batch->order + begin, end[n] - begin);
}

void micro_batch_discard(struct micro_batch *batch)
{
    batch->rows = batch->starts = 0;
    if (++batch->number == 0)
        batch->number = 1;
}

int micro_batch_run(struct micro_batch *batch, struct predictor_runner *const *runner, size_t nets,
                    const struct pipeline_sink *sink, struct err *err)
{
    int result = 0;
    if (nets > 0) {
        run_nets(batch, runner, nets, batch->start_net, batch->starts, run_starts);
        run_nets(batch, runner, nets, batch->row_net, batch->rows, run_rows);
    }
    for (size_t r = 0; r < batch->rows && result == 0 && sink->prediction; r++) {
        struct waiting_row *row = &batch->row[r];
        double elapsed_s = (double)row->prediction.elapsed_ms / 1000.0;
        for (int q = 0; q < QUANTILES; q++)
            row->prediction.total_s[q] =
                elapsed_s + (nets > 0 ? (double)row->remaining_s[q] : row->kernel_s[q]);
        struct prediction_detail detail = {
            .partition = row->partition,
            .user_index = row->user_index,
            .start = row->block->start,
            .live = row->live,
            .previous_step = row->block->has_step ? row->block->step : NULL,
        };
        memcpy(detail.kernel_s, row->kernel_s, sizeof detail.kernel_s);
        memcpy(detail.running_s, row->running_s, sizeof detail.running_s);
        result = sink->prediction(sink->ctx, &row->prediction, &detail, err);
    }
    micro_batch_discard(batch);
    return result;
}
