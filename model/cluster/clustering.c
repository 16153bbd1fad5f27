#include "cluster/clustering.h"

#include <assert.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "cluster/kd_tree.h"

const char *cluster_method_name(enum cluster_method method)
{
    return method == CLUSTER_KMEANS ? "kmeans" : "spectral";
}

int clustering_init(struct clustering *out, struct err *err)
{
    struct clustering c = {.method = out->method,
                           .k = out->k,
                           .columns = out->columns,
                           .members = out->members,
                           .silhouette = (double)NAN};
    assert(c.k >= 1 && c.k <= CLUSTERS_MAX && c.columns >= 1 && c.columns <= USER_COLUMNS);
    memcpy(c.column, out->column, sizeof c.column);
    for (uint32_t i = 0; i < c.columns; i++)
        c.scale[i] = 1;
    c.centroids = calloc((size_t)c.k * c.columns, sizeof *c.centroids);
    c.member = calloc(c.members + 1, sizeof *c.member);
    if (c.method == CLUSTER_SPECTRAL)
        c.points = calloc(c.members + 1, c.columns * sizeof *c.points);
    if (!c.centroids || !c.member || (c.method == CLUSTER_SPECTRAL && !c.points)) {
        clustering_release(&c);
        return err_set(err, ERR_MEMORY, "out of memory for clusters of %zu users", out->members);
    }
    *out = c;
    return 0;
}

void clustering_release(struct clustering *clustering)
{
    if (clustering->index)
        for (uint32_t label = 0; label < clustering->k; label++)
            kd_tree_free(clustering->index[label]);
    free(clustering->index);
    free(clustering->centroids);
    free(clustering->member);
    free(clustering->points);
    *clustering = (struct clustering){0};
}

/* ---- finishing ---- */

struct placed {
    struct cluster_member member;
    size_t from; /* its row of points */
};

static int by_user_id(const void *a, const void *b)
{
    return strcmp(((const struct placed *)a)->member.user_id,
                  ((const struct placed *)b)->member.user_id);
}

static bool in_order(const struct clustering *c)
{
    for (size_t i = 1; i < c->members; i++)
        if (strcmp(c->member[i - 1].user_id, c->member[i].user_id) > 0)
            return false;
    return true;
}

static int sort_members(struct clustering *c, struct err *err)
{
    size_t row_bytes = c->columns * sizeof *c->points;
    if (in_order(c))
        return 0;
    struct placed *placed = calloc(c->members, sizeof *placed);
    double *points = c->points ? calloc(c->members, row_bytes) : NULL;
    if (!placed || (c->points && !points)) {
        free(placed);
        free(points);
        return err_set(err, ERR_MEMORY, "out of memory for clusters of %zu users", c->members);
    }
    for (size_t i = 0; i < c->members; i++)
        placed[i] = (struct placed){c->member[i], i};
    qsort(placed, c->members, sizeof *placed, by_user_id);
    for (size_t i = 0; i < c->members; i++) {
        c->member[i] = placed[i].member;
        if (points)
            memcpy(points + i * c->columns, c->points + placed[i].from * c->columns, row_bytes);
    }
    if (points) {
        free(c->points);
        c->points = points;
    }
    free(placed);
    return 0;
}

static bool all_finite(const double *values, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!isfinite(values[i]))
            return false;
    return true;
}

static int check(const struct clustering *c, struct err *err)
{
    for (uint32_t i = 0; i < c->columns; i++)
        if (!isfinite(c->mean[i]) || !isfinite(c->scale[i]) || c->scale[i] <= 0)
            return err_set(err, ERR_INPUT, "column %s: a mean or scale that cannot be",
                           user_column_name(c->column[i]));
    if (!all_finite(c->centroids, (size_t)c->k * c->columns))
        return err_set(err, ERR_INPUT, "a centroid is not finite");
    for (size_t i = 0; i < c->members; i++) {
        const struct cluster_member *member = &c->member[i];
        if (member->user_id[0] == '\0')
            return err_set(err, ERR_INPUT, "a user without an id");
        if (i > 0 && strcmp(c->member[i - 1].user_id, member->user_id) == 0)
            return err_set(err, ERR_INPUT, "user %s stands twice", member->user_id);
        if (member->label >= c->k)
            return err_set(err, ERR_INPUT, "user %s: cluster %u of %u", member->user_id,
                           member->label, c->k);
        if (c->points && !all_finite(c->points + i * c->columns, c->columns))
            return err_set(err, ERR_INPUT, "user %s: a value is not finite", member->user_id);
    }
    return 0;
}

/* A tree a cluster: the distance to every cluster is asked for, not only to the nearest. */
static int build_index(struct clustering *c, struct err *err)
{
    double *points = malloc((c->members + 1) * c->columns * sizeof *points);
    c->index = calloc(c->k, sizeof *c->index);
    if (!points || !c->index) {
        free(points);
        return err_set(err, ERR_MEMORY, "out of memory for clusters of %zu users", c->members);
    }
    int result = 0;
    for (uint32_t label = 0; result == 0 && label < c->k; label++) {
        size_t count = 0;
        for (size_t i = 0; i < c->members; i++)
            if (c->member[i].label == label)
                memcpy(points + count++ * c->columns, c->points + i * c->columns,
                       c->columns * sizeof *points);
        if (count == 0)
            result = err_set(err, ERR_INPUT, "cluster %u has no members to be near to", label);
        else if (!(c->index[label] = kd_tree_new(points, count, c->columns, err)))
            result = -1;
    }
    free(points);
    return result;
}

int clustering_finish(struct clustering *clustering, struct err *err)
{
    if (sort_members(clustering, err) || check(clustering, err))
        return -1;
    return clustering->method == CLUSTER_SPECTRAL ? build_index(clustering, err) : 0;
}

int clustering_copy(const struct clustering *from, struct clustering *out, struct err *err)
{
    struct clustering copy = *from;
    size_t k = from->k, columns = from->columns;
    if (clustering_init(&copy, err))
        return -1;
    assert(copy.centroids && copy.member);
    memcpy(copy.mean, from->mean, sizeof copy.mean);
    memcpy(copy.scale, from->scale, sizeof copy.scale);
    memcpy(copy.centroids, from->centroids, k * columns * sizeof *copy.centroids);
    memcpy(copy.member, from->member, from->members * sizeof *copy.member);
    if (copy.points)
        memcpy(copy.points, from->points, from->members * columns * sizeof *copy.points);
    copy.seed = from->seed;
    copy.inertia = from->inertia;
    copy.silhouette = from->silhouette;
    if (clustering_finish(&copy, err)) {
        clustering_release(&copy);
        return -1;
    }
    *out = copy;
    return 0;
}

/* ---- asking ---- */

static int compare(const char *member, struct slice user_id)
{
    size_t size = strlen(member);
    int order = memcmp(member, user_id.data, size < user_id.size ? size : user_id.size);
    return order ? order : (size > user_id.size) - (size < user_id.size);
}

const struct cluster_member *clustering_find(const struct clustering *clustering,
                                             struct slice user_id)
{
    size_t low = 0, high = clustering->members;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct cluster_member *member = &clustering->member[middle];
        int order = compare(member->user_id, user_id);
        if (order == 0)
            return member;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

int clustering_member(const struct clustering *clustering, struct slice user_id)
{
    const struct cluster_member *member = clustering_find(clustering, user_id);
    return member ? (int)member->label : -1;
}

void clustering_distances(const struct clustering *clustering, const double raw[USER_COLUMNS],
                          double *out)
{
    const struct clustering *c = clustering;
    double x[USER_COLUMNS];
    for (uint32_t i = 0; i < c->columns; i++)
        x[i] = (raw[c->column[i]] - c->mean[i]) / c->scale[i];
    for (uint32_t label = 0; label < c->k; label++) {
        struct kd_neighbour nearest = {0};
        if (c->index) {
            kd_tree_nearest(c->index[label], x, 1, &nearest);
        } else {
            const double *centroid = c->centroids + (size_t)label * c->columns;
            for (uint32_t i = 0; i < c->columns; i++)
                nearest.distance2 += (x[i] - centroid[i]) * (x[i] - centroid[i]);
        }
        out[label] = nearest.distance2;
    }
}

uint32_t clustering_assign(const struct clustering *clustering, const double raw[USER_COLUMNS])
{
    double distance2[CLUSTERS_MAX];
    uint32_t nearest = 0;
    clustering_distances(clustering, raw, distance2);
    for (uint32_t label = 1; label < clustering->k; label++)
        if (distance2[label] < distance2[nearest])
            nearest = label;
    return nearest;
}

void clustering_sizes(const struct clustering *clustering, size_t *out)
{
    memset(out, 0, clustering->k * sizeof *out);
    for (size_t i = 0; i < clustering->members; i++)
        out[clustering->member[i].label]++;
}
