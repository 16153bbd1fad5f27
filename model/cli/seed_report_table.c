#include "cli/seed_report_table.h"

#include <math.h>
#include <stdlib.h>

#include <jansson.h>

/* The published results that stand without a network here. */
#define PUBLISHED_TREE       .816
#define PUBLISHED_MAE_S      3940.0
#define PUBLISHED_BASELINE_S 4520.0

/* The largest cluster that "mixed" standardises. */
static uint32_t mixed_limit(const struct seed_recipe *recipe)
{
    return (uint32_t)(UINT64_C(200) * (recipe->min_users - 1) / 30);
}

/* ---- for people ---- */

static void put(FILE *out, double value)
{
    if (isnan(value))
        fprintf(out, "%10s", "-");
    else
        fprintf(out, "%10.3f", value);
}

static void print_head(const struct seed_report_table *table, FILE *out)
{
    char loss[LOSS_TEXT_MAX], optimizer[OPTIMIZER_TEXT_MAX];
    const struct seed_recipe *recipe = table->recipe;
    loss_print(&recipe->loss, loss);
    optimizer_print(&recipe->optimizer, optimizer);
    fprintf(
        out,
        "The re-implemented system's published results, and what its protocol gives here\n\n"
        "%zu people (there: 992), %zu sessions to train on, %zu of %zu people to test on.\n"
        "The user's training mean is off by %.0f s here (there, for LSTM and GRU: %.0f s, and "
        "the nets by %.0f s).\n"
        "Nets %u wide, %s, %s, batches of %u, up to %u epochs (the larger a cluster, the fewer). "
        "Clusters of fewer than\n%u people have no model (there: 31), \"mixed\" standardises those "
        "of up to %u (there: 200). LSTM and GRU leave out\nsessions beyond percentile %g.\n\n",
        seed_rows_users(&table->data->train), table->data->train.count, table->data->test.count,
        seed_rows_users(&table->data->test), table->row[0].judgement.baseline_s,
        PUBLISHED_BASELINE_S, PUBLISHED_MAE_S, recipe->hidden_dim, loss, optimizer, recipe->batch,
        recipe->epochs, recipe->min_users, mixed_limit(recipe), recipe->filter);
}

static void print_ratios(const struct seed_report_table *table, FILE *out)
{
    static const char *const head[SEED_STEPS] = {"same way", "labels",    "seconds",
                                                 "all rows", "same rows", "everybody"};
    fprintf(out, "%-30s%10s", "MAE / that of the user's mean", "published");
    for (int step = 0; step < SEED_STEPS; step++)
        fprintf(out, "%10s", head[step]);
    fprintf(out, "%10s\n", "constant");
    for (size_t i = 0; i < table->rows; i++) {
        const struct seed_report_row *row = &table->row[i];
        fprintf(out, "%-30s", row->name);
        put(out, row->published);
        for (int step = 0; step < SEED_STEPS; step++)
            put(out, row->judgement.ratio[step]);
        put(out, row->judgement.spread.constant_everybody);
        fputc('\n', out);
    }
    fprintf(out, "%-30s%10.3f  (their honest best; no network)\n", "mixed-effects tree",
            PUBLISHED_TREE);
    fputs(
        "\nEach column takes one more error back:\n"
        "  same way   as it was published: every error made\n"
        "  labels     standardised labels stay with their own rows (they were joined to the rows "
        "of others by a stale index)\n"
        "  seconds    errors in seconds over a baseline in seconds (z-scores of each cluster were "
        "divided by a baseline in\n             deviations of everybody, with labels of other "
        "rows)\n"
        "  all rows   test rows are not chosen by their label\n"
        "  same rows  the baseline of the rows that are judged (short-session clusters were "
        "judged by everybody's)\n"
        "  everybody  people of clusters too small for a model count, with the user's mean\n"
        "  constant   what the median of the training sessions, one number a cluster, gives as in "
        "\"everybody\"\n",
        out);
}

static void print_spread(const struct seed_report_table *table, FILE *out)
{
    fprintf(
        out,
        "\nWhat the nets say, in seconds, around the mean of their cluster\n%-30s%12s%12s%12s%12s"
        "%12s%12s%12s\n",
        "", "sd said", "sd lengths", "within 1 %", "mean said", "median", "MAE", "RMSE");
    for (size_t i = 0; i < table->rows; i++) {
        const struct seed_spread *s = &table->row[i].judgement.spread;
        fprintf(out, "%-30s%12.1f%12.0f%10.1f %%%12.0f%12.0f%12.0f%12.0f\n", table->row[i].name,
                s->said_sd_s, s->length_sd_s, 100 * s->same, s->mean_said_s, s->median_s, s->mae_s,
                s->rmse_s);
    }
    fputs(
        "within 1 %: sessions whose prediction is within 1 % of the median of all that the net of "
        "their cluster says.\n"
        "Starts and registrations in epoch seconds, and ids, enter unscaled, so every gate is "
        "shut or open whatever the\nsession: the net is a constant that its loss moves towards "
        "the median. One step of one session never reaches the\nrecurrence. The last net sees "
        "every input standardised, labels joined: what those two errors cost.\n",
        out);
}

static void print_honest(const struct evaluation_report *honest, FILE *out)
{
    fprintf(out,
            "\nHonestly, on %llu of the same sessions: what is known before them, nothing left "
            "out\n",
            (unsigned long long)honest->all.sessions);
    for (int who = 0; who < EVALUATED; who++) {
        const struct evaluation_score *score = &honest->all.of[who];
        if (!isnan(score->mae_s))
            fprintf(out, "%-30s%10.3f   MAE %.0f s, RMSE %.0f s\n",
                    who == EVALUATED_MODEL ? "this system's predictor" : evaluated_names[who],
                    score->normalised, score->mae_s, score->rmse_s);
    }
}

/* ---- for programs ---- */

enum { MEASURES = SEED_STEPS + 14 };

struct measure {
    const char *name;
    double value;
};

static size_t measures_of(const struct seed_report_row *row, struct measure out[MEASURES])
{
    const struct seed_judgement *j = &row->judgement;
    const struct seed_spread *s = &j->spread;
    size_t n = 0;
    out[n++] = (struct measure){"published_result", row->published};
    for (int step = 0; step < SEED_STEPS; step++)
        out[n++] = (struct measure){seed_step_names[step], j->ratio[step]};
    const struct measure rest[] = {
        {"constant", s->constant},
        {"constant_everybody", s->constant_everybody},
        {"baseline_s", j->baseline_s},
        {"baseline_sd", j->baseline_sd},
        {"mae_s", s->mae_s},
        {"rmse_s", s->rmse_s},
        {"said_sd_s", s->said_sd_s},
        {"length_sd_s", s->length_sd_s},
        {"share_within_1_percent", s->same},
        {"mean_said_s", s->mean_said_s},
        {"training_median_s", s->median_s},
        {"sessions", (double)s->rows},
        {"sessions_left_out", (double)s->left_out},
    };
    for (size_t i = 0; i < sizeof rest / sizeof *rest; i++)
        out[n++] = rest[i];
    return n;
}

static size_t honest_measures(const struct evaluation_score *score, struct measure out[MEASURES])
{
    out[0] = (struct measure){"everybody", score->normalised};
    out[1] = (struct measure){"mae_s", score->mae_s};
    out[2] = (struct measure){"rmse_s", score->rmse_s};
    return 3;
}

static void write_measures(const char *name, const struct measure *measure, size_t count, FILE *out)
{
    for (size_t i = 0; i < count; i++)
        if (!isnan(measure[i].value))
            fprintf(out, "%s\t%s\t%.6g\n", name, measure[i].name, measure[i].value);
}

static void add_measures(json_t *to, const char *name, const struct measure *measure, size_t count)
{
    json_t *object = json_object();
    for (size_t i = 0; i < count; i++)
        if (!isnan(measure[i].value))
            json_object_set_new(object, measure[i].name, json_real(measure[i].value));
    json_object_set_new(to, name, object);
}

/* @param json NULL: rows to out */
static void give_measures(const struct seed_report_table *table, json_t *json, FILE *out)
{
    struct measure measure[MEASURES];
    for (size_t i = 0; i < table->rows; i++) {
        size_t count = measures_of(&table->row[i], measure);
        if (json)
            add_measures(json, table->row[i].name, measure, count);
        else
            write_measures(table->row[i].name, measure, count, out);
    }
    const struct measure tree = {"published_result", PUBLISHED_TREE};
    if (json)
        add_measures(json, "mixed-effects tree", &tree, 1);
    else
        write_measures("mixed-effects tree", &tree, 1, out);
    for (int who = 0; who < EVALUATED; who++) {
        size_t count = honest_measures(&table->honest.all.of[who], measure);
        if (isnan(table->honest.all.of[who].mae_s))
            continue;
        if (json)
            add_measures(json, evaluated_names[who], measure, count);
        else
            write_measures(evaluated_names[who], measure, count, out);
    }
}

static int write_json(const struct seed_report_table *table, FILE *out, struct err *err)
{
    json_t *root = json_object();
    give_measures(table, root, NULL);
    char *text = root ? json_dumps(root, JSON_INDENT(2) | JSON_REAL_PRECISION(6)) : NULL;
    json_decref(root);
    if (!text)
        return err_set(err, ERR_MEMORY, "out of memory for the report");
    fprintf(out, "%s\n", text);
    free(text);
    return 0;
}

int seed_report_table_print(const struct seed_report_table *table, enum table_form form, FILE *out,
                            struct err *err)
{
    if (form == TABLE_JSON)
        return write_json(table, out, err);
    if (form == TABLE_TSV) {
        fputs("who\tmeasure\tvalue\n", out);
        give_measures(table, NULL, out);
        return 0;
    }
    print_head(table, out);
    print_ratios(table, out);
    print_spread(table, out);
    print_honest(&table->honest, out);
    return 0;
}
