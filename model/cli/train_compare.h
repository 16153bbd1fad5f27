/* train_compare.h - `outro train LOG --compare A B`: two recipes trained from the same seeds on the
 * same rows, scored as `outro replay` scores, and their difference with an interval over users. */
#ifndef OUTRO_CLI_TRAIN_COMPARE_H
#define OUTRO_CLI_TRAIN_COMPARE_H

#include "cli/recipe.h"
#include "cli/train_data.h"

struct train_compare {
    const char *name[2]; /* what the two are called: their files */
    struct recipe recipe[2];
    uint32_t seeds;    /* each recipe's own seed and those behind it */
    uint32_t hold_out; /* K: every K-th person is held out in turn, and only then scored; 0: nobody
                        * is, and the last fifth of everybody's sessions is scored */
    uint32_t threads;  /* trainings at a time; the figures do not depend on it */
};

/** Trains, scores and prints the table to standard output. @return 0, -1 with err */
int train_compare_run(const struct train_source *source, const struct train_compare *compare,
                      struct err *err) MUST_CHECK;

#endif
