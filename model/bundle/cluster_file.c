#include "bundle/cluster_file.h"

#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "bundle/files.h"
#include "bundle/json_fields.h"

#define FORMAT         "outro-clusters"
#define FORMAT_VERSION 1
#define MEMBERS_MAX    10000000
#define FILE_MAX       ((size_t)2 << 30)

/* ---- writing ---- */

static json_t *numbers(const double *values, size_t count)
{
    json_t *array = json_array();
    for (size_t i = 0; array && i < count; i++)
        if (json_array_append_new(array, json_real(values[i]))) {
            json_decref(array);
            return NULL;
        }
    return array;
}

static json_t *columns_of(const struct clustering *c)
{
    json_t *array = json_array();
    for (uint32_t i = 0; array && i < c->columns; i++)
        json_array_append_new(array,
                              json_pack("{s:s, s:f, s:f}", "name", user_column_name(c->column[i]),
                                        "mean", c->mean[i], "scale", c->scale[i]));
    return array;
}

static json_t *centroids_of(const struct clustering *c)
{
    json_t *array = json_array();
    for (uint32_t label = 0; array && label < c->k; label++)
        json_array_append_new(array,
                              numbers(c->centroids + (size_t)label * c->columns, c->columns));
    return array;
}

static json_t *members_of(const struct clustering *c)
{
    json_t *array = json_array();
    for (size_t i = 0; array && i < c->members; i++) {
        json_t *member = json_pack("{s:s, s:i}", "user_id", c->member[i].user_id, "cluster",
                                   (int)c->member[i].label);
        if (member && c->member[i].sessions > 0)
            json_object_set_new(member, "sessions", json_integer(c->member[i].sessions));
        if (member && c->points)
            json_object_set_new(member, "point", numbers(c->points + i * c->columns, c->columns));
        json_array_append_new(array, member);
    }
    return array;
}

char *cluster_file_encode(const struct clustering *clustering, struct err *err)
{
    const struct clustering *c = clustering;
    char *text = NULL;
    json_t *root =
        json_pack("{s:s, s:i, s:s, s:i, s:I, s:f, s:o*, s:o, s:o, s:o}", "format", FORMAT,
                  "format_version", FORMAT_VERSION, "method", cluster_method_name(c->method), "k",
                  (int)c->k, "seed", (json_int_t)c->seed, "inertia", c->inertia, "silhouette",
                  isnan(c->silhouette) ? NULL : json_real(c->silhouette), "columns", columns_of(c),
                  "centroids", centroids_of(c), "members", members_of(c));
    /* Appending fails without memory only, and leaves an array that is too short. */
    if (root && json_array_size(json_object_get(root, "columns")) == c->columns &&
        json_array_size(json_object_get(root, "centroids")) == c->k &&
        json_array_size(json_object_get(root, "members")) == c->members)
        text = json_dumps(root, JSON_INDENT(1) | JSON_REAL_PRECISION(17));
    json_decref(root);
    size_t size = text ? strlen(text) : 0;
    char *whole = text ? realloc(text, size + 2) : NULL;
    if (!whole) {
        free(text);
        err_set(err, ERR_MEMORY, "out of memory for a file of clusters");
        return NULL;
    }
    memcpy(whole + size, "\n", 2);
    return whole;
}

int cluster_file_save(const char *path, const struct clustering *clustering, struct err *err)
{
    char *text = cluster_file_encode(clustering, err);
    if (!text)
        return -1;
    int result = file_replace(path, text, strlen(text), err);
    free(text);
    return result;
}

/* ---- reading ---- */

static int read_columns(const json_t *array, struct clustering *out, struct err *err)
{
    size_t count = json_array_size(array);
    if (count == 0 || count > USER_COLUMNS)
        return err_set(err, ERR_INPUT, "columns: %zu of them, not 1 .. %d", count, USER_COLUMNS);
    out->columns = (uint32_t)count;
    for (size_t i = 0; i < count; i++) {
        char where[32], name[64];
        const json_t *column = json_array_get(array, i);
        snprintf(where, sizeof where, "columns[%zu]", i);
        if (field_string(column, where, "name", name, sizeof name, err) ||
            field_number(column, where, "mean", &out->mean[i], err) ||
            field_number(column, where, "scale", &out->scale[i], err))
            return -1;
        if (user_column_find((struct slice){name, strlen(name)}, &out->column[i], NULL))
            return err_set(err, ERR_INPUT, "%s.name: no column \"%s\"", where, name);
        for (size_t j = 0; j < i; j++)
            if (out->column[j] == out->column[i])
                return err_set(err, ERR_INPUT, "%s.name: %s stands twice", where, name);
    }
    return 0;
}

static int read_head(const json_t *root, struct clustering *out, struct err *err)
{
    char format[32], method[32];
    int64_t version, k, seed;
    if (field_string(root, "", "format", format, sizeof format, err))
        return -1;
    if (strcmp(format, FORMAT) != 0)
        return err_set(err, ERR_INPUT, "format is \"%s\", not \"" FORMAT "\"", format);
    if (field_integer(root, "", "format_version", FORMAT_VERSION, FORMAT_VERSION, &version, err) ||
        field_string(root, "", "method", method, sizeof method, err) ||
        field_integer(root, "", "k", 1, CLUSTERS_MAX, &k, err) ||
        field_integer(root, "", "seed", 0, INT64_MAX, &seed, err) ||
        field_number(root, "", "inertia", &out->inertia, err))
        return -1;
    if (strcmp(method, "kmeans") != 0 && strcmp(method, "spectral") != 0)
        return err_set(err, ERR_INPUT, "method is \"%s\", neither kmeans nor spectral", method);
    out->method = strcmp(method, "kmeans") == 0 ? CLUSTER_KMEANS : CLUSTER_SPECTRAL;
    out->k = (uint32_t)k;
    out->seed = (uint64_t)seed;
    out->silhouette = (double)NAN;
    if (json_object_get(root, "silhouette"))
        return field_number(root, "", "silhouette", &out->silhouette, err);
    return 0;
}

static int read_centroids(const json_t *array, struct clustering *c, struct err *err)
{
    if (json_array_size(array) != c->k)
        return err_set(err, ERR_INPUT, "centroids: %zu of them, not %u", json_array_size(array),
                       c->k);
    for (uint32_t label = 0; label < c->k; label++) {
        char where[32];
        snprintf(where, sizeof where, "centroids[%u]", label);
        if (array_doubles(json_array_get(array, label), where, c->columns,
                          c->centroids + (size_t)label * c->columns, err))
            return -1;
    }
    return 0;
}

static int read_members(const json_t *array, struct clustering *c, struct err *err)
{
    for (size_t i = 0; i < c->members; i++) {
        char where[48];
        int64_t label, sessions = 0;
        const json_t *member = json_array_get(array, i);
        snprintf(where, sizeof where, "members[%zu]", i);
        if (field_string(member, where, "user_id", c->member[i].user_id,
                         sizeof c->member[i].user_id, err) ||
            field_integer(member, where, "cluster", 0, c->k - 1, &label, err) ||
            (json_object_get(member, "sessions") &&
             field_integer(member, where, "sessions", 0, UINT32_MAX, &sessions, err)))
            return -1;
        c->member[i].label = (uint32_t)label;
        c->member[i].sessions = (uint32_t)sessions;
        if (!c->points)
            continue;
        const json_t *point = field_array(member, where, "point", err);
        snprintf(where, sizeof where, "members[%zu].point", i);
        if (!point || array_doubles(point, where, c->columns, c->points + i * c->columns, err))
            return -1;
    }
    return 0;
}

static int read_clustering(const json_t *root, struct clustering *out, struct err *err)
{
    struct clustering head = {0};
    const json_t *columns = field_array(root, "", "columns", err);
    const json_t *centroids = columns ? field_array(root, "", "centroids", err) : NULL;
    const json_t *members = centroids ? field_array(root, "", "members", err) : NULL;
    if (!members || read_head(root, &head, err) || read_columns(columns, &head, err))
        return -1;
    head.members = json_array_size(members);
    if (head.members > MEMBERS_MAX)
        return err_set(err, ERR_INPUT, "members: more than %d", MEMBERS_MAX);
    struct clustering c = head;
    if (clustering_init(&c, err))
        return -1;
    memcpy(c.mean, head.mean, sizeof c.mean);
    memcpy(c.scale, head.scale, sizeof c.scale);
    c.seed = head.seed;
    c.inertia = head.inertia;
    c.silhouette = head.silhouette;
    if (read_centroids(centroids, &c, err) || read_members(members, &c, err) ||
        clustering_finish(&c, err)) {
        clustering_release(&c);
        return -1;
    }
    *out = c;
    return 0;
}

int cluster_file_parse(const void *bytes, size_t size, struct clustering *out, struct err *err)
{
    json_error_t error;
    json_t *root = json_loadb(bytes, size, JSON_REJECT_DUPLICATES, &error);
    if (!root)
        return err_set(err, ERR_INPUT, "line %d: %s", error.line, error.text);
    int result = json_is_object(root) ? read_clustering(root, out, err)
                                      : err_set(err, ERR_INPUT, "not an object");
    json_decref(root);
    return result;
}

int cluster_file_load(const char *path, struct clustering *out, struct err *err)
{
    void *bytes;
    size_t size;
    if (file_read(AT_FDCWD, path, FILE_MAX, &bytes, &size, err))
        return -1;
    int result = cluster_file_parse(bytes, size, out, err);
    if (result)
        err_prefix(err, "%s", path);
    free(bytes);
    return result;
}
