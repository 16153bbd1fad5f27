#include "stream/scores.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/array.h"
#include "core/hash.h"
#include "nn/train_set.h"
#include "stream/past_lengths.h"

/* Predictors whose quantiles are kept a row; the others follow from the user's training lengths. */
enum { KEPT = SCORED_RUNNING + 1 };

struct score_row {
    uint32_t partition, user, session, scrobble;
    int64_t elapsed_ms;
    float remaining_s[KEPT][QUANTILES];
};

struct scores {
    struct km_pool pool;
    uint32_t partitions;
    struct session_lengths *lengths; /* (partitions) */
    struct score_row *row;
    size_t rows, capacity;
    uint64_t below_elapsed;
};

/* A user's training lengths, as baselines need them. */
struct baseline {
    bool made;
    size_t training, validation_end;
    double mean_s, median_s;
    struct km km;
};

struct scores *scores_new(uint32_t partitions, const int64_t *pool_ms, struct err *err)
{
    struct scores *scores = calloc(1, sizeof *scores);
    if (scores)
        scores->lengths = calloc(partitions, sizeof *scores->lengths);
    if (!scores || !scores->lengths) {
        free(scores);
        err_set(err, ERR_MEMORY, "out of memory for scores");
        return NULL;
    }
    scores->partitions = partitions;
    for (int i = 0; i < POOL_VALUES; i++)
        scores->pool.ms[i] = (uint32_t)pool_ms[i];
    return scores;
}

void scores_free(struct scores *scores)
{
    if (!scores)
        return;
    for (uint32_t p = 0; p < scores->partitions; p++)
        session_lengths_release(&scores->lengths[p]);
    free(scores->lengths);
    free(scores->row);
    free(scores);
}

int scores_take_session(void *ctx, const struct session *session, uint32_t partition,
                        uint32_t user_index, struct err *err)
{
    struct scores *scores = ctx;
    return session_lengths_note(&scores->lengths[partition], user_index, session, err);
}

int scores_take_prediction(void *ctx, const struct prediction *prediction,
                           const struct prediction_detail *detail, struct err *err)
{
    struct scores *scores = ctx;
    void *rows = array_grow(scores->row, &scores->capacity, scores->rows + 1, sizeof *scores->row);
    if (!rows)
        return err_set(err, ERR_MEMORY, "out of memory for the scores of %zu predictions",
                       scores->rows + 1);
    scores->row = rows;
    struct score_row *row = &scores->row[scores->rows++];
    *row = (struct score_row){detail->partition,    detail->user_index,     prediction->session,
                              prediction->scrobble, prediction->elapsed_ms, {{0}}};
    double elapsed_s = (double)prediction->elapsed_ms / 1000.0;
    for (int q = 0; q < QUANTILES; q++) {
        row->remaining_s[SCORED_NET][q] = (float)(prediction->total_s[q] - elapsed_s);
        row->remaining_s[SCORED_KERNEL][q] = (float)detail->kernel_s[q];
        row->remaining_s[SCORED_RUNNING][q] = (float)detail->running_s[q];
    }
    bool interval = prediction_has_interval(prediction);
    scores->below_elapsed += prediction->total_s[interval ? 0 : QUANTILE_MEDIAN] < elapsed_s;
    return 0;
}

static int by_length(const void *a, const void *b)
{
    uint32_t x = ((const struct km_value *)a)->length_ms;
    uint32_t y = ((const struct km_value *)b)->length_ms;
    return (x > y) - (x < y);
}

static int baseline_make(struct baseline *baseline, const struct user_lengths *lengths,
                         const struct km_pool *pool, struct err *err)
{
    baseline->made = true;
    baseline->training = train_sessions(lengths->count);
    baseline->validation_end = validation_end(lengths->count);
    size_t n = baseline->training;
    if (n == 0)
        return 0;
    void *memory = malloc(km_size_bytes((uint32_t)n));
    if (!memory)
        return err_set(err, ERR_MEMORY, "out of memory for %zu training lengths", n);
    km_place(&baseline->km, memory, (uint32_t)n);
    struct km_value *value = baseline->km.value;
    double sum = 0;
    for (size_t k = 0; k < n; k++) {
        int64_t ms = lengths->ms[k];
        sum += (double)ms / 1000.0;
        value[k] = (struct km_value){.length_ms = ms > UINT32_MAX ? UINT32_MAX : (uint32_t)ms};
    }
    qsort(value, n, sizeof *value, by_length);
    km_index_pool(&baseline->km, pool, (uint32_t)n);
    baseline->mean_s = sum / (double)n;
    baseline->median_s =
        ((double)value[(n - 1) / 2].length_ms + (double)value[n / 2].length_ms) / 2000.0;
    return 0;
}

static void add_row(struct score_sums *sums, const struct score_row *row, double length_s,
                    struct baseline *baseline, const struct km_pool *pool)
{
    double elapsed_s = (double)row->elapsed_ms / 1000.0;
    double remaining_s = length_s - elapsed_s;
    double predicted[QUANTILES];
    for (int who = 0; who < KEPT; who++) {
        for (int q = 0; q < QUANTILES; q++)
            predicted[q] = (double)row->remaining_s[who][q];
        score_sums_add(sums, (enum scored)who, row->scrobble, remaining_s, predicted);
    }
    km_running(&baseline->km, pool, row->elapsed_ms, predicted);
    score_sums_add(sums, SCORED_STATIC, row->scrobble, remaining_s, predicted);
    score_sums_add_row(sums, row->scrobble, length_s, elapsed_s, baseline->median_s,
                       baseline->mean_s);
}

/* Users drawn with replacement; the difference of the two predictors on the same draw. */
static void bootstrap(const struct score_sums *users, size_t count, uint64_t seed,
                      struct score_report *report)
{
    enum { DRAWS = 1000 };
    static double (*const metric[])(const struct score_sums *, enum scored) = {score_m1, score_m3,
                                                                               score_pbi};
    struct interval *out[] = {&report->m1, &report->m3, &report->pbi};
    double difference[3][DRAWS];
    uint64_t state = seed;
    for (int d = 0; d < DRAWS; d++) {
        struct score_sums sums = {0};
        for (size_t u = 0; u < count; u++) {
            state += UINT64_C(0x9e3779b97f4a7c15);
            score_sums_merge(&sums, &users[hash_mix(state) % count]);
        }
        for (int m = 0; m < 3; m++)
            difference[m][d] = metric[m](&sums, SCORED_NET) - metric[m](&sums, SCORED_KERNEL);
    }
    for (int m = 0; m < 3; m++)
        *out[m] = interval_of(difference[m], DRAWS);
}

/* One table over all users of all partitions: where a partition's users begin in it. */
static size_t *user_offsets(const struct scores *scores, size_t *users)
{
    size_t *offset = calloc(scores->partitions + 1, sizeof *offset);
    for (uint32_t p = 0; offset && p < scores->partitions; p++)
        offset[p + 1] = offset[p] + scores->lengths[p].users;
    *users = offset ? offset[scores->partitions] : 0;
    return offset;
}

static int add_rows(const struct scores *scores, const size_t *offset, struct baseline *baseline,
                    struct score_sums *sums, struct err *err)
{
    for (size_t r = 0; r < scores->rows; r++) {
        const struct score_row *row = &scores->row[r];
        const struct user_lengths *lengths = &scores->lengths[row->partition].user[row->user];
        size_t user = offset[row->partition] + row->user;
        struct baseline *b = &baseline[user];
        if (!b->made && baseline_make(b, lengths, &scores->pool, err) < 0)
            return -1;
        if (b->training > 0 && row->session - 1 >= b->validation_end)
            add_row(&sums[user], row, (double)lengths->ms[row->session - 1] / 1000.0, b,
                    &scores->pool);
    }
    return 0;
}

/* @return new (users), or NULL with ERR_MEMORY */
static struct score_sums *sum_users(const struct scores *scores, const size_t *offset, size_t users,
                                    struct err *err)
{
    struct baseline *baseline = calloc(users + 1, sizeof *baseline);
    struct score_sums *sums = calloc(users + 1, sizeof *sums);
    if (!baseline || !sums) {
        err_set(err, ERR_MEMORY, "out of memory for the scores of %zu users", users);
        goto fail;
    }
    if (add_rows(scores, offset, baseline, sums, err) < 0)
        goto fail;
    goto out;
fail:
    free(sums);
    sums = NULL;
out:
    for (size_t u = 0; baseline && u < users; u++)
        free(baseline[u].km.value);
    free(baseline);
    return sums;
}

struct score_sums *scores_by_user(const struct scores *scores, size_t *users, struct err *err)
{
    size_t *offset = user_offsets(scores, users);
    if (!offset) {
        err_set(err, ERR_MEMORY, "out of memory for scores");
        return NULL;
    }
    struct score_sums *sums = sum_users(scores, offset, *users, err);
    free(offset);
    return sums;
}

static int add_start(struct start_errors *whole, struct past_lengths *past,
                     const struct score_row *row, const struct user_lengths *lengths,
                     struct err *err)
{
    double length_s = (double)lengths->ms[row->session - 1] / 1000.0;
    while (past->count + 1 < row->session)
        if (past_lengths_add(past, lengths->ms[past->count], err))
            return -1;
    if (past->count == 0)
        return 0;
    whole->sessions++;
    whole->net_s += fabs(length_s - (double)row->remaining_s[SCORED_NET][QUANTILE_MEDIAN]);
    whole->running_mean_s += fabs(length_s - past_lengths_mean_s(past));
    whole->running_median_s += fabs(length_s - past_lengths_median_s(past));
    return 0;
}

/* @param past (users) zeroed; what it holds is the caller's to free */
static int start_errors(const struct scores *scores, const size_t *offset,
                        struct past_lengths *past, struct start_errors *whole, struct err *err)
{
    double covered = 0, weight = 0;
    for (size_t r = 0; r < scores->rows; r++) {
        const struct score_row *row = &scores->row[r];
        const struct user_lengths *lengths = &scores->lengths[row->partition].user[row->user];
        double elapsed_s = (double)row->elapsed_ms / 1000.0;
        double remaining_s = (double)lengths->ms[row->session - 1] / 1000.0 - elapsed_s;
        const float *said = row->remaining_s[SCORED_NET];
        weight += 1.0 / row->scrobble;
        if (isnan(said[0]))
            covered = (double)NAN; /* there is no interval to be within */
        else if (remaining_s >= (double)said[0] - SCORE_SLACK_S &&
                 remaining_s <= (double)said[2] + SCORE_SLACK_S)
            covered += 1.0 / row->scrobble;
        if (row->scrobble == 1 &&
            add_start(whole, &past[offset[row->partition] + row->user], row, lengths, err) < 0)
            return -1;
    }
    double sessions = (double)whole->sessions;
    whole->net_s /= sessions;
    whole->running_mean_s /= sessions;
    whole->running_median_s /= sessions;
    whole->coverage = covered / weight;
    return 0;
}

static void fill(struct score_report *report, struct score_sums *sums, size_t users, uint64_t seed)
{
    struct score_sums all = {0};
    double macro[SCORED] = {0};
    size_t scored = 0;
    for (size_t u = 0; u < users; u++) {
        if (sums[u].sessions == 0)
            continue;
        score_sums_merge(&all, &sums[u]);
        for (int who = 0; who < SCORED; who++)
            macro[who] += score_m1(&sums[u], (enum scored)who);
        sums[scored++] = sums[u];
    }
    report->users = scored;
    report->sessions = all.sessions;
    report->rows = all.rows;
    if (scored == 0)
        return;
    for (int who = 0; who < SCORED; who++) {
        report->of[who] = score_of(&all, (enum scored)who);
        report->of[who].m1_macro = macro[who] / (double)scored;
    }
    bootstrap(sums, scored, seed, report);
}

int scores_report(const struct scores *scores, uint64_t seed, struct score_report *report,
                  struct err *err)
{
    int result = -1;
    size_t users = 0;
    *report = (struct score_report){.below_elapsed = scores->below_elapsed};
    size_t *offset = user_offsets(scores, &users);
    struct past_lengths *past = calloc(users + 1, sizeof *past);
    struct score_sums *sums = NULL;
    if (!offset || !past) {
        err_set(err, ERR_MEMORY, "out of memory for the scores of %zu users", users);
        goto out;
    }
    sums = sum_users(scores, offset, users, err);
    if (!sums || start_errors(scores, offset, past, &report->whole, err) < 0)
        goto out;
    fill(report, sums, users, seed);
    result = 0;
out:
    for (size_t u = 0; past && u < users; u++)
        past_lengths_release(&past[u]);
    free(past);
    free(sums);
    free(offset);
    return result;
}
