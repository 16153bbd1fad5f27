/* bundle.h - what serving needs, in one directory: manifest.json (schemas/bundle.json) and
 * global.safetensors. Written beside its final name and renamed; read whole and checked (sha256 of
 * each file, shapes, finite weights, feature names, self-test) before anybody uses it. Immutable
 * once loaded: share it by pointer, count holders with bundle_hold. */
#ifndef OUTRO_BUNDLE_BUNDLE_H
#define OUTRO_BUNDLE_BUNDLE_H

#include <stdint.h>

#include "cluster/clustering.h"
#include "core/err.h"
#include "nn/predictor.h"

#define POOL_VALUES        400
#define BUNDLE_VERSION_MAX 64
#define BUNDLE_WHY_MAX     159 /* bytes of a sentence */

/* What training measured, for people. */
struct bundle_score {
    const char *name; /* "validation.pinball_ratio", "test.m1", ...: 1 .. 64 bytes */
    double value;     /* NAN: not measured */
};
#define BUNDLE_SCORES_MAX 32
#define BUNDLE_RECIPE_MAX 8192 /* bytes of a recipe, the NUL included */

/* One cluster of a bundle. */
struct bundle_cluster {
    struct predictor *net;    /* owned, of the global net's spec; NULL: the global net serves it */
    uint64_t users, sessions; /* of the training log */
    char why[BUNDLE_WHY_MAX + 1]; /* it has, or has not, a net of its own; for people */
};

/* Who has which net. */
struct bundle_clusters {
    struct clustering of; /* owned; its columns are those a user's record keeps */
    uint32_t id;          /* of these clusters in users' records; never 0; by the version */
    struct bundle_cluster *cluster; /* (of.k) owned */
};

struct bundle {
    char version[BUNDLE_VERSION_MAX + 1]; /* "20261124T101500Z-1a2b3c4d": creation time and the
                                           * head of the weights' sha256 */
    char created[32];                     /* RFC 3339, UTC */
    int64_t gap_ms;                       /* the session rule it was trained under */
    uint32_t window;                      /* W of the kernel KM */
    int64_t pool_ms[POOL_VALUES];         /* ascending; pool_make's (stream/pool.h) */
    struct predictor *net;                /* owned; the global one */
    struct bundle_clusters *clusters;     /* owned; NULL: everybody has the global net */
    size_t scores;
    struct bundle_score score[BUNDLE_SCORES_MAX]; /* names, as recipe, owned by a loaded bundle */
    const char *recipe;         /* what it was trained by, "key = value" lines; NULL: not said */
    struct bundle_names *names; /* private */
    int holders;                /* private, atomic */
};

/** Writes a bundle as directory path: filled beside that name, loaded back and checked, then given
 * the name in one step (publish.h says what may stand there before; a symlink such as `current` is
 * switched to a new directory beside it). Computes version, hashes and self-test.
 * @param bundle borrowed; version, created, names and holders are not read
 * @param created_rfc3339 the caller's clock: UTC and whole seconds, "2026-11-24T10:15:00Z"
 * @param version out, may be NULL
 * @return 0, or -1 with ERR_IO, ERR_INPUT, ERR_SHAPE, ERR_CHECK, ERR_MEMORY; path is as it was */
int bundle_save(const char *path, const struct bundle *bundle, const char *created_rfc3339,
                char version[BUNDLE_VERSION_MAX + 1], struct err *err) MUST_CHECK;

/** Whether bundle_save could give a bundle this name, asked before hours of training.
 * @return 0, or -1 with ERR_IO, ERR_INPUT, ERR_MEMORY; nothing is left behind */
int bundle_can_save(const char *path, struct err *err) MUST_CHECK;

/** Loads and checks all of it. path may be a symlink (`current`). @return new bundle with one
 * holder, or NULL: ERR_IO, ERR_INPUT, ERR_SHAPE, ERR_CHECK with file and reason; nothing else is
 * touched */
struct bundle *bundle_load(const char *path, struct err *err) MUST_CHECK;

/** Frees what clusters own, for those who made them; one that is all zero is fine. */
void bundle_clusters_release(struct bundle_clusters *clusters);

/** One holder more; returns its argument. Thread-safe. */
struct bundle *bundle_hold(struct bundle *bundle);
/** One holder less; the last one frees. Thread-safe; NULL is fine. */
void bundle_release(struct bundle *bundle);

/** sha256 of path's manifest.json in hex: changes exactly when the bundle does; what a watcher
 * polls. */
int bundle_fingerprint(const char *path, char out[65], struct err *err) MUST_CHECK;

struct manifest;
/** Reads path's manifest alone (manifest.h), for people who want to look at a bundle: no other file
 * is opened or checked. @return new, caller frees; or NULL as bundle_load */
struct manifest *bundle_manifest(const char *path, struct err *err) MUST_CHECK;

#endif
