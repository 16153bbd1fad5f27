#include "cli/seed_store.h"

#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "bundle/files.h"
#include "bundle/json_fields.h"
#include "bundle/manifest.h"
#include "bundle/net_file.h"
#include "bundle/publish.h"
#include "bundle/sha256.h"
#include "cli/seed_flags.h"

#define FORMAT         "outro-seed-models"
#define FORMAT_VERSION 1
#define MANIFEST_MAX   ((size_t)256 << 20)
#define FILE_MAX       ((size_t)1 << 30)
#define CLUSTERS_MOST  100000

static const char LABELS_MISJOINED[] = "misjoined", LABELS_JOINED[] = "joined";

/* ---- writing ---- */

static bool is_ours(const json_t *manifest)
{
    const char *format = json_string_value(json_object_get(manifest, "format"));
    return format && strcmp(format, FORMAT) == 0;
}

int seed_store_can_save(const char *path, struct err *err)
{
    struct publication publication;
    int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    json_t *manifest = dir >= 0 ? json_file_read(dir, MANIFEST_NAME, MANIFEST_MAX, NULL) : NULL;
    bool other = manifest && !is_ours(manifest);
    json_decref(manifest);
    if (dir >= 0)
        close(dir);
    if (other)
        return err_set(err, ERR_INPUT, "%s: a bundle or a network is there; give another name",
                       path);
    int result = publication_open(&publication, path, err);
    publication_release(&publication);
    return result;
}

static json_t *recipe_json(const struct seed_recipe *recipe)
{
    char loss[LOSS_TEXT_MAX], optimizer[OPTIMIZER_TEXT_MAX];
    loss_print(&recipe->loss, loss);
    optimizer_print(&recipe->optimizer, optimizer);
    return json_pack("{s:s, s:I, s:I, s:I, s:f, s:s, s:s, s:I, s:I, s:I, s:s, s:I, s:f, s:s}",
                     "model", seed_cell_names[recipe->cell], "hidden_dim",
                     (json_int_t)recipe->hidden_dim, "layer_dims", (json_int_t)recipe->layer_dims,
                     "layers", (json_int_t)recipe->layers, "dropout", recipe->dropout, "loss", loss,
                     "optimizer", optimizer, "batch", (json_int_t)recipe->batch, "epochs",
                     (json_int_t)recipe->epochs, "seed", (json_int_t)recipe->seed, "standardise",
                     seed_scaling_names[recipe->scaling], "min_users",
                     (json_int_t)recipe->min_users, "filter_percentile", recipe->filter, "labels",
                     recipe->misjoined ? LABELS_MISJOINED : LABELS_JOINED);
}

static json_t *numbers_json(const double *values, size_t count)
{
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(array, isnan(values[i]) ? json_null() : json_real(values[i]));
    return array;
}

static json_t *curve_json(const struct seed_cluster *cluster)
{
    json_t *loss = json_array(), *validation = json_array();
    for (uint32_t e = 0; cluster->curve && e < cluster->epochs; e++) {
        double value = cluster->curve[e].validation;
        json_array_append_new(loss, json_real(cluster->curve[e].loss));
        json_array_append_new(validation, isnan(value) ? json_null() : json_real(value));
    }
    return json_pack("{s:o, s:o}", "loss", loss, "validation", validation);
}

static json_t *users_json(const struct seed_models *models, uint32_t cluster)
{
    json_t *users = json_array();
    for (size_t i = 0; models->members && i < models->members->count; i++)
        if (models->members->member[i].cluster == cluster)
            json_array_append_new(users, json_integer(models->members->member[i].user));
    return users;
}

static int write_net(int dir, const struct seed_cluster *cluster, const char *name,
                     char hash[SHA256_HEX + 1], struct err *err)
{
    unsigned char *bytes = NULL;
    size_t size;
    struct net_file file;
    int result = net_file_of(&cluster->net.spec, cluster->net.params, &file, err);
    if (result == 0)
        result = net_file_encode(&file, &bytes, &size, err) || sha256_hex(bytes, size, hash, err) ||
                         file_write(dir, name, bytes, size, err)
                     ? -1
                     : 0;
    free(bytes);
    net_file_release(&file);
    return result;
}

/* @return new reference, or NULL with err */
static json_t *write_cluster(int dir, const struct seed_models *models, uint32_t number,
                             struct err *err)
{
    const struct seed_cluster *cluster = &models->cluster[number];
    char name[MANIFEST_NAME_MAX], hash[SHA256_HEX + 1] = "";
    snprintf(name, sizeof name, "cluster-%u.safetensors", number);
    if (cluster->trained && write_net(dir, cluster, name, hash, err))
        return NULL;
    json_t *json =
        json_pack("{s:o, s:I, s:I, s:b, s:b, s:I}", "users", users_json(models, number), "people",
                  (json_int_t)cluster->users, "sessions", (json_int_t)cluster->sessions, "trained",
                  cluster->trained, "standardised", cluster->standardised, "epochs",
                  (json_int_t)cluster->epochs);
    if (json && cluster->trained) {
        json_object_set_new(json, "mean", numbers_json(cluster->scaler.mean, SEED_SCALED));
        json_object_set_new(json, "sd", numbers_json(cluster->scaler.sd, SEED_SCALED));
        json_object_set_new(json, "curve", curve_json(cluster));
        json_object_set_new(json, "file", json_string(name));
        json_object_set_new(json, "sha256", json_string(hash));
    }
    if (!json)
        err_set(err, ERR_MEMORY, "out of memory");
    return json;
}

static int write_all(int dir, const struct seed_models *models, const char *created,
                     struct err *err)
{
    json_t *clusters = json_array();
    for (uint32_t c = 0; c < models->clusters; c++) {
        json_t *one = write_cluster(dir, models, c, err);
        if (!one) {
            json_decref(clusters);
            return -1;
        }
        json_array_append_new(clusters, one);
    }
    json_t *root =
        json_pack("{s:s, s:i, s:s, s:b, s:o, s:o}", "format", FORMAT, "format_version",
                  FORMAT_VERSION, "created", created, "by_cluster", models->members != NULL,
                  "recipe", recipe_json(&models->recipe), "clusters", clusters);
    char *text = root ? json_dumps(root, JSON_INDENT(1)) : NULL;
    json_decref(root);
    if (!text)
        return err_set(err, ERR_MEMORY, MANIFEST_NAME ": out of memory");
    int result = file_write(dir, MANIFEST_NAME, text, strlen(text), err);
    free(text);
    return result;
}

int seed_store_save(const char *path, const struct seed_models *models, const char *created_rfc3339,
                    struct err *err)
{
    struct publication publication;
    int result = publication_open(&publication, path, err);
    if (result == 0) {
        result = write_all(publication.dir, models, created_rfc3339, err);
        if (result)
            err_prefix(err, "%s", path);
    }
    if (result == 0)
        result = publication_commit(&publication, "seed-models", err);
    publication_release(&publication);
    return result;
}

/* ---- reading ---- */

static int read_recipe(const json_t *root, struct seed_recipe *recipe, struct err *err)
{
    static const char where[] = "recipe";
    const json_t *json = field_object(root, "", where, err);
    char model[32], scaling[32], loss[LOSS_TEXT_MAX], optimizer[OPTIMIZER_TEXT_MAX], labels[32];
    int64_t hidden, dims, layers, batch, epochs, seed, min_users;
    if (!json || field_string(json, where, "model", model, sizeof model, err) ||
        field_string(json, where, "standardise", scaling, sizeof scaling, err) ||
        field_string(json, where, "loss", loss, sizeof loss, err) ||
        field_string(json, where, "optimizer", optimizer, sizeof optimizer, err) ||
        field_string(json, where, "labels", labels, sizeof labels, err) ||
        field_number(json, where, "dropout", &recipe->dropout, err) ||
        field_number(json, where, "filter_percentile", &recipe->filter, err) ||
        field_integer(json, where, "hidden_dim", 1, NET_WIDTH_MAX, &hidden, err) ||
        field_integer(json, where, "layer_dims", 1, NET_WIDTH_MAX, &dims, err) ||
        field_integer(json, where, "layers", 1, NET_LAYERS_MAX, &layers, err) ||
        field_integer(json, where, "batch", 1, UINT32_MAX, &batch, err) ||
        field_integer(json, where, "epochs", 1, UINT32_MAX, &epochs, err) ||
        field_integer(json, where, "seed", 0, INT64_MAX, &seed, err) ||
        field_integer(json, where, "min_users", 2, UINT32_MAX, &min_users, err) ||
        seed_cell_find(model, &recipe->cell, err) ||
        seed_scaling_find(scaling, &recipe->scaling, err) ||
        loss_by_name(loss, &recipe->loss, err) ||
        optimizer_parse(optimizer, &recipe->optimizer, err))
        return -1;
    recipe->hidden_dim = (uint32_t)hidden;
    recipe->layer_dims = (uint32_t)dims;
    recipe->layers = (uint32_t)layers;
    recipe->batch = (uint32_t)batch;
    recipe->epochs = (uint32_t)epochs;
    recipe->seed = (uint64_t)seed;
    recipe->min_users = (uint32_t)min_users;
    recipe->misjoined = strcmp(labels, LABELS_JOINED) != 0;
    return 0;
}

static int read_scaled(const json_t *json, const char *where, const char *key,
                       double out[SEED_SCALED], struct err *err)
{
    const json_t *array = field_array(json, where, key, err);
    for (size_t i = 0; array && i < SEED_SCALED; i++)
        out[i] = json_number_value(json_array_get(array, i));
    if (array && json_array_size(array) != SEED_SCALED)
        return err_set(err, ERR_INPUT, "%s.%s is not %d numbers", where, key, SEED_SCALED);
    return array ? 0 : -1;
}

static bool is_same_net(const struct net_spec *a, const struct net_spec *b)
{
    char net[2][NET_TEXT_MAX], head[2][NET_TEXT_MAX];
    net_spec_print(a, net[0], head[0]);
    net_spec_print(b, net[1], head[1]);
    return a->inputs == b->inputs && a->features == b->features && strcmp(net[0], net[1]) == 0 &&
           strcmp(head[0], head[1]) == 0;
}

static int take_params(const struct net_file *file, const char *name, struct seed_net *net,
                       struct err *err)
{
    if (!file->params || !is_same_net(&file->spec, &net->spec))
        return err_set(err, ERR_SHAPE, "%s: not the network that the recipe says", name);
    size_t count = net_params_count(&net->spec);
    net->params = calloc(count + 1, sizeof *net->params);
    if (!net->params)
        return err_set(err, ERR_MEMORY, "out of memory for %zu parameters", count);
    for (size_t i = 0; i < count; i++)
        net->params[i] = (real)file->params[i];
    return 0;
}

static int read_net(int dir, const json_t *json, const char *where,
                    const struct seed_recipe *recipe, struct seed_net *net, struct err *err)
{
    char name[MANIFEST_NAME_MAX + 1], expected[SHA256_HEX + 1], found[SHA256_HEX + 1];
    void *bytes = NULL;
    size_t size;
    struct net_file file = {0};
    if (field_string(json, where, "file", name, sizeof name, err) ||
        field_string(json, where, "sha256", expected, sizeof expected, err) ||
        seed_recipe_spec(recipe, &net->spec, err))
        return -1;
    if (strchr(name, '/'))
        return err_set(err, ERR_INPUT, "%s.file is no name of a file here", where);
    int result = file_read(dir, name, FILE_MAX, &bytes, &size, err);
    if (result == 0)
        result = sha256_hex(bytes, size, found, err);
    if (result == 0 && strcmp(expected, found) != 0)
        result = err_set(err, ERR_CHECK, "%s: sha256 is %s, the manifest says %s", name, found,
                         expected);
    if (result == 0 && net_file_decode(bytes, size, &file, err))
        result = err_prefix(err, "%s", name);
    if (result == 0)
        result = take_params(&file, name, net, err);
    free(bytes);
    net_file_release(&file);
    return result;
}

static int read_members(const json_t *json, const char *where, uint32_t cluster,
                        struct seed_members *members, struct err *err)
{
    const json_t *users = field_array(json, where, "users", err), *user;
    size_t i;
    if (!users)
        return -1;
    json_array_foreach(users, i, user)
    {
        json_int_t number = json_integer_value(user);
        if (!json_is_integer(user) || number < 0 || number > UINT32_MAX)
            return err_set(err, ERR_INPUT, "%s.users[%zu] is not the number of a user", where, i);
        if (seed_members_add(members, (struct seed_member){(uint32_t)number, cluster}, err))
            return -1;
    }
    return 0;
}

static int read_cluster(int dir, const json_t *json, const struct seed_recipe *recipe,
                        uint32_t number, struct seed_cluster *out, struct seed_members *members,
                        struct err *err)
{
    char where[32];
    int64_t people, sessions, epochs;
    snprintf(where, sizeof where, "clusters[%u]", number);
    if (field_integer(json, where, "people", 0, UINT32_MAX, &people, err) ||
        field_integer(json, where, "sessions", 0, INT64_MAX, &sessions, err) ||
        field_integer(json, where, "epochs", 0, UINT32_MAX, &epochs, err) ||
        read_members(json, where, number, members, err))
        return -1;
    out->number = number;
    out->users = (uint32_t)people;
    out->sessions = (uint64_t)sessions;
    out->epochs = (uint32_t)epochs;
    out->standardised = json_is_true(json_object_get(json, "standardised"));
    if (!json_is_true(json_object_get(json, "trained")))
        return 0;
    if (read_scaled(json, where, "mean", out->scaler.mean, err) ||
        read_scaled(json, where, "sd", out->scaler.sd, err) ||
        read_net(dir, json, where, recipe, &out->net, err))
        return -1;
    out->trained = true;
    return 0;
}

static bool has_models(const struct seed_models *models)
{
    for (uint32_t c = 0; c < models->clusters; c++)
        if (models->cluster[c].trained)
            return true;
    return false;
}

static int read_all(int dir, const json_t *root, struct seed_models *models,
                    struct seed_members *members, struct err *err)
{
    int64_t version;
    if (!is_ours(root))
        return err_set(err, ERR_INPUT,
                       "not models of `outro train --seed-compat`: its format is another");
    if (field_integer(root, "", "format_version", FORMAT_VERSION, FORMAT_VERSION, &version, err) ||
        read_recipe(root, &models->recipe, err))
        return -1;
    const json_t *clusters = field_array(root, "", "clusters", err);
    size_t count = json_array_size(clusters);
    if (!clusters || count == 0 || count > CLUSTERS_MOST)
        return clusters ? err_set(err, ERR_INPUT, "clusters: %zu of them", count) : -1;
    models->cluster = calloc(count, sizeof *models->cluster);
    if (!models->cluster)
        return err_set(err, ERR_MEMORY, "out of memory for %zu clusters", count);
    models->clusters = (uint32_t)count;
    members->clusters = (uint32_t)count;
    for (uint32_t c = 0; c < count; c++)
        if (read_cluster(dir, json_array_get(clusters, c), &models->recipe, c, &models->cluster[c],
                         members, err))
            return -1;
    if (!has_models(models))
        return err_set(err, ERR_INPUT, "it has no models: every cluster was too small for one");
    if (json_is_true(json_object_get(root, "by_cluster")))
        models->members = members;
    return seed_members_sort(members, err);
}

int seed_store_load(const char *path, struct seed_models *models, struct seed_members *members,
                    struct err *err)
{
    *models = (struct seed_models){.recipe = seed_recipe_defaults()};
    *members = (struct seed_members){0};
    int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0)
        return err_errno(err, "%s", path);
    json_t *root = json_file_read(dir, MANIFEST_NAME, MANIFEST_MAX, err);
    int result = root ? read_all(dir, root, models, members, err) : -1;
    if (result)
        err_prefix(err, "%s", path);
    json_decref(root);
    close(dir);
    return result;
}
