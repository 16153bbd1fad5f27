/* manifest_clusters.c - the part of a manifest that says which clusters there are and which of them
 * have a net of their own. */
#include <stdio.h>
#include <string.h>

#include "bundle/json_fields.h"
#include "bundle/manifest_parts.h"

#define NET_NAME_MAX 32

static int read_none(const json_t *clusters, struct err *err)
{
    const json_t *centroids = field_array(clusters, "clusters", "centroids", err);
    const json_t *memberships =
        centroids ? field_object(clusters, "clusters", "memberships", err) : NULL;
    if (!memberships)
        return -1;
    if (json_array_size(centroids) || json_object_size(memberships))
        return err_set(err, ERR_INPUT, "clusters has centroids or memberships, but no method");
    return 0;
}

static int read_cluster(const json_t *row, size_t c, struct manifest_cluster *out, struct err *err)
{
    char where[48], net[NET_NAME_MAX], own[NET_NAME_MAX];
    int64_t users, sessions;
    snprintf(where, sizeof where, "clusters.of[%zu]", c);
    snprintf(own, sizeof own, "cluster-%zu", c);
    if (field_integer(row, where, "users", 0, INT64_MAX, &users, err) ||
        field_integer(row, where, "sessions", 0, INT64_MAX, &sessions, err) ||
        field_string(row, where, "net", net, sizeof net, err) ||
        field_string(row, where, "why", out->why, sizeof out->why, err))
        return -1;
    out->users = (uint64_t)users;
    out->sessions = (uint64_t)sessions;
    out->own = strcmp(net, own) == 0;
    if (!out->own && strcmp(net, "global") != 0)
        return err_set(err, ERR_INPUT, "%s.net is \"%s\", neither \"global\" nor \"%s\"", where,
                       net, own);
    return 0;
}

/* One of nets behind the global one. */
static int read_net(const json_t *net, const char *where, const struct manifest *m,
                    struct manifest_cluster *out, struct err *err)
{
    if (manifest_read_file_index(net, where, m, &out->file, err))
        return -1;
    out->scaler = m->scaler;
    out->own_scaler = json_object_get(net, "features");
    if (out->own_scaler && manifest_read_scaler(net, where, &out->scaler, err))
        return -1;
    if (out->scaler.panel != m->scaler.panel)
        return err_set(err, ERR_INPUT, "%s.features has other names than the global net's", where);
    const json_t *says = field_array(net, where, "remaining_s", err);
    if (!says)
        return -1;
    if (json_array_size(says) != m->cases)
        return err_set(err, ERR_INPUT, "%s.remaining_s has %zu rows; the self-test has %zu", where,
                       json_array_size(says), m->cases);
    const size_t outputs = predictor_outputs(&m->spec);
    for (size_t i = 0; i < m->cases; i++) {
        char place[80];
        float *to = out->remaining_s[i];
        snprintf(place, sizeof place, "%s.remaining_s[%zu]", where, i);
        to[0] = to[QUANTILES - 1] = NAN;
        if (array_floats(json_array_get(says, i), place, outputs,
                         to + (outputs == 1 ? QUANTILE_MEDIAN : 0), err))
            return -1;
    }
    return 0;
}

/* Each net that a cluster says it has is there, once, in the clusters' order, and no other. */
static int read_nets(const json_t *root, struct manifest *out, struct err *err)
{
    const json_t *nets = json_object_get(root, "nets");
    size_t next = 1;
    for (size_t c = 0; c < out->clusters.k; c++) {
        char where[32], name[NET_NAME_MAX], wanted[NET_NAME_MAX];
        if (!out->clusters.cluster[c].own)
            continue;
        const json_t *net = json_array_get(nets, next);
        snprintf(where, sizeof where, "nets[%zu]", next++);
        snprintf(wanted, sizeof wanted, "cluster-%zu", c);
        if (!net)
            return err_set(err, ERR_INPUT, "nets has no \"%s\", which clusters.of[%zu] names",
                           wanted, c);
        if (field_string(net, where, "name", name, sizeof name, err))
            return -1;
        if (strcmp(name, wanted) != 0)
            return err_set(err, ERR_INPUT, "%s.name is \"%s\", not \"%s\"", where, name, wanted);
        if (read_net(net, where, out, &out->clusters.cluster[c], err))
            return -1;
    }
    if (json_array_size(nets) != next)
        return err_set(err, ERR_INPUT,
                       "nets has %zu entries; the global one and the clusters' make "
                       "%zu",
                       json_array_size(nets), next);
    return 0;
}

int manifest_read_clusters(const json_t *root, struct manifest *out, struct err *err)
{
    struct manifest_clusters *to = &out->clusters;
    const json_t *clusters = field_object(root, "", "clusters", err);
    if (!clusters ||
        field_string(clusters, "clusters", "method", to->method, sizeof to->method, err))
        return -1;
    if (strcmp(to->method, "none") == 0)
        return read_none(clusters, err) ? -1 : read_nets(root, out, err);
    if (strcmp(to->method, "kmeans") != 0 && strcmp(to->method, "spectral") != 0)
        return err_set(err, ERR_INPUT,
                       "clusters.method is \"%s\"; this program knows none, kmeans and spectral",
                       to->method);
    if (manifest_read_file_index(clusters, "clusters", out, &to->file, err))
        return -1;
    const json_t *rows = field_array(clusters, "clusters", "of", err);
    if (!rows)
        return -1;
    if (json_array_size(rows) < 1 || json_array_size(rows) > CLUSTERS_MAX)
        return err_set(err, ERR_INPUT, "clusters.of has %zu rows, not 1 .. %d",
                       json_array_size(rows), CLUSTERS_MAX);
    to->k = (uint32_t)json_array_size(rows);
    for (size_t c = 0; c < to->k; c++)
        if (read_cluster(json_array_get(rows, c), c, &to->cluster[c], err))
            return -1;
    return read_nets(root, out, err);
}
