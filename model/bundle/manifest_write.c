#include <math.h>
#include <stdlib.h>

#include <jansson.h>

#include "bundle/feature_names.h"
#include "bundle/manifest.h"

/* Jansson's constructors give NULL when memory is out, and its *_new setters take NULL for a
 * failure: so a whole tree can be built without looking, as long as every failure ends in `broken`.
 */
struct builder {
    int broken;
};

static void put(struct builder *b, json_t *object, const char *key, json_t *value)
{
    if (json_object_set_new(object, key, value))
        b->broken = 1;
}

static void append(struct builder *b, json_t *array, json_t *value)
{
    if (json_array_append_new(array, value))
        b->broken = 1;
}

static json_t *floats(struct builder *b, const float *values, size_t count)
{
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++)
        append(b, array, json_real((double)values[i]));
    return array;
}

/* The deviation, not its inverse, is what people can read; as a double it gives the same float
 * back. */
static json_t *features(struct builder *b, const char *const *names, const float *mean,
                        const float *inverse_sd, size_t count)
{
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++) {
        json_t *row = json_object();
        put(b, row, "name", json_string(names[i]));
        put(b, row, "mean", json_real((double)mean[i]));
        put(b, row, "sd", json_real(1 / (double)inverse_sd[i]));
        append(b, array, row);
    }
    return array;
}

static json_t *all_features(struct builder *b, const struct predictor_scaler *s)
{
    const char *start[START_FEATURES_MAX];
    size_t count = start_names(s->panel, start);
    json_t *all = json_object();
    put(b, all, "step", features(b, STEP_NAMES, s->step_mean, s->step_inverse_sd, STEP_INPUTS));
    put(b, all, "start", features(b, start, s->start_mean, s->start_inverse_sd, count));
    put(b, all, "live", features(b, LIVE_NAMES, s->live_mean, s->live_inverse_sd, LIVE_FEATURES));
    return all;
}

static json_t *kernel(struct builder *b, const struct manifest *m)
{
    json_t *object = json_object(), *pool = json_array();
    for (size_t i = 0; i < POOL_VALUES; i++)
        append(b, pool, json_integer(m->pool_ms[i]));
    put(b, object, "window", json_integer(m->window));
    put(b, object, "pool_ms", pool);
    return object;
}

static json_t *cluster_name(uint32_t c)
{
    return json_sprintf("cluster-%u", c);
}

/* What the net said of one row: three quantiles, or the single value. */
static json_t *remaining(struct builder *b, const struct manifest *m, const float *remaining_s)
{
    size_t outputs = predictor_outputs(&m->spec);
    return floats(b, remaining_s + (outputs == 1 ? QUANTILE_MEDIAN : 0), outputs);
}

static json_t *cluster_net(struct builder *b, const struct manifest *m, uint32_t c)
{
    const struct manifest_cluster *cluster = &m->clusters.cluster[c];
    json_t *net = json_object(), *says = json_array();
    put(b, net, "name", cluster_name(c));
    put(b, net, "file", json_string(m->file[cluster->file].name));
    if (cluster->own_scaler)
        put(b, net, "features", all_features(b, &cluster->scaler));
    for (size_t i = 0; i < m->cases; i++)
        append(b, says, remaining(b, m, cluster->remaining_s[i]));
    put(b, net, "remaining_s", says);
    return net;
}

static json_t *nets(struct builder *b, const struct manifest *m)
{
    json_t *array = json_array(), *net = json_object();
    put(b, net, "name", json_string("global"));
    put(b, net, "file", json_string(m->file[m->net_file].name));
    char layers[NET_TEXT_MAX], head[NET_TEXT_MAX];
    net_spec_print(&m->spec, layers, head);
    put(b, net, "net", json_string(layers));
    put(b, net, "head", json_string(head));
    put(b, net, "base", json_string(predictor_base_names[m->base]));
    append(b, array, net);
    for (uint32_t c = 0; c < m->clusters.k; c++)
        if (m->clusters.cluster[c].own)
            append(b, array, cluster_net(b, m, c));
    return array;
}

static json_t *clusters(struct builder *b, const struct manifest *m)
{
    json_t *object = json_object(), *rows = json_array();
    const bool none = m->clusters.k == 0;
    put(b, object, "method", json_string(none ? "none" : m->clusters.method));
    if (none) {
        put(b, object, "centroids", json_array());
        put(b, object, "memberships", json_object());
        json_decref(rows);
        return object;
    }
    put(b, object, "file", json_string(m->file[m->clusters.file].name));
    for (uint32_t c = 0; c < m->clusters.k; c++) {
        const struct manifest_cluster *cluster = &m->clusters.cluster[c];
        json_t *row = json_object();
        put(b, row, "users", json_integer((json_int_t)cluster->users));
        put(b, row, "sessions", json_integer((json_int_t)cluster->sessions));
        put(b, row, "net", cluster->own ? cluster_name(c) : json_string("global"));
        put(b, row, "why", json_string(cluster->why));
        append(b, rows, row);
    }
    put(b, object, "of", rows);
    return object;
}

static json_t *scores(struct builder *b, const struct manifest *m)
{
    json_t *object = json_object();
    for (size_t i = 0; i < m->scores; i++)
        put(b, object, m->score[i].name,
            isfinite(m->score[i].value) ? json_real(m->score[i].value) : json_null());
    return object;
}

static json_t *files(struct builder *b, const struct manifest *m)
{
    json_t *object = json_object();
    for (size_t i = 0; i < m->files; i++) {
        json_t *file = json_object();
        put(b, file, "size", json_integer((json_int_t)m->file[i].size_bytes));
        put(b, file, "sha256", json_string(m->file[i].sha256));
        put(b, object, m->file[i].name, file);
    }
    return object;
}

static json_t *selftest(struct builder *b, const struct manifest *m)
{
    json_t *object = json_object(), *cases = json_array();
    for (size_t i = 0; i < m->cases; i++) {
        const struct selftest_case *c = &m->selftest[i];
        json_t *row = json_object(), *steps = json_array();
        for (uint32_t k = 0; k < c->steps; k++)
            append(b, steps, floats(b, c->step[k], STEP_INPUTS));
        put(b, row, "steps", steps);
        put(b, row, "start", floats(b, c->start, predictor_start_features(&m->spec)));
        put(b, row, "live", floats(b, c->live, LIVE_FEATURES));
        put(b, row, "kernel_s", floats(b, c->kernel_s, QUANTILES));
        put(b, row, "remaining_s", remaining(b, m, c->remaining_s));
        append(b, cases, row);
    }
    put(b, object, "tolerance", json_real(SELFTEST_TOLERANCE));
    put(b, object, "cases", cases);
    return object;
}

int manifest_encode(const struct manifest *m, char **text, struct err *err)
{
    struct builder b = {0};
    json_t *root = json_object();
    put(&b, root, "format", json_string(MANIFEST_FORMAT));
    put(&b, root, "format_version", json_integer(MANIFEST_FORMAT_VERSION));
    put(&b, root, "version", json_string(m->version));
    put(&b, root, "created", json_string(m->created));
    put(&b, root, "session", json_pack("{s:I}", "gap_ms", (json_int_t)m->gap_ms));
    put(&b, root, "kernel", kernel(&b, m));
    put(&b, root, "quantiles", json_pack("[f, f, f]", .1, .5, .9));
    put(&b, root, "features", all_features(&b, &m->scaler));
    put(&b, root, "clusters", clusters(&b, m));
    put(&b, root, "nets", nets(&b, m));
    put(&b, root, "scores", scores(&b, m));
    if (m->recipe[0])
        put(&b, root, "recipe", json_string(m->recipe));
    put(&b, root, "files", files(&b, m));
    put(&b, root, "selftest", selftest(&b, m));
    *text = b.broken ? NULL : json_dumps(root, JSON_INDENT(1));
    json_decref(root);
    if (!*text)
        return err_set(err, b.broken ? ERR_INPUT : ERR_MEMORY,
                       "%s cannot be written: a number that is not finite, a name that is not "
                       "UTF-8, or no memory",
                       MANIFEST_NAME);
    return 0;
}
