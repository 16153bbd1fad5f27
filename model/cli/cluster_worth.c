#include "cli/cluster_worth.h"

#include <string.h>
#include <unistd.h>

#include "cli/train_run.h"
#include "data/durations.h"

static int train(const struct people_source *source, const struct train_clusters *clusters,
                 struct log *log, struct err *err)
{
    static volatile sig_atomic_t interrupted; /* never: Ctrl-C ends the command */
    const struct train_source train_source = {.log = log,
                                              .params = STREAM_PARAMS_DEFAULTS,
                                              .quiet = source->quiet,
                                              .interrupted = &interrupted};
    struct train_run run = {.threads = clusters->threads, .clusters = *clusters};
    recipe_init(&run.recipe);
    return recipe_finish(&run.recipe, err) ? -1 : train_run(&run, &train_source, &interrupted, err);
}

int cluster_worth(const struct people_source *source, const struct clustering *of,
                  uint32_t against_random, uint64_t min_users, struct err *err)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    const struct train_clusters clusters = {.of = of,
                                            .min_users = min_users,
                                            .against_random = against_random,
                                            .threads = cores > 1 ? (uint32_t)cores : 1};
    struct log_options options = {.strict = source->strict};
    struct durations *durations = NULL;
    int result = -1;
    if (strcmp(source->path, "-") == 0)
        return err_set(err, ERR_USAGE,
                       "--against-random: standard input cannot be read again to train on");
    if (train_clusters_check(of, "--columns", err) ||
        log_hints_read(&source->hints, &options.form, &options.user, err) ||
        (source->durations_path && !(durations = durations_load(source->durations_path, err))))
        return -1;
    options.durations = durations;
    struct log *log = open_log(source->path, &options, source->quiet, err);
    if (log)
        result = train(source, &clusters, log, err);
    log_free(log);
    durations_free(durations);
    return result;
}
