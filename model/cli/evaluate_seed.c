#include "cli/evaluate_seed.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "stream/past_lengths.h"

/* A user's training lengths. */
struct known {
    uint32_t user;
    double mean_s, median_s;
};

struct known_users {
    struct known *of; /* (users) ascending */
    size_t users;
};

static int by_user(const void *a, const void *b)
{
    uint32_t x = ((const struct known *)a)->user, y = ((const struct known *)b)->user;
    return (x > y) - (x < y);
}

/* @param known room for every row */
static int know(const struct seed_rows *train, struct known_users *known, struct err *err)
{
    for (size_t from = 0, to; from < train->count; from = to) {
        struct past_lengths past = {0};
        uint32_t user = seed_user(&train->row[from]);
        int result = 0;
        for (to = from; to < train->count && seed_user(&train->row[to]) == user; to++)
            if (result == 0)
                result = past_lengths_add(&past, llround(1000 * train->row[to].length_s), err);
        if (result == 0)
            known->of[known->users++] =
                (struct known){user, past_lengths_mean_s(&past), past_lengths_median_s(&past)};
        past_lengths_release(&past);
        if (result)
            return -1;
    }
    if (known->users)
        qsort(known->of, known->users, sizeof *known->of, by_user);
    return 0;
}

/* What a model says of rows, each of them its own. @param said (rows) out, seconds */
static int ask(const struct seed_cluster *cluster, const struct seed_rows *rows, double *said,
               struct err *err)
{
    struct seed_rows copy = {.count = rows->count};
    copy.row = malloc((rows->count + 1) * sizeof *copy.row);
    if (!copy.row)
        return err_set(err, ERR_MEMORY, "out of memory for %zu sessions", rows->count);
    if (rows->count)
        memcpy(copy.row, rows->row, rows->count * sizeof *copy.row);
    if (cluster->standardised)
        seed_scaler_apply(&cluster->scaler, &copy);
    int result = seed_net_predict(&cluster->net, &copy, said, err);
    for (size_t i = 0; cluster->standardised && i < rows->count; i++)
        said[i] =
            said[i] * cluster->scaler.sd[SEED_SCALED - 1] + cluster->scaler.mean[SEED_SCALED - 1];
    free(copy.row);
    return result;
}

struct judging {
    const struct known_users *known;
    struct evaluation *evaluation;
    int32_t cluster;
};

static int add_rows(const struct judging *j, const struct seed_rows *rows, const double *said,
                    struct err *err)
{
    for (size_t i = 0; i < rows->count; i++) {
        const struct seed_row *row = &rows->row[i];
        const struct known key = {.user = seed_user(row)};
        const struct known *user =
            bsearch(&key, j->known->of, j->known->users, sizeof key, by_user);
        if (!user)
            continue;
        const struct evaluation_row one = {key.user,
                                           j->cluster,
                                           row->length_s,
                                           {[EVALUATED_MODEL] = said ? said[i] : (double)NAN,
                                            [EVALUATED_KERNEL] = (double)NAN,
                                            [EVALUATED_MEAN] = user->mean_s,
                                            [EVALUATED_MEDIAN] = user->median_s,
                                            [EVALUATED_PREVIOUS] = row->input[SEED_PREVIOUS],
                                            [EVALUATED_RUNNING] = row->input[SEED_AVERAGE]}};
        if (evaluation_add(j->evaluation, &one, err))
            return -1;
    }
    return 0;
}

static int add_lengths(const struct judging *j, const struct seed_rows *rows, struct err *err)
{
    for (size_t i = 0; i < rows->count; i++) {
        const struct evaluation_length one = {seed_user(&rows->row[i]), j->cluster,
                                              rows->row[i].length_s};
        if (evaluation_add_length(j->evaluation, one, err))
            return -1;
    }
    return 0;
}

/* @param cluster NULL: baselines alone */
static int add_cluster(const struct seed_data *data, const struct seed_members *members,
                       uint32_t number, const struct seed_cluster *cluster, const struct judging *j,
                       struct err *err)
{
    struct seed_rows train = {0}, test = {0};
    double *said = NULL;
    int result = -1;
    if (seed_rows_of_cluster(&data->train, members, number, &train, err) ||
        seed_rows_of_cluster(&data->test, members, number, &test, err))
        goto out;
    if (cluster && !(said = calloc(test.count + 1, sizeof *said))) {
        err_set(err, ERR_MEMORY, "out of memory for %zu sessions", test.count);
        goto out;
    }
    if (cluster && ask(cluster, &test, said, err))
        goto out;
    result =
        add_rows(j, &test, said, err) || add_lengths(j, &train, err) || add_lengths(j, &test, err)
            ? -1
            : 0;
out:
    seed_rows_release(&train);
    seed_rows_release(&test);
    free(said);
    return result;
}

int evaluate_seed_rows(const struct seed_data *data, const struct seed_members *members,
                       const struct seed_models *models, struct evaluation *evaluation,
                       uint64_t *left_out, struct err *err)
{
    struct known_users known = {.of = calloc(data->train.count + 1, sizeof(struct known))};
    if (!known.of)
        return err_set(err, ERR_MEMORY, "out of memory for %zu sessions", data->train.count);
    uint32_t clusters = members ? members->clusters : 1;
    int result = know(&data->train, &known, err);
    for (uint32_t c = 0; result == 0 && c < clusters; c++) {
        const struct judging j = {&known, evaluation, members ? (int32_t)c : -1};
        if (!models || models->cluster[c].trained)
            result = add_cluster(data, members, c, models ? &models->cluster[c] : NULL, &j, err);
    }
    *left_out = data->test.count - evaluation->rows;
    free(known.of);
    return result;
}

void evaluate_seed_print(const struct seed_judgement *judgement, FILE *out)
{
    const struct seed_spread *spread = &judgement->spread;
    fprintf(out,
            "\nBy the re-implemented system's protocol: MAE over that of the user's training mean\n"
            "(%.1f s over all test rows; %.3f deviations as it was measured for standardised "
            "models)\n",
            judgement->baseline_s, judgement->baseline_sd);
    for (int step = 0; step < SEED_STEPS; step++)
        fprintf(out, "  %-40s %8.4f\n", seed_step_texts[step], judgement->ratio[step]);
    fprintf(out, "  %-40s %8.4f\n", "a constant instead: the training median",
            spread->constant_everybody);
    fprintf(
        out,
        "What the models say of %llu sessions: sd %.1f s where the lengths have %.1f s; %.1f %% "
        "within 1 %% of the\nmedian of what is said; %.0f s on average, where the medians of "
        "training are %.0f s. MAE %.1f s, RMSE %.1f s.\n",
        (unsigned long long)spread->rows, spread->said_sd_s, spread->length_sd_s,
        100 * spread->same, spread->mean_said_s, spread->median_s, spread->mae_s, spread->rmse_s);
    if (spread->left_out)
        fprintf(out, "%llu sessions of %llu people have no model.\n",
                (unsigned long long)spread->left_out, (unsigned long long)spread->users_left_out);
}
