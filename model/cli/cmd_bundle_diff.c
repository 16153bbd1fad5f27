/* outro bundle diff: what changed between two bundles, for whoever is about to deploy the second.
 * Their clusters: bundle_diff_clusters.c. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bundle/bundle.h"
#include "bundle/manifest.h"
#include "cli/bundle_diff_parts.h"
#include "cli/cmd_bundle_network.h"
#include "cli/options.h"
#include "cli/scaler_changes.h"

static bool open_side(struct diff_side *side, struct err *err)
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

static void close_side(struct diff_side *side)
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

bool diff_nets_alike(const struct predictor *x, const struct predictor *y)
{
    char net[2][NET_TEXT_MAX], head[2][NET_TEXT_MAX];
    net_spec_print(&x->spec, net[0], head[0]);
    net_spec_print(&y->spec, net[1], head[1]);
    return strcmp(net[0], net[1]) == 0 && strcmp(head[0], head[1]) == 0 &&
           x->params_count == y->params_count;
}

double diff_weights(const struct predictor *x, const struct predictor *y)
{
    double change = 0, norm = 0;
    for (size_t i = 0; i < x->params_count; i++) {
        double d = (double)y->params[i] - (double)x->params[i];
        change += d * d;
        norm += (double)x->params[i] * (double)x->params[i];
    }
    return norm > 0 ? sqrt(change / norm) : 0;
}

static void diff_net(const struct diff_side *a, const struct diff_side *b)
{
    char net[2][NET_TEXT_MAX], head[2][NET_TEXT_MAX];
    net_spec_print(&a->manifest->spec, net[0], head[0]);
    net_spec_print(&b->manifest->spec, net[1], head[1]);
    put_texts("net", net[0], net[1]);
    put_texts("head", head[0], head[1]);
    put_texts("base", predictor_base_names[a->manifest->base],
              predictor_base_names[b->manifest->base]);
    if (diff_nets_alike(a->bundle->net, b->bundle->net))
        printf("weights      of the global net moved by %.3g of their length\n",
               diff_weights(a->bundle->net, b->bundle->net));
}

void diff_put_scalers(const struct predictor_scaler *x, const struct predictor_scaler *y,
                      int indent)
{
    struct scaler_change change[SCALER_INPUTS_MAX];
    size_t count = scaler_changes(x, y, change);
    puts(count > 0 ? "" : " none");
    for (size_t i = 0; i < count; i++) {
        printf("%*s%-6s %-18s ", indent, "", change[i].kind, change[i].name);
        if (change[i].only)
            printf("only the %s has it\n", change[i].only == 1 ? "first" : "second");
        else
            printf("mean moved by %+.2f deviations, deviation times %.2f\n", change[i].shift,
                   change[i].ratio);
    }
}

static void diff_scalers(const struct diff_side *a, const struct diff_side *b)
{
    printf("inputs       %d step, %zu start, %d live; those that are standardised otherwise for "
           "the global net by a tenth or more:",
           STEP_INPUTS, predictor_start_features(&a->manifest->spec), LIVE_FEATURES);
    diff_put_scalers(&a->manifest->scaler, &b->manifest->scaler, 2);
}

int diff_put_medians(const struct manifest *of, const struct predictor *x,
                     const struct predictor *y, struct err *err)
{
    float says[2][SELFTEST_CASES_MAX][QUANTILES];
    if (selftest_answer(x, of->selftest, of->cases, says[0], err) ||
        selftest_answer(y, of->selftest, of->cases, says[1], err))
        return -1;
    for (size_t i = 0; i < of->cases; i++)
        printf(" %.0f -> %.0f%s", (double)says[0][i][QUANTILE_MEDIAN],
               (double)says[1][i][QUANTILE_MEDIAN], i + 1 < of->cases ? "," : "\n");
    return 0;
}

/* What both say about the rows of the first one's self-test. */
static int diff_answers(const struct diff_side *a, const struct diff_side *b, struct err *err)
{
    if (a->manifest->scaler.panel != b->manifest->scaler.panel) {
        puts("medians      not compared: the nets do not have the same inputs");
        return 0;
    }
    printf("medians      of the global net on the first one's self-test rows, seconds:");
    return diff_put_medians(a->manifest, a->bundle->net, b->bundle->net, err);
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
    puts("scores       of the global net");
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

static int diff(const struct diff_side *a, const struct diff_side *b, struct err *err)
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
    struct diff_side a = {.path = argv[1]}, b = {.path = argv[2]};
    int result = open_side(&a, &err) && open_side(&b, &err) ? diff(&a, &b, &err) : -1;
    close_side(&a);
    close_side(&b);
    return result ? options_fail("bundle diff", &err) : 0;
}
