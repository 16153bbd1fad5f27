/* bundle_clusters.c - the clusters of a bundle: which there are, and the nets of those that have
 * one of their own. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bundle/bundle_parts.h"
#include "bundle/cluster_file.h"
#include "bundle/tensors.h"
#include "core/hash.h"
#include "nn/scaler.h"

/* ---- loading ---- */

static int load_net(int dir, const struct manifest *m, const struct manifest_cluster *from,
                    const struct predictor *global, struct bundle_cluster *to, struct err *err)
{
    const struct manifest_file *file = &m->file[from->file];
    void *bytes;
    size_t size;
    if (bundle_read_file(dir, file, &bytes, &size, err))
        return -1;
    to->net = tensors_decode(bytes, size, &m->spec, err);
    free(bytes);
    if (!to->net)
        return err_prefix(err, "%s", file->name);
    to->net->base = global->base;
    to->net->scaler = from->scaler;
    if (selftest_run(to->net, m->selftest, from->remaining_s, m->cases, err))
        return err_prefix(err, "%s", file->name);
    return 0;
}

static int load_clustering(int dir, const struct manifest *m, struct clustering *of,
                           struct err *err)
{
    const struct manifest_file *file = &m->file[m->clusters.file];
    void *bytes;
    size_t size;
    if (bundle_read_file(dir, file, &bytes, &size, err))
        return -1;
    int result = cluster_file_parse(bytes, size, of, err);
    free(bytes);
    if (result)
        return err_prefix(err, "%s", file->name);
    if (of->k == m->clusters.k)
        return 0;
    err_set(err, ERR_SHAPE, "%s: %u clusters, the manifest tells of %u", file->name, of->k,
            m->clusters.k);
    clustering_release(of);
    return -1;
}

/* What users' records know this bundle's clusters by. */
static uint32_t id_of(const char *version)
{
    uint32_t id = (uint32_t)hash_bytes(version, strlen(version), 0);
    return id ? id : 1;
}

struct bundle_clusters *bundle_clusters_load(int dir, const struct manifest *m,
                                             const struct predictor *global, struct err *err)
{
    struct bundle_clusters *clusters = calloc(1, sizeof *clusters);
    if (!clusters) {
        err_set(err, ERR_MEMORY, "out of memory for clusters");
        return NULL;
    }
    clusters->id = id_of(m->version);
    if (load_clustering(dir, m, &clusters->of, err)) {
        free(clusters);
        return NULL;
    }
    clusters->cluster = calloc(m->clusters.k, sizeof *clusters->cluster);
    if (!clusters->cluster) {
        err_set(err, ERR_MEMORY, "out of memory for %u clusters", m->clusters.k);
        goto fail;
    }
    for (uint32_t c = 0; c < m->clusters.k; c++) {
        const struct manifest_cluster *from = &m->clusters.cluster[c];
        struct bundle_cluster *to = &clusters->cluster[c];
        to->users = from->users;
        to->sessions = from->sessions;
        memcpy(to->why, from->why, sizeof to->why);
        if (from->own && load_net(dir, m, from, global, to, err))
            goto fail;
    }
    return clusters;
fail:
    bundle_clusters_free(clusters);
    return NULL;
}

void bundle_clusters_release(struct bundle_clusters *clusters)
{
    for (uint32_t c = 0; clusters->cluster && c < clusters->of.k; c++)
        predictor_free(clusters->cluster[c].net);
    free(clusters->cluster);
    clustering_release(&clusters->of);
    *clusters = (struct bundle_clusters){0};
}

void bundle_clusters_free(struct bundle_clusters *clusters)
{
    if (clusters)
        bundle_clusters_release(clusters);
    free(clusters);
}

/* ---- saving ---- */

static int save_net(int dir, uint32_t c, const struct bundle_cluster *from,
                    const struct predictor *global, struct manifest *m, struct err *err)
{
    struct manifest_cluster *to = &m->clusters.cluster[c];
    char name[MANIFEST_NAME_MAX + 1];
    unsigned char *bytes;
    size_t size;
    if (from->net->params_count != global->params_count || from->net->base != global->base)
        return err_set(err, ERR_SHAPE, "the net of cluster %u is not made as the global one", c);
    to->own = true;
    to->scaler = from->net->scaler;
    to->own_scaler = !scaler_same(&to->scaler, &global->scaler);
    if (selftest_answer(from->net, m->selftest, m->cases, to->remaining_s, err) ||
        tensors_encode(from->net, &bytes, &size, err))
        return -1;
    snprintf(name, sizeof name, "cluster-%u.safetensors", c);
    int result = bundle_write_file(dir, name, bytes, size, m, &to->file, err);
    free(bytes);
    return result;
}

int bundle_clusters_save(int dir, const struct bundle *bundle, struct manifest *m, struct err *err)
{
    const struct bundle_clusters *clusters = bundle->clusters;
    char *text;
    if (!clusters)
        return 0;
    m->clusters.k = clusters->of.k;
    snprintf(m->clusters.method, sizeof m->clusters.method, "%s",
             cluster_method_name(clusters->of.method));
    text = cluster_file_encode(&clusters->of, err);
    if (!text)
        return -1;
    int result =
        bundle_write_file(dir, CLUSTER_FILE_NAME, text, strlen(text), m, &m->clusters.file, err);
    free(text);
    for (uint32_t c = 0; c < m->clusters.k && result == 0; c++) {
        const struct bundle_cluster *from = &clusters->cluster[c];
        struct manifest_cluster *to = &m->clusters.cluster[c];
        to->users = from->users;
        to->sessions = from->sessions;
        memcpy(to->why, from->why, sizeof to->why);
        if (from->net)
            result = save_net(dir, c, from, bundle->net, m, err);
    }
    return result;
}
