#include "bundle/net_directory.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "bundle/files.h"
#include "bundle/json_fields.h"
#include "bundle/manifest.h"
#include "bundle/publish.h"
#include "bundle/sha256.h"

#define FORMAT         "outro-network"
#define FORMAT_VERSION 1
#define NET_NAME       "network.safetensors"
#define MANIFEST_MAX   ((size_t)16 << 20) /* bytes; that of a bundle is opened here too */
#define FILE_MAX       ((size_t)1 << 30)

/* ---- reading ---- */

static bool is_network(const json_t *manifest)
{
    const char *format = json_string_value(json_object_get(manifest, "format"));
    return format && strcmp(format, FORMAT) == 0;
}

bool net_directory_is(const char *path)
{
    int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    json_t *manifest = dir >= 0 ? json_file_read(dir, MANIFEST_NAME, MANIFEST_MAX, NULL) : NULL;
    bool result = is_network(manifest);
    json_decref(manifest);
    if (dir >= 0)
        close(dir);
    return result;
}

static int check_file(const json_t *manifest, const void *bytes, size_t size, struct err *err)
{
    int64_t version, size_bytes;
    char expected[SHA256_HEX + 1], found[SHA256_HEX + 1];
    if (field_integer(manifest, "", "format_version", FORMAT_VERSION, FORMAT_VERSION, &version,
                      err) ||
        field_integer(manifest, "", "size_bytes", 0, (int64_t)FILE_MAX, &size_bytes, err) ||
        field_string(manifest, "", "sha256", expected, sizeof expected, err)) {
        err_prefix(err, MANIFEST_NAME);
        return -1;
    }
    if ((size_t)size_bytes != size)
        return err_set(err, ERR_CHECK, NET_NAME ": %zu bytes, the manifest says %lld", size,
                       (long long)size_bytes);
    if (sha256_hex(bytes, size, found, err))
        return -1;
    if (strcmp(expected, found) != 0)
        return err_set(err, ERR_CHECK, NET_NAME ": sha256 is %s, the manifest says %s", found,
                       expected);
    return 0;
}

static int load_network(int dir, const json_t *manifest, struct net_file *out, struct err *err)
{
    void *bytes;
    size_t size;
    if (file_read(dir, NET_NAME, FILE_MAX, &bytes, &size, err))
        return -1;
    int result = check_file(manifest, bytes, size, err);
    if (result == 0 && net_file_decode(bytes, size, out, err))
        result = err_prefix(err, NET_NAME);
    free(bytes);
    return result;
}

static int load_bundle(const char *path, struct net_file *out, struct err *err)
{
    struct bundle *bundle = bundle_load(path, err);
    if (!bundle)
        return -1;
    /* No version: what is exported twice is the same bytes, whoever trained it. */
    int result = net_file_of(&bundle->net->spec, bundle->net->params, out, err);
    bundle_release(bundle);
    return result;
}

int net_directory_load(const char *path, struct net_file *out, struct err *err)
{
    int result = -1, dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0)
        return err_errno(err, "%s", path);
    json_t *manifest = json_file_read(dir, MANIFEST_NAME, MANIFEST_MAX, err);
    if (is_network(manifest))
        result = load_network(dir, manifest, out, err);
    if (manifest && !is_network(manifest))
        result = load_bundle(path, out, err);
    else if (result)
        err_prefix(err, "%s", path);
    json_decref(manifest);
    close(dir);
    return result;
}

/* ---- writing ---- */

static int write_manifest(int dir, const char *created, const void *bytes, size_t size,
                          char version[BUNDLE_VERSION_MAX + 1], struct err *err)
{
    char hash[SHA256_HEX + 1];
    if (sha256_hex(bytes, size, hash, err) || manifest_version(created, hash, version, err))
        return -1;
    json_t *root = json_pack("{s:s, s:i, s:s, s:s, s:I, s:s}", "format", FORMAT, "format_version",
                             FORMAT_VERSION, "created", created, "file", NET_NAME, "size_bytes",
                             (json_int_t)size, "sha256", hash);
    char *text = root ? json_dumps(root, JSON_INDENT(2)) : NULL;
    json_decref(root);
    if (!text)
        return err_set(err, ERR_MEMORY, MANIFEST_NAME ": out of memory");
    int result = file_write(dir, MANIFEST_NAME, text, strlen(text), err);
    free(text);
    return result;
}

/* A daemon may watch that name; a network would be of no use to it. */
static int refuse_bundle(const char *path, struct err *err)
{
    int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    json_t *manifest = dir >= 0 ? json_file_read(dir, MANIFEST_NAME, MANIFEST_MAX, NULL) : NULL;
    bool other = manifest && !is_network(manifest);
    json_decref(manifest);
    if (dir >= 0)
        close(dir);
    return other ? err_set(err, ERR_INPUT,
                           "%s: a bundle is there, a network alone cannot take its place; give "
                           "another name, or make a bundle with --like",
                           path)
                 : 0;
}

int net_directory_save(const char *path, const struct net_file *net, const char *created_rfc3339,
                       struct err *err)
{
    struct publication publication;
    char version[BUNDLE_VERSION_MAX + 1];
    unsigned char *bytes = NULL;
    size_t size;
    if (refuse_bundle(path, err))
        return -1;
    int result = publication_open(&publication, path, err);
    if (result)
        goto out;
    result = -1;
    if (net_file_encode(net, &bytes, &size, err) ||
        file_write(publication.dir, NET_NAME, bytes, size, err) ||
        write_manifest(publication.dir, created_rfc3339, bytes, size, version, err)) {
        err_prefix(err, "%s", path);
        goto out;
    }
    result = publication_commit(&publication, version, err);
out:
    free(bytes);
    publication_release(&publication);
    return result;
}

int net_directory_serve(const char *path, const struct net_file *net, const struct bundle *like,
                        const char *created_rfc3339, char version[BUNDLE_VERSION_MAX + 1],
                        struct err *err)
{
    struct bundle bundle = {.gap_ms = like->gap_ms, .window = like->window};
    if (net->masked)
        return err_set(err, ERR_SHAPE,
                       "a net with masked steps cannot serve: every step of the predictor is one");
    if (net->spec.features != like->net->spec.features)
        return err_set(err, ERR_SHAPE,
                       "the net has %u features beside the last state, those of bundle %s are %u",
                       net->spec.features, like->version, like->net->spec.features);
    bundle.net = predictor_new(&net->spec, 0, err);
    if (!bundle.net)
        return -1;
    for (size_t i = 0; i < bundle.net->params_count; i++)
        bundle.net->params[i] = (float)net->params[i];
    bundle.net->base = like->net->base;
    bundle.net->scaler = like->net->scaler;
    memcpy(bundle.pool_ms, like->pool_ms, sizeof bundle.pool_ms);
    int result = bundle_save(path, &bundle, created_rfc3339, version, err);
    predictor_free(bundle.net);
    return result;
}
