#include "seed/seed_judge.h"

#include <math.h>
#include <stdlib.h>

#include "core/array.h"

#define AVERAGE_MAX_S 20000 /* the original's rule for rows of its baseline */

const char *const seed_step_names[SEED_STEPS] = {"published", "joined",    "seconds",
                                                 "all-rows",  "same-rows", "everybody"};
const char *const seed_step_texts[SEED_STEPS] = {
    "as published",
    "labels joined to their own rows",
    "errors and baseline in seconds",
    "no test row left out by its label",
    "the baseline of the same rows",
    "people without a model counted",
};

/* ---- baselines ---- */

struct seed_means {
    struct user_mean {
        uint32_t user;
        double sum, count;
    } * of; /* (users) ascending */
    size_t users;
};

static int by_user(const void *a, const void *b)
{
    uint32_t x = ((const struct user_mean *)a)->user, y = ((const struct user_mean *)b)->user;
    return (x > y) - (x < y);
}

struct seed_means *seed_means_new(const struct seed_rows *train, struct err *err)
{
    struct seed_means *means = calloc(1, sizeof *means);
    struct user_mean *of = calloc(train->count + 1, sizeof *of);
    if (!means || !of) {
        free(means);
        free(of);
        err_set(err, ERR_MEMORY, "out of memory for the means of %zu sessions", train->count);
        return NULL;
    }
    for (size_t i = 0; i < train->count; i++)
        of[i] = (struct user_mean){seed_user(&train->row[i]), train->row[i].length_s, 1};
    if (train->count)
        qsort(of, train->count, sizeof *of, by_user);
    for (size_t i = 0; i < train->count; i++) {
        if (means->users && of[means->users - 1].user == of[i].user) {
            of[means->users - 1].sum += of[i].sum;
            of[means->users - 1].count++;
        } else
            of[means->users++] = of[i];
    }
    means->of = of;
    return means;
}

void seed_means_free(struct seed_means *means)
{
    if (means)
        free(means->of);
    free(means);
}

double seed_means_of(const struct seed_means *means, uint32_t user)
{
    const struct user_mean key = {.user = user};
    const struct user_mean *found =
        means->users ? bsearch(&key, means->of, means->users, sizeof key, by_user) : NULL;
    return found ? found->sum / found->count : (double)NAN;
}

/* The rows of one of the original's two sets for its baseline. */
static int baseline_rows(const struct seed_rows *from, double filter, struct seed_rows *out,
                         struct err *err)
{
    for (size_t i = 0; i < from->count; i++)
        if (from->row[i].input[SEED_AVERAGE] < AVERAGE_MAX_S &&
            seed_rows_add(out, &from->row[i], err))
            return -1;
    return filter > 0 ? seed_rows_filter(out, filter, err) : 0;
}

static double mean_error(const struct seed_means *means, const struct seed_rows *rows)
{
    double sum = 0, count = 0;
    for (size_t i = 0; i < rows->count; i++) {
        double mean = seed_means_of(means, seed_user(&rows->row[i]));
        if (isnan(mean))
            continue;
        sum += fabs(rows->row[i].length_s - mean);
        count++;
    }
    return sum / count;
}

int seed_baseline(const struct seed_data *data, bool standardised, bool misjoined, double filter,
                  double *out, struct err *err)
{
    struct seed_rows train = {0}, test = {0};
    struct seed_means *means = NULL;
    int result = -1;
    if (baseline_rows(&data->train, filter, &train, err) ||
        baseline_rows(&data->test, filter, &test, err))
        goto out;
    if (standardised) {
        struct seed_scaler scaler;
        seed_scaler_fit(&scaler, &train);
        seed_scaler_apply(&scaler, &train);
        seed_scaler_apply(&scaler, &test);
        if (misjoined && (seed_rows_misjoin(&train, err) || seed_rows_misjoin(&test, err)))
            goto out;
    }
    means = seed_means_new(&train, err);
    if (!means)
        goto out;
    *out = mean_error(means, &test);
    result = 0;
out:
    seed_means_free(means);
    seed_rows_release(&train);
    seed_rows_release(&test);
    return result;
}

/* ---- judging ---- */

/* The published way: quotients of clusters by one number for everybody. */
struct quotients {
    double by_raw, by_standardised; /* baselines */
    double sum, rows;
};

/* What a cluster's model says of its test rows. @param said new (rows), caller frees */
static int ask(const struct seed_models *models, const struct seed_cluster *cluster,
               const struct seed_data *data, struct seed_rows *rows, double **said, struct err *err)
{
    if (seed_models_rows(models, cluster, &data->test, rows, err))
        return -1;
    *said = calloc(rows->count + 1, sizeof **said);
    if (!*said)
        return err_set(err, ERR_MEMORY, "out of memory for %zu predictions", rows->count);
    return seed_net_predict(&cluster->net, rows, *said, err);
}

static double in_seconds(const struct seed_cluster *cluster, double label)
{
    const struct seed_scaler *scaler = &cluster->scaler;
    int k = SEED_SCALED - 1;
    return cluster->standardised ? label * scaler->sd[k] + scaler->mean[k] : label;
}

/* Of one cluster, in its own units or in seconds. */
static int add_quotient(struct quotients *q, const struct seed_models *models,
                        const struct seed_cluster *cluster, const struct seed_data *data,
                        bool seconds, struct err *err)
{
    struct seed_rows rows = {0};
    double *said = NULL, sum = 0;
    int result = ask(models, cluster, data, &rows, &said, err);
    for (size_t i = 0; result == 0 && i < rows.count; i++)
        sum += fabs(said[i] - rows.row[i].length_s);
    if (cluster->standardised && seconds)
        sum *= cluster->scaler.sd[SEED_SCALED - 1];
    q->sum += sum / (cluster->standardised && !seconds ? q->by_standardised : q->by_raw);
    q->rows += (double)rows.count;
    seed_rows_release(&rows);
    free(said);
    return result;
}

static int published(const struct seed_models *models, const struct seed_data *data, bool seconds,
                     double *out, struct err *err)
{
    const struct seed_recipe *recipe = &models->recipe;
    struct quotients q = {0};
    if (seed_baseline(data, false, false, recipe->filter, &q.by_raw, err) ||
        seed_baseline(data, true, recipe->misjoined, recipe->filter, &q.by_standardised, err))
        return -1;
    for (uint32_t c = 0; c < models->clusters; c++)
        if (models->cluster[c].trained &&
            add_quotient(&q, models, &models->cluster[c], data, seconds, err))
            return -1;
    *out = q.sum / q.rows;
    return 0;
}

/* ---- in seconds, on the same rows ---- */

/* Sums over the rows that a model is asked for. */
struct sums {
    const struct seed_means *means;
    double rows, error, squares, base, constant, said, said_squares, length_squares, same, median;
};

/* One cluster's rows in seconds. @param median of its training lengths */
static void add_rows(struct sums *s, const struct seed_cluster *cluster,
                     const struct seed_rows *rows, const double *said, double said_median,
                     double median)
{
    double n = rows->count ? (double)rows->count : 1, said_mean = 0, length_mean = 0;
    for (size_t i = 0; i < rows->count; i++) {
        said_mean += in_seconds(cluster, said[i]) / n;
        length_mean += in_seconds(cluster, rows->row[i].length_s) / n;
    }
    for (size_t i = 0; i < rows->count; i++) {
        double one = in_seconds(cluster, said[i]);
        double length = in_seconds(cluster, rows->row[i].length_s);
        s->error += fabs(one - length);
        s->squares += (one - length) * (one - length);
        s->base += fabs(length - seed_means_of(s->means, seed_user(&rows->row[i])));
        s->constant += fabs(length - median);
        s->said_squares += (one - said_mean) * (one - said_mean);
        s->length_squares += (length - length_mean) * (length - length_mean);
        s->same += fabs(one - said_median) <= .01 * fabs(said_median);
    }
    s->said += said_mean * (double)rows->count;
    s->median += median * (double)rows->count;
    s->rows += (double)rows->count;
}

/* @return the median; NAN in error */
static double median_of(const double *values, size_t count, struct err *err)
{
    double *copy = malloc((count + 1) * sizeof *copy);
    if (!copy || count == 0) {
        free(copy);
        err_set(err, ERR_MEMORY, "out of memory for the median of %zu values", count);
        return (double)NAN;
    }
    for (size_t i = 0; i < count; i++)
        copy[i] = values[i];
    double median = seed_percentile(copy, count, 50);
    free(copy);
    return median;
}

static int training_median(const struct seed_models *models, const struct seed_cluster *cluster,
                           const struct seed_data *data, double *out, struct err *err)
{
    struct seed_rows rows = {0};
    int result = seed_rows_of_cluster(&data->train, models->members, cluster->number, &rows, err);
    double *length = result == 0 ? calloc(rows.count + 1, sizeof *length) : NULL;
    for (size_t i = 0; length && i < rows.count; i++)
        length[i] = rows.row[i].length_s;
    if (length)
        *out = median_of(length, rows.count, err);
    seed_rows_release(&rows);
    free(length);
    return length && !isnan(*out) ? 0 : -1;
}

static int add_cluster(struct sums *sums, const struct seed_models *models,
                       const struct seed_cluster *cluster, const struct seed_data *data,
                       struct err *err)
{
    struct seed_rows rows = {0};
    double *said = NULL, median;
    int result = ask(models, cluster, data, &rows, &said, err);
    if (result == 0 && rows.count) {
        double said_median = median_of(said, rows.count, err);
        result = isnan(said_median) || training_median(models, cluster, data, &median, err);
        if (result == 0)
            add_rows(sums, cluster, &rows, said, in_seconds(cluster, said_median), median);
    }
    seed_rows_release(&rows);
    free(said);
    return result ? -1 : 0;
}

static void fill(const struct sums *s, struct seed_judgement *out)
{
    struct seed_spread *spread = &out->spread;
    spread->rows = (uint64_t)s->rows;
    spread->mae_s = s->error / s->rows;
    spread->rmse_s = sqrt(s->squares / s->rows);
    spread->said_sd_s = sqrt(s->said_squares / s->rows);
    spread->length_sd_s = sqrt(s->length_squares / s->rows);
    spread->same = s->same / s->rows;
    spread->mean_said_s = s->said / s->rows;
    spread->median_s = s->median / s->rows;
    spread->constant = s->constant / s->base;
    out->ratio[SEED_SAME_ROWS] = s->error / s->base;
}

/* The rows of people without a model: each counts with the baseline's own error. */
static void add_left_out(const struct seed_models *models, const struct seed_data *data,
                         const struct sums *sums, struct seed_judgement *out)
{
    double left = 0;
    uint32_t last = 0;
    bool any = false;
    for (size_t i = 0; i < data->test.count; i++) {
        const struct seed_row *row = &data->test.row[i];
        int64_t of = seed_members_find(models->members, seed_user(row));
        bool judged = of >= 0 && models->cluster[of].trained;
        bool first = !any || seed_user(row) != last; /* a user's rows lie together */
        any = true;
        last = seed_user(row);
        out->spread.users += judged && first;
        out->spread.users_left_out += !judged && first;
        if (judged)
            continue;
        out->spread.left_out++;
        left += fabs(row->length_s - seed_means_of(sums->means, last));
    }
    out->ratio[SEED_EVERYBODY] = (sums->error + left) / (sums->base + left);
    out->spread.constant_everybody = (sums->constant + left) / (sums->base + left);
}

static int judge_seconds(const struct seed_models *models, const struct seed_data *data,
                         struct seed_judgement *out, struct err *err)
{
    struct seed_means *means = seed_means_new(&data->train, err);
    struct sums sums = {.means = means};
    int result = means ? 0 : -1;
    for (uint32_t c = 0; result == 0 && c < models->clusters; c++)
        if (models->cluster[c].trained)
            result = add_cluster(&sums, models, &models->cluster[c], data, err);
    if (result == 0) {
        fill(&sums, out);
        add_left_out(models, data, &sums, out);
    }
    seed_means_free(means);
    return result;
}

int seed_judge(const struct seed_models *models, const struct seed_models *joined,
               const struct seed_data *data, struct seed_judgement *out, struct err *err)
{
    struct seed_models right = *joined, whole; /* the same models, shown other rows */
    right.recipe.misjoined = false;
    whole = right;
    whole.recipe.filter = 0;
    *out = (struct seed_judgement){0};
    if (seed_baseline(data, false, false, 0, &out->baseline_s, err) ||
        seed_baseline(data, true, models->recipe.misjoined, models->recipe.filter,
                      &out->baseline_sd, err) ||
        published(models, data, false, &out->ratio[SEED_PUBLISHED], err) ||
        published(&right, data, false, &out->ratio[SEED_JOINED], err) ||
        published(&right, data, true, &out->ratio[SEED_SECONDS], err) ||
        published(&whole, data, true, &out->ratio[SEED_ALL_ROWS], err))
        return -1;
    return judge_seconds(&whole, data, out, err);
}
