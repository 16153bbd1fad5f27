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
        .row = calloc(capacity, sizeof *batch->row),
        .live = calloc(capacity * LIVE_FEATURES, sizeof(float)),
        .kernel = calloc(capacity * QUANTILES, sizeof(float)),
        .remaining = calloc(capacity * QUANTILES, sizeof(float)),
        .row_base = calloc(capacity, sizeof(float *)),
        .x = calloc(capacity * STEP_INPUTS, sizeof(float)),
        .step_hidden = calloc(capacity, sizeof(float *)),
        .start_hidden = calloc(capacity, sizeof(float *)),
        .start = calloc(capacity * START_FEATURES, sizeof(float)),
        .start_base = calloc(capacity, sizeof(float *)),
    };
    if (batch->row && batch->live && batch->kernel && batch->remaining && batch->row_base &&
        batch->x && batch->step_hidden && batch->start_hidden && batch->start && batch->start_base)
        return 0;
    micro_batch_release(batch);
    return err_set(err, ERR_MEMORY, "out of memory for a micro-batch of %zu rows", capacity);
}

void micro_batch_release(struct micro_batch *batch)
{
    free(batch->row);
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

void micro_batch_start(struct micro_batch *batch, const float *x, float *hidden,
                       struct session_block *block)
{
    assert(batch->starts < batch->capacity);
    if (x && hidden) {
        memcpy(batch->x + batch->steps * STEP_INPUTS, x, STEP_INPUTS * sizeof(float));
        batch->step_hidden[batch->steps++] = hidden;
    }
    size_t at = batch->starts++;
    batch->start_hidden[at] = hidden;
    batch->start_base[at] = block->base;
    for (int i = 0; i < START_FEATURES; i++)
        batch->start[at * START_FEATURES + (size_t)i] = (float)block->start[i];
}

struct waiting_row *micro_batch_row(struct micro_batch *batch)
{
    assert(batch->rows < batch->capacity);
    return &batch->row[batch->rows++];
}

static void run_net(struct micro_batch *batch, struct predictor_runner *runner)
{
    if (batch->steps > 0)
        predictor_step(runner, batch->steps, batch->x, batch->step_hidden);
    if (batch->starts > 0)
        predictor_base(runner, batch->starts, batch->start_hidden, batch->start, batch->start_base);
    for (size_t r = 0; r < batch->rows; r++) {
        batch->row_base[r] = batch->row[r].block->base;
        for (int i = 0; i < LIVE_FEATURES; i++)
            batch->live[r * LIVE_FEATURES + (size_t)i] = (float)batch->row[r].live[i];
        for (int q = 0; q < QUANTILES; q++)
            batch->kernel[r * QUANTILES + (size_t)q] = (float)batch->row[r].kernel_s[q];
    }
    predictor_live(runner, batch->rows, batch->row_base, batch->live, batch->kernel,
                   batch->remaining);
}

void micro_batch_discard(struct micro_batch *batch)
{
    batch->rows = batch->starts = batch->steps = 0;
    if (++batch->number == 0)
        batch->number = 1;
}

int micro_batch_run(struct micro_batch *batch, struct predictor_runner *runner,
                    const struct pipeline_sink *sink, struct err *err)
{
    int result = 0;
    if (runner && batch->rows + batch->starts > 0)
        run_net(batch, runner);
    for (size_t r = 0; r < batch->rows && result == 0 && sink->prediction; r++) {
        struct waiting_row *row = &batch->row[r];
        double elapsed_s = (double)row->prediction.elapsed_ms / 1000.0;
        for (int q = 0; q < QUANTILES; q++)
            row->prediction.total_s[q] =
                elapsed_s +
                (runner ? (double)batch->remaining[r * QUANTILES + (size_t)q] : row->kernel_s[q]);
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
