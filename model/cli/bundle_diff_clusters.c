/* The clusters of two bundles beside each other. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/bundle_diff_parts.h"
#include "cli/scaler_changes.h"
#include "nn/scaler.h"

#define LINE_MAX_BYTES (BUNDLE_WHY_MAX + 80)

/* ---- the clusters as lines ---- */

static void describe(const struct bundle_clusters *clusters, char line[LINE_MAX_BYTES])
{
    snprintf(line, LINE_MAX_BYTES, "%s, %u clusters, %zu people listed",
             cluster_method_name(clusters->of.method), clusters->of.k, clusters->of.members);
}

static void describe_cluster(const struct bundle_clusters *clusters, uint32_t c,
                             char line[LINE_MAX_BYTES])
{
    const struct bundle_cluster *cluster = &clusters->cluster[c];
    snprintf(line, LINE_MAX_BYTES, "  %u: %llu people, %s net; %s", c,
             (unsigned long long)cluster->users, cluster->net ? "its own" : "the global",
             cluster->why);
}

/* Of one side the lines that the other does not have in the same place. */
static void put_clusters(const char *sign, const struct bundle_clusters *clusters,
                         const struct bundle_clusters *other)
{
    char line[LINE_MAX_BYTES], others[LINE_MAX_BYTES] = "";
    if (!clusters) {
        printf("  %s none: everybody has the global net\n", sign);
        return;
    }
    describe(clusters, line);
    if (other)
        describe(other, others);
    if (strcmp(line, others) != 0)
        printf("  %s %s\n", sign, line);
    for (uint32_t c = 0; c < clusters->of.k; c++) {
        describe_cluster(clusters, c, line);
        others[0] = 0;
        if (other && c < other->of.k)
            describe_cluster(other, c, others);
        if (strcmp(line, others) != 0)
            printf("  %s %s\n", sign, line);
    }
}

/* ---- nets ---- */

/* Whether users of the one would not notice the other. */
static bool same_net(const struct predictor *x, const struct predictor *y)
{
    return diff_nets_alike(x, y) && x->base == y->base && scaler_same(&x->scaler, &y->scaler) &&
           memcmp(x->params, y->params, x->params_count * sizeof *x->params) == 0;
}

/* Whom a cluster is served by; those of a bundle without are one, label 0. */
static const struct predictor *net_of(const struct bundle *bundle, uint32_t label)
{
    const struct predictor *own = bundle->clusters ? bundle->clusters->cluster[label].net : NULL;
    return own ? own : bundle->net;
}

static bool same_cluster(const struct bundle_cluster *x, const struct bundle_cluster *y)
{
    return x->users == y->users && x->sessions == y->sessions && strcmp(x->why, y->why) == 0 &&
           !x->net == !y->net && (!x->net || same_net(x->net, y->net));
}

/* The groups themselves: the files are the same, or not. */
static bool same_groups(const struct manifest *a, const struct manifest *b)
{
    return a->clusters.k == b->clusters.k &&
           strcmp(a->file[a->clusters.file].sha256, b->file[b->clusters.file].sha256) == 0;
}

/* Of two that have clusters. */
static bool same_clusters(const struct diff_side *a, const struct diff_side *b)
{
    const struct bundle_clusters *x = a->bundle->clusters, *y = b->bundle->clusters;
    if (!same_groups(a->manifest, b->manifest))
        return false;
    for (uint32_t c = 0; c < x->of.k; c++)
        if (!same_cluster(&x->cluster[c], &y->cluster[c]))
            return false;
    return true;
}

/* ---- people ---- */

/* How many people that both list are in x of the first and y of the second. */
struct crossing {
    uint32_t k[2];
    size_t *people; /* (k[0], k[1]) owned */
    size_t common, listed[2];
};

static uint32_t k_of(const struct bundle_clusters *clusters)
{
    return clusters ? clusters->of.k : 1;
}

static int label_of(const struct bundle_clusters *clusters, const char *user)
{
    return clusters ? clustering_member(&clusters->of, (struct slice){user, strlen(user)}) : 0;
}

/* Of a bundle without clusters everybody whom the other lists counts as listed. */
static int cross(const struct bundle_clusters *x, const struct bundle_clusters *y,
                 struct crossing *out, struct err *err)
{
    const struct clustering *people = y ? &y->of : &x->of;
    *out = (struct crossing){.k = {k_of(x), k_of(y)},
                             .listed = {(x ? &x->of : people)->members, people->members}};
    out->people = calloc((size_t)out->k[0] * out->k[1], sizeof *out->people);
    if (!out->people)
        return err_set(err, ERR_MEMORY, "out of memory for %u x %u clusters", out->k[0], out->k[1]);
    for (size_t i = 0; i < people->members; i++) {
        int from = label_of(x, people->member[i].user_id);
        int to = label_of(y, people->member[i].user_id);
        if (from < 0 || to < 0)
            continue;
        out->common++;
        out->people[(size_t)from * out->k[1] + (size_t)to]++;
    }
    return 0;
}

/* The cluster of the first that most of y's people were in. @param people out, how many of them */
static uint32_t most_of(const struct crossing *crossing, uint32_t y, size_t *people)
{
    uint32_t best = 0;
    *people = 0;
    for (uint32_t x = 0; x < crossing->k[0]; x++) {
        size_t count = crossing->people[(size_t)x * crossing->k[1] + y];
        if (count > *people) {
            *people = count;
            best = x;
        }
    }
    return best;
}

/* Numbers of clusters mean nothing from one clustering to the next: a cluster of the second stands
 * for the one of the first that most of its people were in. */
static void put_moves(const struct crossing *crossing)
{
    size_t stayed = 0, most;
    for (uint32_t y = 0; y < crossing->k[1]; y++) {
        most_of(crossing, y, &most);
        stayed += most;
    }
    printf(
        "  people listed in both %zu, of them moved to other company %zu; only in the first %zu, "
        "only in the second %zu\n",
        crossing->common, crossing->common - stayed, crossing->listed[0] - crossing->common,
        crossing->listed[1] - crossing->common);
}

static void put_served(const struct diff_side *a, const struct diff_side *b,
                       const struct crossing *crossing)
{
    static const char *const texts[2][2] = {
        {"the global one, changed", "a cluster's instead of the global one"},
        {"the global one instead of a cluster's", "another one of a cluster"}};
    size_t served[2][2] = {{0}}; /* by whether the net is a cluster's own, before and after */
    for (uint32_t x = 0; x < crossing->k[0]; x++) {
        for (uint32_t y = 0; y < crossing->k[1]; y++) {
            const struct predictor *from = net_of(a->bundle, x), *to = net_of(b->bundle, y);
            if (!same_net(from, to))
                served[from != a->bundle->net][to != b->bundle->net] +=
                    crossing->people[(size_t)x * crossing->k[1] + y];
        }
    }
    size_t all = served[0][0] + served[0][1] + served[1][0] + served[1][1];
    const char *comma = ": ";
    printf("  another net serves %zu of %zu listed people", all, crossing->common);
    for (int i = 0; i < 4; i++) {
        if (served[i / 2][i % 2] == 0)
            continue;
        printf("%s%zu get %s", comma, served[i / 2][i % 2], texts[i / 2][i % 2]);
        comma = ", ";
    }
    puts("");
}

/* ---- a cluster and the one it stands for ---- */

static bool find_column(const struct clustering *of, enum user_column column, uint32_t *out)
{
    for (uint32_t i = 0; i < of->columns; i++) {
        if (of->column[i] == column) {
            *out = i;
            return true;
        }
    }
    return false;
}

/* In the first one's scaled columns. @return NAN where the columns are not the same */
static double centroid_distance(const struct clustering *a, uint32_t x, const struct clustering *b,
                                uint32_t y)
{
    double sum = 0;
    uint32_t j;
    if (a->columns != b->columns)
        return (double)NAN;
    for (uint32_t i = 0; i < a->columns; i++) {
        if (!find_column(b, a->column[i], &j))
            return (double)NAN;
        double raw = b->centroids[(size_t)y * b->columns + j] * b->scale[j] + b->mean[j];
        double d = (raw - a->mean[i]) / a->scale[i] - a->centroids[(size_t)x * a->columns + i];
        sum += d * d;
    }
    return sqrt(sum);
}

/* The nearest of the first, where people do not say which. @return false: other columns */
static bool nearest_of(const struct clustering *a, const struct clustering *b, uint32_t y,
                       uint32_t *out)
{
    double best = (double)INFINITY;
    for (uint32_t x = 0; x < a->k; x++) {
        double distance = centroid_distance(a, x, b, y);
        if (distance < best) {
            best = distance;
            *out = x;
        }
    }
    return isfinite(best);
}

static const char *owner(const struct predictor *own)
{
    return own ? "its own" : "the global one";
}

/* A text for each side, one where they are the same. */
static void put_pair(const char *name, const char *a, const char *b)
{
    if (strcmp(a, b) == 0)
        printf("    %-10s %s in both", name, a);
    else
        printf("    %-10s %s -> %s", name, a, b);
}

static void put_net(const struct predictor *own_x, const struct predictor *own_y,
                    const struct predictor *x, const struct predictor *y)
{
    put_pair("net", owner(own_x), owner(own_y));
    if (!own_x && !own_y)
        puts("");
    else if (diff_nets_alike(x, y))
        printf("; weights moved by %.3g of their length\n", diff_weights(x, y));
    else
        puts("; weights not compared: the nets are not made alike");
}

static void describe_scaler(const struct bundle *bundle, const struct predictor *own, char *out,
                            size_t size)
{
    if (!own || scaler_same(&own->scaler, &bundle->net->scaler))
        snprintf(out, size, "as the global net's");
    else
        scaler_changes_sum_up(&bundle->net->scaler, &own->scaler, out, size);
}

static void put_inputs(const struct diff_side *a, const struct diff_side *b,
                       const struct predictor *own_x, const struct predictor *own_y)
{
    const struct predictor_scaler *x = &(own_x ? own_x : a->bundle->net)->scaler;
    const struct predictor_scaler *y = &(own_y ? own_y : b->bundle->net)->scaler;
    char texts[2][256];
    describe_scaler(a->bundle, own_x, texts[0], sizeof texts[0]);
    describe_scaler(b->bundle, own_y, texts[1], sizeof texts[1]);
    put_pair("inputs", texts[0], texts[1]);
    if (scaler_same(x, &a->bundle->net->scaler) && scaler_same(y, &b->bundle->net->scaler)) {
        puts(", which changed");
        return;
    }
    printf("; from the first to the second, standardised otherwise by a tenth or more:");
    diff_put_scalers(x, y, 6);
}

static int put_medians(const struct diff_side *a, const struct predictor *x,
                       const struct predictor *y, struct err *err)
{
    if (x->scaler.panel != y->scaler.panel) {
        puts("    medians    not compared: the nets do not have the same inputs");
        return 0;
    }
    printf("    medians    of its net on the first one's self-test rows, seconds:");
    return diff_put_medians(a->manifest, x, y, err);
}

static int put_match(const struct diff_side *a, uint32_t x, const struct diff_side *b, uint32_t y,
                     struct err *err)
{
    const struct bundle_clusters *from = a->bundle->clusters, *to = b->bundle->clusters;
    const struct predictor *own_x = from->cluster[x].net, *own_y = to->cluster[y].net;
    const struct predictor *net_x = net_of(a->bundle, x), *net_y = net_of(b->bundle, y);
    double distance = centroid_distance(&from->of, x, &to->of, y);
    put_net(own_x, own_y, net_x, net_y);
    if (own_x || own_y) {
        if (!scaler_same(&net_x->scaler, &net_y->scaler) ||
            !scaler_same(&net_x->scaler, &a->bundle->net->scaler) ||
            !scaler_same(&net_y->scaler, &b->bundle->net->scaler))
            put_inputs(a, b, own_x, own_y);
        if (put_medians(a, net_x, net_y, err))
            return -1;
    }
    if (isnan(distance))
        puts("    centroid   not compared: other columns");
    else
        printf("    centroid   moved by %.3g in the scaled columns\n", distance);
    return 0;
}

static int put_matches(const struct diff_side *a, const struct diff_side *b,
                       const struct crossing *crossing, struct err *err)
{
    const struct bundle_clusters *x = a->bundle->clusters, *y = b->bundle->clusters;
    for (uint32_t to = 0; to < y->of.k; to++) {
        size_t people;
        uint32_t from = most_of(crossing, to, &people);
        if (people > 0) {
            printf("  cluster %u -> %u, by %zu of the people listed in both\n", from, to, people);
        } else if (nearest_of(&x->of, &y->of, to, &from)) {
            printf("  cluster %u -> %u, by the nearest centroid: nobody is listed in both\n", from,
                   to);
        } else {
            printf("  cluster %u of the second: like none of the first, by people or columns\n",
                   to);
            continue;
        }
        if (put_match(a, from, b, to, err))
            return -1;
    }
    return 0;
}

int diff_clusters(const struct diff_side *a, const struct diff_side *b, struct err *err)
{
    const struct bundle_clusters *x = a->bundle->clusters, *y = b->bundle->clusters;
    struct crossing crossing;
    int result = 0;
    if (!x && !y) {
        puts("clusters     none in both");
        return 0;
    }
    if (cross(x, y, &crossing, err))
        return -1;
    if (x && y && same_clusters(a, b)) {
        char line[LINE_MAX_BYTES];
        describe(x, line);
        printf("clusters     same: %s\n", line);
    } else {
        puts("clusters");
        put_clusters("-", x, y);
        put_clusters("+", y, x);
        if (x && y) {
            put_moves(&crossing);
            result = put_matches(a, b, &crossing, err);
        }
    }
    if (result == 0)
        put_served(a, b, &crossing);
    free(crossing.people);
    return result;
}
