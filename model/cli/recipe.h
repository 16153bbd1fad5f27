/* recipe.h - all that decides what `outro train` makes of a log, as one table of keys: the flags of
 * the command, the lines of a recipe file ("key = value", # comments), what --print-recipe prints
 * and what a bundle stores come from its rows. Not in it: how many threads, which change nothing.
 */
#ifndef OUTRO_CLI_RECIPE_H
#define OUTRO_CLI_RECIPE_H

#include <stddef.h>
#include <stdio.h>

#include "core/err.h"
#include "nn/trainer.h"

#define RECIPE_VALUE_MAX 1024 /* of any value, the NUL included */

struct recipe {
    char net[NET_TEXT_MAX];
    char head[NET_TEXT_MAX];        /* the layers before the outputs; those are the loss's */
    uint32_t panel;                 /* start features to be added (bundle/feature_names.h) */
    struct trainer_options options; /* spec: once recipe_finish has been called */
};

/* One row of the table. */
struct recipe_key {
    const char *name;  /* as in a file; a flag has - for _ */
    const char *value; /* what --help calls the value */
    const char *doc;
    size_t offset; /* of a number in struct trainer_options */
    double min, max;
    int (*read)(const struct recipe_key *key, const char *value, struct recipe *recipe,
                struct err *err);
    void (*print)(const struct recipe_key *key, const struct recipe *recipe,
                  char out[RECIPE_VALUE_MAX]);
};

/** The table and its size. */
const struct recipe_key *recipe_keys(size_t *count);

/** The defaults: the recipe of model/PREDICTOR.md. Caller's memory, nothing to release. */
void recipe_init(struct recipe *recipe);
/** Sets one key. @return 0, or -1 with ERR_USAGE: key, value and what it may be */
int recipe_set(struct recipe *recipe, const char *key, const char *value,
               struct err *err) MUST_CHECK;
/** Reads a recipe over what is there. @param name what errors call it  @return 0, or -1 with
 * ERR_USAGE "NAME:LINE: ..." */
int recipe_parse(struct recipe *recipe, const char *text, const char *name,
                 struct err *err) MUST_CHECK;
/** recipe_parse of a file's contents. @return 0, -1: ERR_USAGE too where there is no such file */
int recipe_load(struct recipe *recipe, const char *path, struct err *err) MUST_CHECK;
/** When all is set: makes options.spec, checks what no single key shows. @return 0, -1 ERR_USAGE */
int recipe_finish(struct recipe *recipe, struct err *err) MUST_CHECK;

/** The value of a key, as a file would have it. */
void recipe_value(const struct recipe_key *key, const struct recipe *recipe,
                  char out[RECIPE_VALUE_MAX]);
/** All keys, as recipe_parse reads them back. @return new text, caller frees; NULL with ERR_MEMORY
 */
char *recipe_text(const struct recipe *recipe, struct err *err) MUST_CHECK;

#endif
