/* manifest.h - manifest.json of a bundle as a value: what schemas/bundle.json describes, read and
 * written. Reading checks all that can be checked without the other files: names, ranges, order.
 * Pure: bytes in, bytes out. */
#ifndef OUTRO_BUNDLE_MANIFEST_H
#define OUTRO_BUNDLE_MANIFEST_H

#include <stddef.h>
#include <stdint.h>

#include "bundle/bundle.h"
#include "bundle/selftest.h"
#include "bundle/sha256.h"
#include "core/err.h"
#include "nn/predictor.h"

#define MANIFEST_NAME           "manifest.json"
#define MANIFEST_FORMAT         "outro-bundle"
#define MANIFEST_FORMAT_VERSION 2 /* another one is refused: a change of meaning raises it */
#define MANIFEST_FILES_MAX      (CLUSTERS_MAX + 2)
#define MANIFEST_NAME_MAX       64 /* bytes of a file's or score's name */
#define MANIFEST_CREATED        20 /* "2026-11-24T10:15:00Z" */
#define WINDOW_MAX              4096

struct manifest_file {
    char name[MANIFEST_NAME_MAX + 1]; /* of the bundle's own directory: letters, digits, . _ - */
    uint64_t size_bytes;
    char sha256[SHA256_HEX + 1];
};

struct manifest_score {
    char name[MANIFEST_NAME_MAX + 1];
    double value; /* NAN: not measured */
};

/* One cluster: who was in it when it was trained, and the net that its users have. */
struct manifest_cluster {
    uint64_t users, sessions;     /* of the training log */
    char why[BUNDLE_WHY_MAX + 1]; /* it has a net of its own, or the global one */
    bool own;                     /* a net of its own; nothing below is looked at otherwise */
    uint32_t file;                /* index in file of that net's tensors */
    bool own_scaler;              /* else the global net's */
    struct predictor_scaler scaler;
    float remaining_s[SELFTEST_CASES_MAX][QUANTILES]; /* what it says of the self-test's rows */
};

struct manifest_clusters {
    char method[16]; /* "none": nothing below is looked at */
    uint32_t file;   /* index in file of the clustering (cluster_file.h) */
    uint32_t k;
    struct manifest_cluster cluster[CLUSTERS_MAX];
};

struct manifest {
    char version[BUNDLE_VERSION_MAX + 1];
    char created[MANIFEST_CREATED + 1];
    int64_t gap_ms;
    uint32_t window;
    int64_t pool_ms[POOL_VALUES];
    struct net_spec spec;
    enum predictor_base base;
    struct predictor_scaler scaler;
    uint32_t net_file; /* index in file of the global net's tensors */
    size_t files;
    struct manifest_file file[MANIFEST_FILES_MAX];
    size_t scores;
    struct manifest_score score[BUNDLE_SCORES_MAX];
    char recipe[BUNDLE_RECIPE_MAX]; /* what it was trained by; "": not said */
    size_t cases;
    struct selftest_case selftest[SELFTEST_CASES_MAX];
    struct manifest_clusters clusters;
};

/** What a bundle's version says of its contents: the sha256 of the global net, or, with clusters,
 * that of the sha256s of all files. @return 0, -1 with ERR_MEMORY */
int manifest_contents(const struct manifest *manifest, char out[SHA256_HEX + 1],
                      struct err *err) MUST_CHECK;

/** The version that a creation time and contents have: "20261124T101500Z-1a2b3c4d".
 *  @param created RFC 3339 in UTC and whole seconds  @return 0, or -1: ERR_INPUT (created is not
 * that) */
int manifest_version(const char *created, const char *contents_sha256,
                     char out[BUNDLE_VERSION_MAX + 1], struct err *err) MUST_CHECK;

/** @param out filled on success only  @return 0, or -1: ERR_INPUT with the field and the reason,
 * ERR_MEMORY */
int manifest_parse(const void *json, size_t size, struct manifest *out, struct err *err) MUST_CHECK;

/** @param manifest what manifest_parse would accept  @param text new, NUL-terminated, caller frees
 *  @return 0, or -1 with ERR_INPUT (not UTF-8, not finite) or ERR_MEMORY */
int manifest_encode(const struct manifest *manifest, char **text, struct err *err) MUST_CHECK;

#endif
