/* train_run.h - one training of `outro train`: its rows, its checkpoint, its bundle and its report.
 */
#ifndef OUTRO_CLI_TRAIN_RUN_H
#define OUTRO_CLI_TRAIN_RUN_H

#include "cli/recipe.h"
#include "cli/train_clusters.h"
#include "cli/train_data.h"

struct train_run {
    struct recipe recipe;
    uint32_t threads;
    const char *out_path;        /* of the bundle; NULL: it is not wanted */
    const char *checkpoint_path; /* written at every epoch's end; NULL: none */
    bool resume;                 /* go on from that checkpoint */
    const char *report_path;     /* directory of the report; NULL: none */
    struct train_clusters clusters;
};

/** Trains, publishes, and says what clusters came to. Interrupted, it keeps the best weights so far
 * and lowers the flag.
 *  @param interrupted source's  @return 0, -1 with err */
int train_run(const struct train_run *run, const struct train_source *source,
              volatile sig_atomic_t *interrupted, struct err *err) MUST_CHECK;

#endif
