#include "bundle/manifest.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "bundle/feature_names.h"
#include "bundle/json_fields.h"
#include "bundle/manifest_parts.h"
#include "core/event_time.h"

static const double LEVELS[QUANTILES] = {.1, .5, .9};

/* What the version's digits are the head of. With clusters, any file's change is another bundle. */
int manifest_contents(const struct manifest *m, char out[SHA256_HEX + 1], struct err *err)
{
    char all[MANIFEST_FILES_MAX * SHA256_HEX];
    if (m->clusters.k == 0) {
        memcpy(out, m->file[m->net_file].sha256, SHA256_HEX + 1);
        return 0;
    }
    for (size_t i = 0; i < m->files; i++)
        memcpy(all + i * SHA256_HEX, m->file[i].sha256, SHA256_HEX);
    return sha256_hex(all, m->files * SHA256_HEX, out, err);
}

int manifest_version(const char *created, const char *sha256, char out[BUNDLE_VERSION_MAX + 1],
                     struct err *err)
{
    static const char form[] = "dddd-dd-ddTdd:dd:ddZ"; /* d: a digit */
    size_t used = 0;
    bool fits = strlen(created) == MANIFEST_CREATED;
    for (size_t i = 0; fits && i < MANIFEST_CREATED; i++) {
        bool digit = created[i] >= '0' && created[i] <= '9';
        fits = form[i] == 'd' ? digit : created[i] == form[i];
        if (digit || created[i] == 'T' || created[i] == 'Z')
            out[used++] = created[i];
    }
    if (!fits)
        return err_set(err, ERR_INPUT, "created is \"%.40s\", not a time like 2026-11-24T10:15:00Z",
                       created);
    out[used++] = '-';
    memcpy(out + used, sha256, 8);
    out[used + 8] = '\0';
    return 0;
}

static int read_format(const json_t *root, struct err *err)
{
    char format[32];
    int64_t version;
    if (field_string(root, "", "format", format, sizeof format, err))
        return -1;
    if (strcmp(format, MANIFEST_FORMAT) != 0)
        return err_set(err, ERR_INPUT, "format is \"%s\", not \"%s\"", format, MANIFEST_FORMAT);
    if (field_integer(root, "", "format_version", INT64_MIN, INT64_MAX, &version, err))
        return -1;
    if (version != MANIFEST_FORMAT_VERSION)
        return err_set(err, ERR_INPUT, "format_version is %lld; this program reads %d",
                       (long long)version, MANIFEST_FORMAT_VERSION);
    return 0;
}

static int read_kernel(const json_t *root, struct manifest *out, struct err *err)
{
    int64_t window;
    const json_t *session = field_object(root, "", "session", err);
    if (!session ||
        field_integer(session, "session", "gap_ms", 1, EVENT_TIME_END_MS, &out->gap_ms, err))
        return -1;
    const json_t *kernel = field_object(root, "", "kernel", err);
    if (!kernel || field_integer(kernel, "kernel", "window", 1, WINDOW_MAX, &window, err))
        return -1;
    out->window = (uint32_t)window;
    const json_t *pool = field_array(kernel, "kernel", "pool_ms", err);
    if (!pool)
        return -1;
    if (json_array_size(pool) != POOL_VALUES)
        return err_set(err, ERR_INPUT, "kernel.pool_ms has %zu values, not %d",
                       json_array_size(pool), POOL_VALUES);
    for (size_t i = 0; i < POOL_VALUES; i++) {
        const json_t *value = json_array_get(pool, i);
        int64_t ms = json_integer_value(value), least = i ? out->pool_ms[i - 1] : 0;
        if (!json_is_integer(value) || ms < least || ms > EVENT_TIME_END_MS)
            return err_set(err, ERR_INPUT,
                           "kernel.pool_ms[%zu] is not a whole number from %lld on (ascending)", i,
                           (long long)least);
        out->pool_ms[i] = ms;
    }
    return 0;
}

static int read_quantiles(const json_t *root, struct err *err)
{
    const json_t *levels = field_array(root, "", "quantiles", err);
    if (!levels)
        return -1;
    bool same = json_array_size(levels) == QUANTILES;
    for (size_t i = 0; same && i < QUANTILES; i++)
        same = fabs(json_number_value(json_array_get(levels, i)) - LEVELS[i]) < 1e-9;
    return same ? 0 : err_set(err, ERR_INPUT, "quantiles is not [0.1, 0.5, 0.9]");
}

/* Rows of one kind, which have these names in this order. */
static int read_features(const json_t *rows, const char *kind, const char *const *names,
                         size_t count, float *mean, float *inverse_sd, struct err *err)
{
    if (json_array_size(rows) != count)
        return err_set(err, ERR_INPUT, "features.%s has %zu rows, not %zu", kind,
                       json_array_size(rows), count);
    for (size_t i = 0; i < count; i++) {
        const json_t *row = json_array_get(rows, i);
        char where[48], name[MANIFEST_NAME_MAX + 1];
        double mean_value, sd;
        snprintf(where, sizeof where, "features.%s[%zu]", kind, i);
        if (field_string(row, where, "name", name, sizeof name, err))
            return -1;
        if (strcmp(name, names[i]) != 0)
            return err_set(err, ERR_INPUT, "%s is \"%s\" where this program computes \"%s\"", where,
                           name, names[i]);
        if (field_number(row, where, "mean", &mean_value, err) ||
            field_number(row, where, "sd", &sd, err))
            return -1;
        mean[i] = (float)mean_value;
        /* Deviations that a float cannot invert are as wrong as negative ones. */
        double inverse = sd > 0 ? 1 / sd : 0;
        if (inverse > 1e31 || (float)inverse < 1e-30f || (float)inverse > 1e30f)
            return err_set(err, ERR_INPUT, "%s.sd is %g, not within 1e-30 .. 1e30", where, sd);
        inverse_sd[i] = (float)inverse;
    }
    return 0;
}

/* Which of the panel the rows behind the first 14 are; their order is read_features' to check. */
static int read_panel(const json_t *start, uint32_t *panel, struct err *err)
{
    *panel = 0;
    for (size_t i = START_FEATURES; i < json_array_size(start); i++) {
        const char *name = json_string_value(json_object_get(json_array_get(start, i), "name"));
        int f = 0;
        while (name && f < PANEL_FEATURES && strcmp(name, START_NAMES[START_FEATURES + f]) != 0)
            f++;
        if (!name || f == PANEL_FEATURES)
            return err_set(err, ERR_INPUT,
                           "features.start[%zu] is \"%.40s\", which this program does not compute",
                           i, name ? name : "");
        *panel |= UINT32_C(1) << f;
    }
    return 0;
}

int manifest_read_scaler(const json_t *object, const char *where, struct predictor_scaler *out,
                         struct err *err)
{
    const char *names[START_FEATURES_MAX];
    const json_t *all = field_object(object, where, "features", err);
    const json_t *step = all ? field_array(all, "features", "step", err) : NULL;
    const json_t *start = step ? field_array(all, "features", "start", err) : NULL;
    const json_t *live = start ? field_array(all, "features", "live", err) : NULL;
    if (!live || read_panel(start, &out->panel, err))
        return -1;
    if (read_features(step, "step", STEP_NAMES, STEP_INPUTS, out->step_mean, out->step_inverse_sd,
                      err) ||
        read_features(start, "start", names, start_names(out->panel, names), out->start_mean,
                      out->start_inverse_sd, err))
        return -1;
    return read_features(live, "live", LIVE_NAMES, LIVE_FEATURES, out->live_mean,
                         out->live_inverse_sd, err);
}

/* A name is of a file right in the bundle: no separator, no leading dot, nothing a shell would
 * stumble over. */
static bool name_is_plain(const char *name)
{
    static const char allowed[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
    return name[0] != '\0' && name[0] != '.' && name[strspn(name, allowed)] == '\0' &&
           strcmp(name, MANIFEST_NAME) != 0;
}

static int read_files(json_t *root, struct manifest *out, struct err *err)
{
    const char *name;
    json_t *row;
    json_t *files = field_object(root, "", "files", err);
    if (!files)
        return -1;
    json_object_foreach(files, name, row)
    {
        struct manifest_file *file = &out->file[out->files];
        char where[96];
        int64_t size;
        if (out->files == MANIFEST_FILES_MAX)
            return err_set(err, ERR_INPUT, "files has more than %d entries", MANIFEST_FILES_MAX);
        size_t length = strlen(name);
        if (length > MANIFEST_NAME_MAX || !name_is_plain(name))
            return err_set(err, ERR_INPUT, "files: \"%.80s\" is not a plain file name", name);
        memcpy(file->name, name, length + 1);
        snprintf(where, sizeof where, "files.%s", name);
        if (field_integer(row, where, "size", 0, INT64_MAX, &size, err) ||
            field_string(row, where, "sha256", file->sha256, sizeof file->sha256, err))
            return -1;
        file->size_bytes = (uint64_t)size;
        if (strlen(file->sha256) != SHA256_HEX ||
            strspn(file->sha256, "0123456789abcdef") != SHA256_HEX)
            return err_set(err, ERR_INPUT, "%s.sha256 is not 64 lower-case hex digits", where);
        out->files++;
    }
    return 0;
}

int manifest_read_file_index(const json_t *object, const char *where, const struct manifest *m,
                             uint32_t *out, struct err *err)
{
    char file[MANIFEST_NAME_MAX + 1];
    if (field_string(object, where, "file", file, sizeof file, err))
        return -1;
    for (*out = 0; *out < m->files; ++*out)
        if (strcmp(m->file[*out].name, file) == 0)
            return 0;
    return err_set(err, ERR_INPUT, "%s.file is \"%s\", which files does not list", where, file);
}

/* Not said: the kernel. */
static int read_base(const json_t *net, enum predictor_base *base, struct err *err)
{
    char name[32];
    *base = BASE_KERNEL;
    if (!json_object_get(net, "base"))
        return 0;
    if (field_string(net, "nets[0]", "base", name, sizeof name, err))
        return -1;
    for (int i = 0; i < PREDICTOR_BASES; i++)
        if (strcmp(name, predictor_base_names[i]) == 0) {
            *base = (enum predictor_base)i;
            return 0;
        }
    return err_set(err, ERR_INPUT, "nets[0].base is \"%s\", neither kernel nor none", name);
}

static int read_recipe(const json_t *root, struct manifest *out, struct err *err)
{
    out->recipe[0] = '\0';
    return json_object_get(root, "recipe")
               ? field_string(root, "", "recipe", out->recipe, sizeof out->recipe, err)
               : 0;
}

static int read_net(const json_t *root, struct manifest *out, struct err *err)
{
    char name[32], layers[NET_TEXT_MAX], head[NET_TEXT_MAX];
    const json_t *nets = field_array(root, "", "nets", err);
    if (!nets)
        return -1;
    const json_t *net = json_array_get(nets, 0);
    if (!net)
        return err_set(err, ERR_INPUT, "nets is empty: there is no \"global\"");
    if (field_string(net, "nets[0]", "name", name, sizeof name, err) ||
        field_string(net, "nets[0]", "net", layers, sizeof layers, err) ||
        field_string(net, "nets[0]", "head", head, sizeof head, err))
        return -1;
    if (strcmp(name, "global") != 0)
        return err_set(err, ERR_INPUT, "nets[0].name is \"%s\", not \"global\"", name);
    out->spec = (struct net_spec){.inputs = STEP_INPUTS,
                                  .features = predictor_row_features(out->scaler.panel)};
    if (net_spec_parse(layers, head, &out->spec, err) || predictor_check(&out->spec, err)) {
        err_prefix(err, "nets[0]");
        return -1;
    }
    return read_base(net, &out->base, err)
               ? -1
               : manifest_read_file_index(net, "nets[0]", out, &out->net_file, err);
}

static int read_version(const json_t *root, struct manifest *out, struct err *err)
{
    char expected[BUNDLE_VERSION_MAX + 1], contents[SHA256_HEX + 1];
    if (field_string(root, "", "created", out->created, sizeof out->created, err) ||
        field_string(root, "", "version", out->version, sizeof out->version, err) ||
        manifest_contents(out, contents, err) ||
        manifest_version(out->created, contents, expected, err))
        return -1;
    if (strcmp(out->version, expected) != 0)
        return err_set(err, ERR_INPUT,
                       "version is \"%s\", but created and the files' sha256 make it \"%s\"",
                       out->version, expected);
    return 0;
}

static int read_scores(json_t *root, struct manifest *out, struct err *err)
{
    const char *name;
    json_t *value;
    json_t *scores = field_object(root, "", "scores", err);
    if (!scores)
        return -1;
    json_object_foreach(scores, name, value)
    {
        size_t length = strlen(name);
        if (out->scores == BUNDLE_SCORES_MAX)
            return err_set(err, ERR_INPUT, "scores has more than %d entries", BUNDLE_SCORES_MAX);
        if (length == 0 || length > MANIFEST_NAME_MAX)
            return err_set(err, ERR_INPUT, "scores: a name is empty or too long");
        if (!json_is_number(value) && !json_is_null(value))
            return err_set(err, ERR_INPUT, "scores.%s is neither a number nor null", name);
        struct manifest_score *score = &out->score[out->scores++];
        memcpy(score->name, name, length + 1);
        score->value = json_is_null(value) ? (double)NAN : json_number_value(value);
    }
    return 0;
}

static int read_case(const json_t *row, size_t number, const struct net_spec *spec,
                     struct selftest_case *out, struct err *err)
{
    size_t outputs = predictor_outputs(spec);
    char where[48];
    snprintf(where, sizeof where, "selftest.cases[%zu]", number);
    const json_t *steps = field_array(row, where, "steps", err);
    if (!steps)
        return -1;
    if (json_array_size(steps) > SELFTEST_STEPS_MAX)
        return err_set(err, ERR_INPUT, "%s.steps has %zu rows, more than %d", where,
                       json_array_size(steps), SELFTEST_STEPS_MAX);
    out->steps = (uint32_t)json_array_size(steps);
    for (uint32_t k = 0; k < out->steps; k++) {
        char place[80];
        snprintf(place, sizeof place, "%s.steps[%u]", where, k);
        if (array_floats(json_array_get(steps, k), place, STEP_INPUTS, out->step[k], err))
            return -1;
    }
    const struct {
        const char *key;
        size_t count;
        float *to;
    } parts[] = {{"start", predictor_start_features(spec), out->start},
                 {"live", LIVE_FEATURES, out->live},
                 {"kernel_s", QUANTILES, out->kernel_s},
                 {"remaining_s", outputs, out->remaining_s + (outputs == 1 ? QUANTILE_MEDIAN : 0)}};
    out->remaining_s[0] = out->remaining_s[2] = NAN;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        char place[80];
        snprintf(place, sizeof place, "%s.%s", where, parts[i].key);
        if (array_floats(json_object_get(row, parts[i].key), place, parts[i].count, parts[i].to,
                         err))
            return -1;
    }
    return 0;
}

static int read_selftest(const json_t *root, struct manifest *out, struct err *err)
{
    const json_t *selftest = field_object(root, "", "selftest", err);
    const json_t *cases = selftest ? field_array(selftest, "selftest", "cases", err) : NULL;
    if (!cases)
        return -1;
    out->cases = json_array_size(cases);
    if (out->cases == 0 || out->cases > SELFTEST_CASES_MAX)
        return err_set(err, ERR_INPUT, "selftest.cases has %zu rows, not 1 .. %d", out->cases,
                       SELFTEST_CASES_MAX);
    for (size_t i = 0; i < out->cases; i++) {
        if (read_case(json_array_get(cases, i), i, &out->spec, &out->selftest[i], err))
            return -1;
    }
    return 0;
}

static int read_root(json_t *root, struct manifest *out, struct err *err)
{
    if (!json_is_object(root))
        return err_set(err, ERR_INPUT, "not a JSON object");
    if (read_format(root, err) || read_kernel(root, out, err) || read_quantiles(root, err) ||
        manifest_read_scaler(root, "", &out->scaler, err) || read_files(root, out, err) ||
        read_net(root, out, err) || read_scores(root, out, err) || read_recipe(root, out, err) ||
        read_selftest(root, out, err) || manifest_read_clusters(root, out, err))
        return -1;
    return read_version(root, out, err); /* it is made of all files, if there are clusters */
}

int manifest_parse(const void *json, size_t size, struct manifest *out, struct err *err)
{
    json_error_t why;
    json_t *root = json_loadb(json, size, JSON_REJECT_DUPLICATES, &why);
    if (!root)
        return err_set(err, ERR_INPUT, "line %d, column %d: %s", why.line, why.column, why.text);
    int result = -1;
    struct manifest *read = calloc(1, sizeof *read);
    if (!read)
        err_set(err, ERR_MEMORY, "out of memory for a manifest");
    else
        result = read_root(root, read, err);
    if (result == 0)
        *out = *read;
    free(read);
    json_decref(root);
    return result;
}
