#include "cli/seed_report.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/seed_report_table.h"
#include "cli/seed_watch.h"
#include "seed/seed_models.h"

/* What is trained: each serves one row of the table or more. */
enum trained {
    TRAINED_LSTM,
    TRAINED_GRU,
    TRAINED_INPUTS, /* an LSTM that sees every input standardised */
    TRAINED_KMEANS, /* raw, standardised, standardised with joined labels */
    TRAINED_KMEANS_STANDARDISED,
    TRAINED_KMEANS_JOINED,
    TRAINED_SPECTRAL,
    TRAINED_SPECTRAL_STANDARDISED,
    TRAINED_SPECTRAL_JOINED,
    TRAINED
};

static const struct plan {
    enum seed_cell cell;
    enum seed_scaling scaling;
    bool joined;
} plans[TRAINED] = {
    [TRAINED_LSTM] = {SEED_LSTM, SEED_RAW, false},
    [TRAINED_GRU] = {SEED_GRU, SEED_RAW, false},
    [TRAINED_INPUTS] = {SEED_LSTM, SEED_STANDARDISED, true},
    [TRAINED_KMEANS] = {SEED_LSTM, SEED_RAW, false},
    [TRAINED_KMEANS_STANDARDISED] = {SEED_LSTM, SEED_STANDARDISED, false},
    [TRAINED_KMEANS_JOINED] = {SEED_LSTM, SEED_STANDARDISED, true},
    [TRAINED_SPECTRAL] = {SEED_LSTM, SEED_RAW, false},
    [TRAINED_SPECTRAL_STANDARDISED] = {SEED_LSTM, SEED_STANDARDISED, false},
    [TRAINED_SPECTRAL_JOINED] = {SEED_LSTM, SEED_STANDARDISED, true},
};

struct report {
    const struct seed_data *data;
    const struct seed_report_options *options;
    struct seed_data scaled; /* data with every input standardised but the user's number */
    struct seed_models models[TRAINED];
    struct seed_report_table table;
};

uint32_t seed_report_min_users(size_t users)
{
    double skipped = 30.0 * (double)users / SEED_REPORT_PEOPLE;
    return skipped < 1 ? 2 : (uint32_t)lround(skipped) + 1;
}

/* ---- training ---- */

static const struct seed_members *members_of(const struct report *r, enum trained which)
{
    return which >= TRAINED_SPECTRAL ? r->options->spectral
           : which >= TRAINED_KMEANS ? r->options->kmeans
                                     : NULL;
}

static bool is_wanted(const struct report *r, enum trained which)
{
    return which < TRAINED_KMEANS || members_of(r, which);
}

static const struct seed_data *data_of(const struct report *r, enum trained which)
{
    return which == TRAINED_INPUTS ? &r->scaled : r->data;
}

static int copy_rows(const struct seed_rows *from, struct seed_rows *to, struct err *err)
{
    for (size_t i = 0; i < from->count; i++)
        if (seed_rows_add(to, &from->row[i], err))
            return -1;
    return 0;
}

/* One input by its mean and deviation over the training rows. */
static void scale_input(struct seed_data *data, enum seed_input input)
{
    double n = (double)data->train.count, mean = 0, squares = 0;
    for (size_t i = 0; i < data->train.count; i++)
        mean += data->train.row[i].input[input] / n;
    for (size_t i = 0; i < data->train.count; i++)
        squares += pow(data->train.row[i].input[input] - mean, 2) / n;
    double sd = squares > 0 ? sqrt(squares) : 1;
    struct seed_rows *const sets[] = {&data->train, &data->validate, &data->test};
    for (size_t s = 0; s < sizeof sets / sizeof *sets; s++)
        for (size_t i = 0; i < sets[s]->count; i++) {
            double *value = &sets[s]->row[i].input[input];
            *value = (*value - mean) / sd;
        }
}

static int make_scaled(struct report *r, struct err *err)
{
    if (copy_rows(&r->data->train, &r->scaled.train, err) ||
        copy_rows(&r->data->validate, &r->scaled.validate, err) ||
        copy_rows(&r->data->test, &r->scaled.test, err))
        return -1;
    for (int k = 0; k < SEED_INPUTS; k++) /* lengths and averages are scaled by the protocol */
        if (k != SEED_USER && k != SEED_PREVIOUS && k != SEED_AVERAGE)
            scale_input(&r->scaled, (enum seed_input)k);
    return 0;
}

static int init_models(struct report *r, struct err *err)
{
    uint32_t users = (uint32_t)seed_rows_users(&r->data->train);
    for (int t = 0; t < TRAINED; t++) {
        if (!is_wanted(r, (enum trained)t))
            continue;
        struct seed_recipe recipe = r->options->recipe;
        recipe.cell = plans[t].cell;
        recipe.scaling = plans[t].scaling;
        recipe.misjoined = !plans[t].joined;
        if (t < TRAINED_KMEANS) /* everybody is a large cluster */
            recipe.epochs = seed_epochs_of(&recipe, users);
        recipe.filter = t == TRAINED_LSTM || t == TRAINED_GRU ? recipe.filter : 0;
        if (seed_models_init(&r->models[t], &recipe, members_of(r, (enum trained)t),
                             data_of(r, (enum trained)t), err))
            return -1;
    }
    return 0;
}

static int train(struct report *r, struct err *err)
{
    struct seed_models *raw[TRAINED], *inputs[] = {&r->models[TRAINED_INPUTS]};
    size_t count = 0;
    for (int t = 0; t < TRAINED; t++)
        if (t != TRAINED_INPUTS && is_wanted(r, (enum trained)t))
            raw[count++] = &r->models[t];
    return seed_watch_train(raw, count, r->data, r->options->threads, r->options->quiet, err) ||
                   seed_watch_train(inputs, 1, &r->scaled, 1, r->options->quiet, err)
               ? -1
               : 0;
}

/* ---- the rows of the table ---- */

/* Clusters that "mixed" leaves raw from one, the others from another; borrows both. */
static int mix(const struct seed_models *raw, const struct seed_models *standardised,
               struct seed_models *out, struct err *err)
{
    *out = *raw;
    out->recipe.scaling = SEED_MIXED;
    out->recipe.misjoined = standardised->recipe.misjoined;
    out->cluster = calloc(raw->clusters + 1, sizeof *out->cluster);
    if (!out->cluster)
        return err_set(err, ERR_MEMORY, "out of memory for %u clusters", raw->clusters);
    for (uint32_t c = 0; c < raw->clusters; c++)
        out->cluster[c] = seed_mixed_standardises(&out->recipe, raw->cluster[c].users)
                              ? standardised->cluster[c]
                              : raw->cluster[c];
    return 0;
}

static int judge(struct report *r, const char *name, double published,
                 const struct seed_models *models, const struct seed_models *joined,
                 const struct seed_data *data, struct err *err)
{
    struct seed_report_row *row = &r->table.row[r->table.rows++];
    *row = (struct seed_report_row){.name = name, .published = published};
    return seed_judge(models, joined, data, &row->judgement, err);
}

/* Raw, standardised and mixed of one kind of clusters. */
static int judge_clusters(struct report *r, enum trained first, const char *const names[3],
                          const double published[3], struct err *err)
{
    const struct seed_models *raw = &r->models[first], *standardised = raw + 1, *joined = raw + 2;
    struct seed_models mixed = {0}, mixed_joined = {0};
    if (!is_wanted(r, first))
        return 0;
    int result = -1;
    if (judge(r, names[0], published[0], raw, raw, r->data, err) ||
        judge(r, names[1], published[1], standardised, joined, r->data, err) ||
        mix(raw, standardised, &mixed, err) || mix(raw, joined, &mixed_joined, err) ||
        judge(r, names[2], published[2], &mixed, &mixed_joined, r->data, err))
        goto out;
    result = 0;
out:
    free(mixed.cluster);
    free(mixed_joined.cluster);
    return result;
}

static int judge_all(struct report *r, struct err *err)
{
    static const char *const kmeans[] = {"k-means", "k-means, standardised", "k-means, mixed"};
    static const char *const spectral[] = {"spectral", "spectral, standardised", "spectral, mixed"};
    static const double kmeans_published[] = {.794, .81, .65};
    static const double spectral_published[] = {.785, .87, .63};
    const struct seed_models *lstm = &r->models[TRAINED_LSTM], *gru = &r->models[TRAINED_GRU],
                             *inputs = &r->models[TRAINED_INPUTS];
    return judge(r, "LSTM", .87, lstm, lstm, r->data, err) ||
                   judge(r, "GRU", .87, gru, gru, r->data, err) ||
                   judge_clusters(r, TRAINED_KMEANS, kmeans, kmeans_published, err) ||
                   judge_clusters(r, TRAINED_SPECTRAL, spectral, spectral_published, err) ||
                   judge(r, "LSTM, every input standardised", (double)NAN, inputs, inputs,
                         &r->scaled, err)
               ? -1
               : 0;
}

int seed_report(const struct seed_data *data, const struct seed_report_options *options,
                struct evaluation *honest, struct err *err)
{
    struct report *r = calloc(1, sizeof *r);
    int result = -1;
    if (!r)
        return err_set(err, ERR_MEMORY, "out of memory for the report");
    r->data = data;
    r->options = options;
    r->table.recipe = &options->recipe;
    r->table.data = data;
    if (make_scaled(r, err) || init_models(r, err) || train(r, err) || judge_all(r, err) ||
        evaluation_report(honest, EVALUATED_MEAN, &r->table.honest, err))
        goto out;
    result = seed_report_table_print(&r->table, options->form, stdout, err);
    evaluation_report_release(&r->table.honest);
out:
    for (int t = 0; t < TRAINED; t++)
        seed_models_release(&r->models[t]);
    seed_data_release(&r->scaled);
    free(r);
    return result;
}
