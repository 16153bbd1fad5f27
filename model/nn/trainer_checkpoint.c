#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/crc32c.h"
#include "core/hash.h"
#include "nn/trainer_parts.h"

#define MAGIC UINT64_C(0x31544b434f52544f) /* "OTROCKT1" in memory, low byte first */

/* All of it has one size and no padding, so that it is written as it stands. Behind it: order
 * (segments), net, average and best (params each), the optimizer's state, the epochs' curve (of all
 * that the options ask for), and the crc32c of all. */
struct head {
    uint64_t magic, fingerprint;
    uint64_t segments, params, optimizer_count; /* of the arrays behind */
    uint64_t steps_done, optimizer_steps, rows;
    uint64_t shuffle[4];
    uint64_t epoch, best_epoch, waited;
    double best, first_loss, training_loss, validation;
};

/* Of everything that decides the bits: options but the number of threads, and rows. */
static uint64_t fingerprint(const struct trainer *t)
{
    const struct trainer_options *o = t->options;
    char net[NET_TEXT_MAX], head[NET_TEXT_MAX], loss[LOSS_TEXT_MAX], clip[CLIP_TEXT_MAX];
    char optimizer[OPTIMIZER_TEXT_MAX], schedule[SCHEDULE_TEXT_MAX], numbers[256];
    net_spec_print(&o->spec, net, head);
    loss_print(&o->loss, loss);
    optimizer_print(&o->optimizer, optimizer);
    schedule_print(&o->schedule, schedule);
    clip_print(&o->clip, clip);
    snprintf(numbers, sizeof numbers, "%d %u %.17g %.17g %.17g %.17g %u %u %u %u %u %llu", o->base,
             t->set->panel, o->learning_rate, o->state_dropout, o->average_decay, o->shrink,
             o->epochs, o->patience, o->segment, o->warmup_sessions, o->batch,
             (unsigned long long)o->seed);
    const char *const texts[] = {net, head, loss, optimizer, schedule, clip, numbers};
    uint64_t hash = 0;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        hash = hash_bytes(texts[i], strlen(texts[i]) + 1, hash);
    for (size_t u = 0; u < t->set->users; u++) {
        const struct train_user *user = &t->set->user[u];
        hash = hash_bytes(user->steps, user->sessions * STEP_INPUTS * sizeof(float), hash);
        hash = hash_bytes(
            user->start, user->sessions * predictor_start_features(&o->spec) * sizeof(float), hash);
        hash = hash_bytes(user->row, user->rows * sizeof *user->row, hash);
    }
    return hash;
}

/* An array of the checkpoint and where it lives in the trainer. */
struct part {
    void *at;
    size_t size_bytes;
};
enum { PARTS = 6 };

static size_t parts_of(struct trainer *t, struct part part[PARTS])
{
    size_t count, block = t->net->params_count * sizeof(float);
    float *state = optimizer_state(t->optimizer, &count);
    part[0] = (struct part){t->order, t->segments.count * sizeof *t->order};
    part[1] = (struct part){t->net->params, block};
    part[2] = (struct part){t->average->params, block};
    part[3] = (struct part){t->best->params, block};
    part[4] = (struct part){state, count * sizeof(float)};
    part[5] = (struct part){t->curve, t->options->epochs * sizeof *t->curve};
    size_t all = sizeof(struct head) + sizeof(uint32_t);
    for (size_t i = 0; i < PARTS; i++)
        all += part[i].size_bytes;
    return all;
}

static struct head head_of(const struct trainer *t, const struct part part[PARTS])
{
    struct head head = {
        .magic = MAGIC,
        .fingerprint = fingerprint(t),
        .segments = t->segments.count,
        .params = t->net->params_count,
        .optimizer_count = part[4].size_bytes / sizeof(float),
        .steps_done = t->steps_done,
        .optimizer_steps = optimizer_steps(t->optimizer),
        .rows = t->progress.rows,
        .epoch = t->progress.epoch,
        .best_epoch = t->stop.best_epoch,
        .waited = t->stop.waited,
        .best = t->stop.best,
        .first_loss = t->first_loss,
        .training_loss = t->report.training_loss,
        .validation = t->progress.validation,
    };
    memcpy(head.shuffle, t->shuffle.state, sizeof head.shuffle);
    return head;
}

int trainer_checkpoint(struct trainer *t, void **bytes, size_t *size, struct err *err)
{
    struct part part[PARTS];
    *size = parts_of(t, part);
    unsigned char *to = malloc(*size);
    *bytes = to;
    if (!to)
        return err_set(err, ERR_MEMORY, "no memory for a checkpoint of %zu bytes", *size);
    struct head head = head_of(t, part);
    memcpy(to, &head, sizeof head);
    to += sizeof head;
    for (size_t i = 0; i < PARTS; to += part[i++].size_bytes)
        if (part[i].size_bytes)
            memcpy(to, part[i].at, part[i].size_bytes);
    uint32_t crc = crc32c(*bytes, *size - sizeof crc, 0);
    memcpy(to, &crc, sizeof crc);
    return 0;
}

static int check(const struct trainer *t, const struct head *head, const struct part part[PARTS],
                 struct err *err)
{
    struct head ours = head_of(t, part);
    if (head->fingerprint != ours.fingerprint || head->segments != ours.segments ||
        head->params != ours.params || head->optimizer_count != ours.optimizer_count)
        return err_set(err, ERR_INPUT,
                       "it was made by another recipe or from other rows: resume with the log and "
                       "the recipe that made it, or start anew");
    return 0;
}

int trainer_resume(struct trainer *t, const void *bytes, size_t size, struct err *err)
{
    struct part part[PARTS];
    struct head head = {0};
    const unsigned char *from = bytes;
    uint32_t crc = 0;
    size_t all = parts_of(t, part);
    if (size >= sizeof head + sizeof crc) {
        memcpy(&head, bytes, sizeof head);
        memcpy(&crc, from + size - sizeof crc, sizeof crc);
    }
    if (head.magic != MAGIC)
        return err_set(err, ERR_INPUT, "it is no checkpoint of a training");
    if (crc != crc32c(bytes, size - sizeof crc, 0))
        return err_set(err, ERR_INPUT, "it is damaged or cut short: its checksum does not match");
    if (check(t, &head, part, err))
        return -1;
    if (size != all)
        return err_set(err, ERR_INPUT, "it has %zu bytes, not %zu", size, all);
    from += sizeof head;
    for (size_t i = 0; i < PARTS; from += part[i++].size_bytes)
        if (part[i].size_bytes)
            memcpy(part[i].at, from, part[i].size_bytes);
    optimizer_resume(t->optimizer, head.optimizer_steps);
    memcpy(t->shuffle.state, head.shuffle, sizeof head.shuffle);
    t->steps_done = head.steps_done;
    t->stop.best = head.best;
    t->stop.best_epoch = (uint32_t)head.best_epoch;
    t->stop.waited = (uint32_t)head.waited;
    t->first_loss = head.first_loss;
    t->report.training_loss = head.training_loss;
    t->progress.rows = head.rows;
    t->progress.epoch = t->report.epochs = (uint32_t)head.epoch;
    t->progress.validation = head.validation;
    return 0;
}
