/* prepare_manifest.h - manifest.json of a folder that `outro prepare` writes
 * (schemas/prepared.json): of what it was made and how, which stages are whole, what was counted
 * and what was refused. A stage counts as whole when its files have the sizes noted. Reads and
 * writes files. */
#ifndef OUTRO_CLI_PREPARE_MANIFEST_H
#define OUTRO_CLI_PREPARE_MANIFEST_H

#include <stdbool.h>

#include <jansson.h>

#include "bundle/sha256.h"
#include "prepare/prepare.h"

/* One of the files it is made of. */
struct prepare_input {
    const char *role;            /* "log", "profiles" */
    const char *path;            /* NULL: not given */
    int64_t size;                /* bytes; -1: not known, as of a pipe before it was read */
    char sha256[SHA256_HEX + 1]; /* "": not known */
};

/** Size; the hash is not taken yet. @return 0, -1 with err */
int prepare_input_look(struct prepare_input *input, struct err *err) MUST_CHECK;
/** The hash, if it can be had without reading a pipe and is not there. @return 0, -1 with err */
int prepare_input_hash(struct prepare_input *input, struct err *err) MUST_CHECK;
/** Whether size and hash are known only once it was read. */
static inline bool prepare_input_is_pipe(const struct prepare_input *input)
{
    return input->path && input->size < 0;
}

struct prepare_manifest {
    int folder; /* borrowed, open */
    bool seed_compat;
    json_t *options;              /* owned */
    struct prepare_input *inputs; /* borrowed (input_count) */
    size_t input_count;
    json_t *stages, *counts, *rejected; /* owned */
};

/** Of a folder: what stands there is read, and must be of the same options and inputs, or the
 * folder must hold nothing of ours. Inputs that the manifest has a hash of are hashed. @param
 * options taken
 *  @return 0; -1: ERR_INPUT (the folder is of something else), ERR_IO, ERR_MEMORY */
int prepare_manifest_open(struct prepare_manifest *manifest, int folder, bool seed_compat,
                          json_t *options, struct prepare_input *inputs, size_t input_count,
                          struct err *err) MUST_CHECK;
void prepare_manifest_clear(struct prepare_manifest *manifest);

/** Bit i: prepare_stages()[i] is whole. */
unsigned prepare_manifest_done(const struct prepare_manifest *manifest);
/** Notes a stage that has its files. @return 0, -1 with err */
int prepare_manifest_add(struct prepare_manifest *manifest, unsigned stage,
                         struct err *err) MUST_CHECK;
/** Notes what was read. @return 0, -1 with ERR_MEMORY */
int prepare_manifest_count(struct prepare_manifest *manifest, const struct history *history,
                           const struct prepare_counts *counts, struct err *err) MUST_CHECK;
/** Writes it beside its name, brings it to the disk and renames it. @return 0, -1 with ERR_IO */
int prepare_manifest_write(const struct prepare_manifest *manifest, struct err *err) MUST_CHECK;

#endif
