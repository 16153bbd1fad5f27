/* outro bundle diff: what changed between two bundles, for whoever is about to deploy the second.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bundle/bundle.h"
#include "bundle/feature_names.h"
#include "bundle/manifest.h"
#include "cli/cmd_bundle_network.h"
#include "cli/options.h"

struct side {
    const char *path;
    struct manifest *manifest;
    struct bundle *bundle;
};

static bool open_side(struct side *side, struct err *err)
{
    side->manifest = bundle_manifest(side->path, err);
    side->bundle = side->manifest ? bundle_load(side->path, err) : NULL;
    if (!side->bundle)
        return false;
    if (strcmp(side->bundle->version, side->manifest->version) == 0)
        return true;
    err_set(err, ERR_IO, "%s: replaced while it was read; compare again", side->path);
    return false;
}

static void close_side(struct side *side)
{
    bundle_release(side->bundle);
    free(side->manifest);
}

/* One line a fact: "name  a -> b" where they differ, "name  a" where not. */
static void put_texts(const char *name, const char *a, const char *b)
{
    if (strcmp(a, b) == 0)
        printf("%-12s same: %s\n", name, a);
    else
        printf("%-12s %s -> %s\n", name, a, b);
}

static void put_numbers(const char *name, double a, double b, const char *unit)
{
    char texts[2][40];
    snprintf(texts[0], sizeof texts[0], "%.10g%s", a, unit);
    snprintf(texts[1], sizeof texts[1], "%.10g%s", b, unit);
    put_texts(name, texts[0], texts[1]);
}

/* ---- net and inputs ---- */

static void diff_net(const struct side *a, const struct side *b)
{
    char net[2][NET_TEXT_MAX], head[2][NET_TEXT_MAX];
    net_spec_print(&a->manifest->spec, net[0], head[0]);
    net_spec_print(&b->manifest->spec, net[1], head[1]);
    put_texts("net", net[0], net[1]);
    put_texts("head", head[0], head[1]);
    put_texts("base", predictor_base_names[a->manifest->base],
              predictor_base_names[b->manifest->base]);
    const struct predictor *x = a->bundle->net, *y = b->bundle->net;
    if (strcmp(net[0], net[1]) != 0 || strcmp(head[0], head[1]) != 0 ||
        x->params_count != y->params_count)
        return;
    double change = 0, norm = 0;
    for (size_t i = 0; i < x->params_count; i++) {
        double d = (double)y->params[i] - (double)x->params[i];
        change += d * d;
        norm += (double)x->params[i] * (double)x->params[i];
    }
    printf("weights      moved by %.3g of their length\n", norm > 0 ? sqrt(change / norm) : 0);
}

/* Inputs whose mean moved most, in their own deviations. */
static void diff_inputs(const char *kind, const char *const *names, int count, const float *mean_a,
                        const float *inverse_sd_a, const float *mean_b, const float *inverse_sd_b)
{
    for (int i = 0; i < count; i++) {
        double shift = ((double)mean_b[i] - (double)mean_a[i]) * (double)inverse_sd_a[i];
        double ratio = (double)inverse_sd_a[i] / (double)inverse_sd_b[i];
        if (fabs(shift) > .1 || ratio > 1.1 || ratio < 1 / 1.1)
            printf("  %-6s %-18s mean moved by %+.2f deviations, deviation times %.2f\n", kind,
                   names[i], shift, ratio);
    }
}

/* Those that both have; and which only one has. */
static void diff_starts(const struct predictor_scaler *x, const struct predictor_scaler *y)
{
    const char *of_x[START_FEATURES_MAX], *of_y[START_FEATURES_MAX];
    size_t i = 0, j = 0, count_x = start_names(x->panel, of_x),
           count_y = start_names(y->panel, of_y);
    for (int f = 0; f < START_FEATURES_MAX; f++) {
        bool in_x = i < count_x && of_x[i] == START_NAMES[f];
        bool in_y = j < count_y && of_y[j] == START_NAMES[f];
        if (in_x && in_y)
            diff_inputs("start", &START_NAMES[f], 1, &x->start_mean[i], &x->start_inverse_sd[i],
                        &y->start_mean[j], &y->start_inverse_sd[j]);
        else if (in_x || in_y)
            printf("  start  %-18s only the %s has it\n", START_NAMES[f],
                   in_x ? "first" : "second");
        i += in_x;
        j += in_y;
    }
}

static void diff_scalers(const struct side *a, const struct side *b)
{
    const struct predictor_scaler *x = &a->manifest->scaler, *y = &b->manifest->scaler;
    printf("inputs       %d step, %zu start, %d live; those that are standardised otherwise by a "
           "tenth or more:\n",
           STEP_INPUTS, predictor_start_features(&a->manifest->spec), LIVE_FEATURES);
    diff_inputs("step", STEP_NAMES, STEP_INPUTS, x->step_mean, x->step_inverse_sd, y->step_mean,
                y->step_inverse_sd);
    diff_starts(x, y);
    diff_inputs("live", LIVE_NAMES, LIVE_FEATURES, x->live_mean, x->live_inverse_sd, y->live_mean,
                y->live_inverse_sd);
}

/* What both say about the rows of the first one's self-test. */
static int diff_answers(const struct side *a, const struct side *b, struct err *err)
{
    float says[2][SELFTEST_CASES_MAX][QUANTILES];
    const struct manifest *m = a->manifest;
    if (m->scaler.panel != b->manifest->scaler.panel) {
        puts("medians      not compared: the nets do not have the same inputs");
        return 0;
    }
    if (selftest_answer(a->bundle->net, m->selftest, m->cases, says[0], err) ||
        selftest_answer(b->bundle->net, m->selftest, m->cases, says[1], err))
        return -1;
    printf("medians      of the first one's self-test rows, seconds:");
    for (size_t i = 0; i < m->cases; i++)
        printf(" %.0f -> %.0f%s", (double)says[0][i][QUANTILE_MEDIAN],
               (double)says[1][i][QUANTILE_MEDIAN], i + 1 < m->cases ? "," : "\n");
    return 0;
}

/* ---- recipe and scores ---- */

static bool has_line(const char *text, const char *line, size_t size)
{
    for (const char *end; *text; text = *end ? end + 1 : end) {
        end = strchrnul(text, '\n');
        if ((size_t)(end - text) == size && memcmp(text, line, size) == 0)
            return true;
    }
    return false;
}

static void put_lines_not_in(const char *sign, const char *text, const char *other)
{
    for (const char *at = text; *at;) {
        const char *end = strchrnul(at, '\n');
        size_t size = (size_t)(end - at);
        if (size > 0 && !has_line(other, at, size))
            printf("  %s %.*s\n", sign, (int)size, at);
        at = *end ? end + 1 : end;
    }
}

static void diff_recipes(const char *a, const char *b)
{
    if (strcmp(a, b) == 0) {
        puts("recipe       same");
        return;
    }
    puts("recipe");
    put_lines_not_in("-", a, b);
    put_lines_not_in("+", b, a);
}

static const struct manifest_score *find_score(const struct manifest *m, const char *name)
{
    for (size_t i = 0; i < m->scores; i++)
        if (strcmp(m->score[i].name, name) == 0)
            return &m->score[i];
    return NULL;
}

static void diff_scores(const struct manifest *a, const struct manifest *b)
{
    puts("scores");
    for (size_t i = 0; i < a->scores; i++) {
        const struct manifest_score *x = &a->score[i], *y = find_score(b, x->name);
        if (y)
            printf("  %-32s %.6g -> %.6g (%+.6g)\n", x->name, x->value, y->value,
                   y->value - x->value);
        else
            printf("  %-32s %.6g -> not measured\n", x->name, x->value);
    }
    for (size_t i = 0; i < b->scores; i++)
        if (!find_score(a, b->score[i].name))
            printf("  %-32s not measured -> %.6g\n", b->score[i].name, b->score[i].value);
}

/* ---- clusters ---- */

static void put_clusters(const char *sign, const struct bundle_clusters *clusters)
{
    if (!clusters) {
        printf("  %s none: everybody has the global net\n", sign);
        return;
    }
    printf("  %s %s, %u clusters, %zu people listed\n", sign,
           cluster_method_name(clusters->of.method), clusters->of.k, clusters->of.members);
    for (uint32_t c = 0; c < clusters->of.k; c++)
        printf("  %s   %u: %llu people, %s net; %s\n", sign, c,
               (unsigned long long)clusters->cluster[c].users,
               clusters->cluster[c].net ? "its own" : "the global", clusters->cluster[c].why);
}

/* Numbers of clusters mean nothing from one clustering to the next: a cluster of the second stands
 * for the one of the first that most of its people were in. */
static int diff_members(const struct clustering *a, const struct clustering *b, struct err *err)
{
    size_t *both = calloc((size_t)a->k * b->k, sizeof *both), common = 0, stayed = 0;
    if (!both)
        return err_set(err, ERR_MEMORY, "out of memory for %u x %u clusters", a->k, b->k);
    for (size_t i = 0; i < b->members; i++) {
        const char *id = b->member[i].user_id;
        int label = clustering_member(a, (struct slice){id, strlen(id)});
        if (label < 0)
            continue;
        common++;
        both[(size_t)label * b->k + b->member[i].label]++;
    }
    for (uint32_t y = 0; y < b->k; y++) {
        size_t most = 0;
        for (uint32_t x = 0; x < a->k; x++)
            if (both[(size_t)x * b->k + y] > most)
                most = both[(size_t)x * b->k + y];
        stayed += most;
    }
    printf(
        "  people listed in both %zu, of them moved to other company %zu; only in the first %zu, "
        "only in the second %zu\n",
        common, common - stayed, a->members - common, b->members - common);
    free(both);
    return 0;
}

static int diff_clusters(const struct side *a, const struct side *b, struct err *err)
{
    const struct bundle_clusters *x = a->bundle->clusters, *y = b->bundle->clusters;
    if (!x && !y) {
        puts("clusters     none in both");
        return 0;
    }
    puts("clusters");
    put_clusters("-", x);
    put_clusters("+", y);
    return x && y ? diff_members(&x->of, &y->of, err) : 0;
}

static int diff(const struct side *a, const struct side *b, struct err *err)
{
    const struct manifest *x = a->manifest, *y = b->manifest;
    put_texts("version", x->version, y->version);
    put_texts("created", x->created, y->created);
    diff_net(a, b);
    diff_scalers(a, b);
    put_numbers("session gap", (double)x->gap_ms / 1000, (double)y->gap_ms / 1000, " s");
    put_numbers("window", x->window, y->window, " sessions");
    put_numbers("pool median", (double)x->pool_ms[POOL_VALUES / 2] / 1000,
                (double)y->pool_ms[POOL_VALUES / 2] / 1000, " s");
    if (diff_answers(a, b, err) || diff_clusters(a, b, err))
        return -1;
    diff_recipes(x->recipe, y->recipe);
    diff_scores(x, y);
    return 0;
}

int cmd_bundle_diff(int argc, char **argv)
{
    const struct option_row rows[] = {OPTION_ROW_END};
    const struct options options = {
        .command = "bundle diff",
        .operands = "A B",
        .summary = "Loads both bundles and says what changed from A to B: net, standardisation, "
                   "what they answer,\nclusters and who moved, recipe, scores.",
        .min_operands = 2,
        .max_operands = 2,
        .rows = rows,
    };
    struct err err = {0};
    int count = options_parse(&options, argc, argv);
    if (count < 0)
        return options_status(count);
    struct side a = {.path = argv[1]}, b = {.path = argv[2]};
    int result = open_side(&a, &err) && open_side(&b, &err) ? diff(&a, &b, &err) : -1;
    close_side(&a);
    close_side(&b);
    return result ? options_fail("bundle diff", &err) : 0;
}
