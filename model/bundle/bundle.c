#include "bundle/bundle.h"

#include <assert.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bundle/bundle_parts.h"
#include "bundle/files.h"
#include "bundle/manifest.h"
#include "bundle/publish.h"
#include "bundle/selftest.h"
#include "bundle/sha256.h"
#include "bundle/tensors.h"

#define NET_NAME     "global.safetensors"
#define MANIFEST_MAX ((size_t)16 << 20) /* bytes */
#define FILE_MAX     ((size_t)1 << 30)
#define READ_TRIES   10

struct bundle_names {
    char score[BUNDLE_SCORES_MAX][MANIFEST_NAME_MAX + 1];
    char recipe[BUNDLE_RECIPE_MAX];
};

/* ---- loading ---- */

static struct manifest *read_manifest(int dir, struct err *err)
{
    void *bytes = NULL;
    size_t size;
    struct manifest *manifest = NULL;
    if (file_read(dir, MANIFEST_NAME, MANIFEST_MAX, &bytes, &size, err))
        return NULL;
    manifest = malloc(sizeof *manifest);
    if (!manifest) {
        err_set(err, ERR_MEMORY, MANIFEST_NAME ": out of memory");
    } else if (manifest_parse(bytes, size, manifest, err)) {
        err_prefix(err, MANIFEST_NAME);
        free(manifest);
        manifest = NULL;
    }
    free(bytes);
    return manifest;
}

int bundle_read_file(int dir, const struct manifest_file *file, void **bytes, size_t *size,
                     struct err *err)
{
    char hash[SHA256_HEX + 1];
    if (file_read(dir, file->name, FILE_MAX, bytes, size, err))
        return -1;
    int result = 0;
    if (*size != file->size_bytes)
        result = err_set(err, ERR_CHECK, "%s: %zu bytes, the manifest says %llu", file->name, *size,
                         (unsigned long long)file->size_bytes);
    else if (sha256_hex(*bytes, *size, hash, err))
        result = -1;
    else if (strcmp(hash, file->sha256) != 0)
        result = err_set(err, ERR_CHECK, "%s: sha256 is %s, the manifest says %s", file->name, hash,
                         file->sha256);
    if (result) {
        free(*bytes);
        *bytes = NULL;
    }
    return result;
}

/* The bytes that were hashed are the bytes that are parsed. */
static struct predictor *read_net(int dir, const struct manifest *manifest, struct err *err)
{
    struct predictor *net = NULL;
    for (size_t i = 0; i < manifest->files; i++) {
        void *bytes;
        size_t size;
        if (bundle_read_file(dir, &manifest->file[i], &bytes, &size, err))
            goto fail;
        if (i == manifest->net_file) {
            net = tensors_decode(bytes, size, &manifest->spec, err);
            if (!net)
                err_prefix(err, "%s", manifest->file[i].name);
        }
        free(bytes);
        if (i == manifest->net_file && !net)
            goto fail;
    }
    assert(net); /* net_file is one of files */
    net->base = manifest->base;
    net->scaler = manifest->scaler;
    if (selftest_run(net, manifest->selftest, NULL, manifest->cases, err) == 0)
        return net;
fail:
    predictor_free(net);
    return NULL;
}

/* Takes net and clusters. */
static struct bundle *assemble(const struct manifest *manifest, struct predictor *net,
                               struct bundle_clusters *clusters, struct err *err)
{
    struct bundle *bundle = calloc(1, sizeof *bundle);
    struct bundle_names *names = malloc(sizeof *names);
    if (!bundle || !names) {
        err_set(err, ERR_MEMORY, "out of memory for a bundle");
        free(bundle);
        free(names);
        predictor_free(net);
        bundle_clusters_free(clusters);
        return NULL;
    }
    memcpy(bundle->version, manifest->version, sizeof bundle->version);
    memcpy(bundle->created, manifest->created, sizeof manifest->created);
    bundle->gap_ms = manifest->gap_ms;
    bundle->window = manifest->window;
    memcpy(bundle->pool_ms, manifest->pool_ms, sizeof bundle->pool_ms);
    bundle->net = net;
    bundle->clusters = clusters;
    bundle->names = names;
    bundle->scores = manifest->scores;
    for (size_t i = 0; i < manifest->scores; i++) {
        memcpy(names->score[i], manifest->score[i].name, sizeof names->score[i]);
        bundle->score[i] = (struct bundle_score){names->score[i], manifest->score[i].value};
    }
    memcpy(names->recipe, manifest->recipe, sizeof names->recipe);
    bundle->recipe = names->recipe[0] ? names->recipe : NULL;
    bundle->holders = 1;
    return bundle;
}

static struct bundle *load_from(int dir, struct err *err)
{
    struct bundle *bundle = NULL;
    struct manifest *manifest = read_manifest(dir, err);
    struct predictor *net = manifest ? read_net(dir, manifest, err) : NULL;
    struct bundle_clusters *clusters = NULL;
    if (net && manifest->clusters.k > 0)
        clusters = bundle_clusters_load(dir, manifest, net, err);
    if (net && (clusters || manifest->clusters.k == 0))
        bundle = assemble(manifest, net, clusters, err);
    else
        predictor_free(net);
    free(manifest);
    return bundle;
}

/* Whether path no longer means the directory that was opened: then it was replaced, and perhaps
 * removed, under our eyes, and the failure says nothing about the bundle that is there now. */
static bool replaced(const char *path, int dir)
{
    struct stat opened, now;
    return fstat(dir, &opened) == 0 && stat(path, &now) == 0 &&
           (opened.st_ino != now.st_ino || opened.st_dev != now.st_dev);
}

/* Opens path and gives its directory to take; again when it was replaced meanwhile. */
static void *with_directory(const char *path, void *(*take)(int dir, struct err *err),
                            struct err *err)
{
    void *taken = NULL;
    bool again = true;
    for (int attempt = 0; !taken && again && attempt < READ_TRIES; attempt++) {
        int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (dir < 0) {
            err_errno(err, "%s", path);
            return NULL;
        }
        taken = take(dir, err);
        again = !taken && replaced(path, dir);
        close(dir);
    }
    if (!taken)
        err_prefix(err, "%s", path);
    return taken;
}

static void *take_bundle(int dir, struct err *err)
{
    return load_from(dir, err);
}

static void *take_manifest(int dir, struct err *err)
{
    return read_manifest(dir, err);
}

static void *take_fingerprint(int dir, struct err *err)
{
    void *bytes;
    size_t size;
    if (file_read(dir, MANIFEST_NAME, MANIFEST_MAX, &bytes, &size, err))
        return NULL;
    char *hash = malloc(SHA256_HEX + 1);
    if (!hash)
        err_set(err, ERR_MEMORY, MANIFEST_NAME ": out of memory");
    else if (sha256_hex(bytes, size, hash, err)) {
        free(hash);
        hash = NULL;
    }
    free(bytes);
    return hash;
}

struct bundle *bundle_load(const char *path, struct err *err)
{
    return with_directory(path, take_bundle, err);
}

struct manifest *bundle_manifest(const char *path, struct err *err)
{
    return with_directory(path, take_manifest, err);
}

int bundle_fingerprint(const char *path, char out[65], struct err *err)
{
    char *hash = with_directory(path, take_fingerprint, err);
    if (!hash)
        return -1;
    memcpy(out, hash, SHA256_HEX + 1);
    free(hash);
    return 0;
}

struct bundle *bundle_hold(struct bundle *bundle)
{
    __atomic_add_fetch(&bundle->holders, 1, __ATOMIC_RELAXED);
    return bundle;
}

void bundle_release(struct bundle *bundle)
{
    if (!bundle || __atomic_sub_fetch(&bundle->holders, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    predictor_free(bundle->net);
    bundle_clusters_free(bundle->clusters);
    free(bundle->names);
    free(bundle);
}

/* ---- saving ---- */

static int describe_scores(struct manifest *manifest, const struct bundle *bundle, struct err *err)
{
    if (bundle->scores > BUNDLE_SCORES_MAX)
        return err_set(err, ERR_INPUT, "a bundle takes %d scores, not %zu", BUNDLE_SCORES_MAX,
                       bundle->scores);
    for (size_t i = 0; i < bundle->scores; i++) {
        size_t length = strlen(bundle->score[i].name);
        if (length > MANIFEST_NAME_MAX)
            return err_set(err, ERR_INPUT, "a score's name has %zu bytes, over %d", length,
                           MANIFEST_NAME_MAX);
        memcpy(manifest->score[i].name, bundle->score[i].name, length + 1);
        manifest->score[i].value = bundle->score[i].value;
    }
    manifest->scores = bundle->scores;
    return 0;
}

int bundle_write_file(int dir, const char *name, const void *bytes, size_t size,
                      struct manifest *manifest, uint32_t *index, struct err *err)
{
    assert(manifest->files < MANIFEST_FILES_MAX && strlen(name) <= MANIFEST_NAME_MAX);
    struct manifest_file *file = &manifest->file[manifest->files];
    memcpy(file->name, name, strlen(name) + 1);
    file->size_bytes = size;
    if (sha256_hex(bytes, size, file->sha256, err) || file_write(dir, name, bytes, size, err))
        return -1;
    *index = (uint32_t)manifest->files++;
    return 0;
}

static int save_net(int dir, const struct predictor *net, struct manifest *manifest,
                    struct err *err)
{
    unsigned char *weights;
    size_t size;
    if (tensors_encode(net, &weights, &size, err))
        return -1;
    int result =
        bundle_write_file(dir, NET_NAME, weights, size, manifest, &manifest->net_file, err);
    free(weights);
    return result;
}

/* All of the manifest that is not about files. */
static int describe(struct manifest *manifest, const struct bundle *bundle, struct err *err)
{
    *manifest = (struct manifest){.gap_ms = bundle->gap_ms,
                                  .window = bundle->window,
                                  .spec = bundle->net->spec,
                                  .base = bundle->net->base,
                                  .scaler = bundle->net->scaler,
                                  .cases = SELFTEST_CASES};
    memcpy(manifest->pool_ms, bundle->pool_ms, sizeof manifest->pool_ms);
    if (describe_scores(manifest, bundle, err))
        return -1;
    const char *recipe = bundle->recipe ? bundle->recipe : "";
    if (strlen(recipe) >= sizeof manifest->recipe)
        return err_set(err, ERR_INPUT, "a recipe of %zu bytes, over %d", strlen(recipe),
                       BUNDLE_RECIPE_MAX - 1);
    memcpy(manifest->recipe, recipe, strlen(recipe) + 1);
    return selftest_make(bundle->net, manifest->selftest, err);
}

/* The manifest comes last: without it, nothing takes the directory for a bundle. */
static int fill(int dir, const struct bundle *bundle, const char *created,
                struct manifest *manifest, struct err *err)
{
    char contents[SHA256_HEX + 1], *text;
    if (describe(manifest, bundle, err) || save_net(dir, bundle->net, manifest, err) ||
        bundle_clusters_save(dir, bundle, manifest, err) ||
        manifest_contents(manifest, contents, err) ||
        manifest_version(created, contents, manifest->version, err))
        return -1;
    memcpy(manifest->created, created, sizeof manifest->created);
    if (manifest_encode(manifest, &text, err))
        return -1;
    int result = file_write(dir, MANIFEST_NAME, text, strlen(text), err);
    free(text);
    return result;
}

int bundle_can_save(const char *path, struct err *err)
{
    struct publication publication;
    int result = publication_open(&publication, path, err);
    publication_release(&publication);
    return result;
}

int bundle_save(const char *path, const struct bundle *bundle, const char *created_rfc3339,
                char version[BUNDLE_VERSION_MAX + 1], struct err *err)
{
    struct publication publication;
    int result = publication_open(&publication, path, err);
    struct manifest *manifest = malloc(sizeof *manifest);
    if (result)
        goto out;
    result = -1;
    if (!manifest) {
        err_set(err, ERR_MEMORY, "%s: out of memory", path);
        goto out;
    }
    /* What will not load is not published: the checks of the reader are the checks of the writer.
     */
    struct bundle *back = NULL;
    if (fill(publication.dir, bundle, created_rfc3339, manifest, err) == 0)
        back = load_from(publication.dir, err);
    if (!back) {
        err_prefix(err, "%s", path);
        goto out;
    }
    bundle_release(back);
    result = publication_commit(&publication, manifest->version, err);
    if (result == 0 && version)
        memcpy(version, manifest->version, sizeof manifest->version);
out:
    free(manifest);
    publication_release(&publication);
    return result;
}
