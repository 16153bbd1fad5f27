#include "cli/train_run.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/checkpoint.h"
#include "cli/created.h"
#include "cli/train_report.h"

/* What the trainer's calls back see. */
struct watch {
    const struct train_run *run;
    const struct train_source *source;
    struct progress progress;
};

/* How good a net is; a small log may have nothing to say so by. */
static const char *validated(double ratio, char out[80])
{
    if (isnan(ratio))
        return "validation says nothing";
    snprintf(out, 80, "validation %.4f of the kernel KM's pinball", ratio);
    return out;
}

static bool show_step(void *ctx, const struct trainer_progress *p)
{
    struct watch *watch = ctx;
    double done = ((double)p->epoch - 1) + (double)p->step / p->steps;
    progress_update(&watch->progress, p->rows, done / p->epochs,
                    "epoch %u/%u  loss %.5f  lr %.1e  best validation %.4f", p->epoch, p->epochs,
                    p->loss, p->learning_rate, p->best_validation);
    return !*watch->source->interrupted;
}

static int keep_checkpoint(void *ctx, const void *bytes, size_t size, struct err *err)
{
    struct watch *watch = ctx;
    return checkpoint_write(watch->run->checkpoint_path, bytes, size, err);
}

static struct predictor *train_net(const struct train_run *run, const struct train_source *source,
                                   const struct train_data *data, struct trainer_report *report,
                                   struct err *err)
{
    struct watch watch = {.run = run, .source = source};
    struct trainer_options options = run->recipe.options;
    struct trainer_hooks hooks = {.ctx = &watch, .progress = show_step};
    void *resume = NULL;
    options.threads = run->threads;
    if (run->checkpoint_path)
        hooks.checkpoint = keep_checkpoint;
    if (run->resume && checkpoint_read(run->checkpoint_path, &resume, &hooks.resume_size, err))
        return NULL;
    hooks.resume = resume;
    progress_begin(&watch.progress, "training", "rows", source->quiet);
    struct predictor *net = trainer_run(&data->set, &options, &hooks, report, err);
    if (!net && resume && err && err->code == ERR_INPUT)
        err_prefix(err, "%s", run->checkpoint_path);
    double seconds = progress_end(&watch.progress);
    free(resume);
    char text[80];
    if (net && !source->quiet)
        fprintf(stderr,
                "outro train: %llu training and %llu validation rows, %.1f s; best epoch %u of %u, "
                "%s\n",
                (unsigned long long)report->training_rows,
                (unsigned long long)report->validation_rows, seconds, report->best_epoch,
                report->epochs, validated(report->best_validation, text));
    return net;
}

static int save(const struct train_run *run, const struct train_source *source,
                const struct train_data *data, struct predictor *net,
                struct bundle_clusters *clusters, const struct trainer_report *report,
                struct err *err)
{
    struct bundle bundle = train_bundle(source, data, net);
    bundle.clusters = clusters;
    char created[32], version[BUNDLE_VERSION_MAX + 1];
    char *recipe = recipe_text(&run->recipe, err);
    if (!recipe)
        return -1;
    bundle.recipe = recipe;
    bundle.scores = 3;
    bundle.score[0] = (struct bundle_score){"training.loss", report->training_loss};
    bundle.score[1] = (struct bundle_score){"validation.pinball_ratio", report->best_validation};
    bundle.score[2] = (struct bundle_score){"training.best_epoch", report->best_epoch};
    created_now(created);
    int result = bundle_save(run->out_path, &bundle, created, version, err);
    free(recipe);
    if (result == 0)
        printf("%s\t%s\n", run->out_path, version);
    return result;
}

/* What is told once the bundle is there. */
static int finish(const struct train_run *run, const struct train_source *source,
                  const struct train_data *data, struct predictor *net,
                  struct bundle_clusters *clusters, const struct trainer_report *report,
                  struct err *err)
{
    if (clusters && train_clusters_table(source, data, net, clusters, err))
        return -1;
    if (clusters && run->clusters.against_random &&
        train_clusters_random(&run->clusters, &run->recipe, source, data, net, clusters, err))
        return -1;
    return run->report_path
               ? train_report(run->report_path, &run->recipe, source, data, net, report, err)
               : 0;
}

int train_run(const struct train_run *run, const struct train_source *source,
              volatile sig_atomic_t *interrupted, struct err *err)
{
    const struct hold_out nobody = {0};
    struct trainer_report report = {0};
    struct train_data data;
    struct bundle_clusters made = {0}, *clusters = run->clusters.of ? &made : NULL;
    int result = -1;
    if (train_data_make(source, nobody, run->recipe.panel, run->recipe.options.seed, &data, err))
        return -1;
    struct predictor *net = train_net(run, source, &data, &report, err);
    *interrupted = 0; /* the next one is for what follows */
    if (net)
        result = 0;
    if (result == 0 && clusters)
        result = train_clusters_run(&run->clusters, &run->recipe, source, &data, net,
                                    run->clusters.of, clusters, err);
    if (result == 0 && run->out_path)
        result = save(run, source, &data, net, clusters, &report, err);
    if (result == 0)
        result = finish(run, source, &data, net, clusters, &report, err);
    bundle_clusters_release(&made);
    free(report.curve);
    predictor_free(net);
    train_data_release(&data);
    return result;
}
