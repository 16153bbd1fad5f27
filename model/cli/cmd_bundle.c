/* outro bundle: what is in a bundle, and whether it would be served. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bundle/bundle.h"
#include "bundle/feature_names.h"
#include "bundle/manifest.h"
#include "bundle/net_directory.h"
#include "cli/cmd_bundle_network.h"
#include "cli/commands.h"
#include "cli/options.h"
#include "cli/progress.h"
#include "cli/scaler_changes.h"

static size_t tensors_of(const struct net_spec *spec)
{
    struct net_tensor tensor[NET_TENSORS_MAX];
    return net_tensors(spec, tensor);
}

static void show_net(const struct manifest *manifest)
{
    const struct net_spec *spec = &manifest->spec;
    char net[NET_TEXT_MAX], head[NET_TEXT_MAX], number[32];
    net_spec_print(spec, net, head);
    printf("net          %s\nhead         %s\nbase         %s\n", net, head,
           predictor_base_names[manifest->base]);
    printf("parameters   %s in %zu tensors\n", progress_number(net_params_count(spec), number),
           tensors_of(spec));
}

static void show_features(const char *kind, const char *const *names, const float *mean,
                          const float *inverse_sd, int count)
{
    for (int i = 0; i < count; i++)
        printf("  %-6s %-18s %12.6g %12.6g\n", kind, names[i], (double)mean[i],
               1 / (double)inverse_sd[i]);
}

static void show_inputs(const struct manifest *manifest, bool each)
{
    const struct predictor_scaler *s = &manifest->scaler;
    const char *start[START_FEATURES_MAX];
    size_t starts = start_names(manifest->scaler.panel, start);
    printf("inputs       %d step, %zu start, %d live\n", STEP_INPUTS, starts, LIVE_FEATURES);
    if (!each)
        return;
    printf("  %-6s %-18s %12s %12s\n", "kind", "name", "mean", "sd");
    show_features("step", STEP_NAMES, s->step_mean, s->step_inverse_sd, STEP_INPUTS);
    show_features("start", start, s->start_mean, s->start_inverse_sd, (int)starts);
    show_features("live", LIVE_NAMES, s->live_mean, s->live_inverse_sd, LIVE_FEATURES);
}

static void show_lists(const struct manifest *manifest)
{
    char number[32];
    puts(manifest->scores ? "scores" : "scores       none");
    for (size_t i = 0; i < manifest->scores; i++) {
        const struct manifest_score *score = &manifest->score[i];
        if (isnan(score->value))
            printf("  %-32s not measured\n", score->name);
        else
            printf("  %-32s %.6g\n", score->name, score->value);
    }
    puts("files");
    for (size_t i = 0; i < manifest->files; i++)
        printf("  %-32s %s bytes\n    sha256 %s\n", manifest->file[i].name,
               progress_number(manifest->file[i].size_bytes, number), manifest->file[i].sha256);
}

static void show_clusters(const struct manifest *manifest)
{
    const struct manifest_clusters *clusters = &manifest->clusters;
    char text[256];
    if (clusters->k == 0) {
        puts("clusters     none: every user has the global net");
        return;
    }
    printf("clusters     %u, %s\n", clusters->k, clusters->method);
    for (uint32_t c = 0; c < clusters->k; c++) {
        const struct manifest_cluster *cluster = &clusters->cluster[c];
        printf("  %-3u %llu people, %llu sessions; %s net: %s\n", c,
               (unsigned long long)cluster->users, (unsigned long long)cluster->sessions,
               cluster->own ? "its own" : "the global", cluster->why);
        if (!cluster->own || !cluster->own_scaler)
            continue;
        scaler_changes_sum_up(&manifest->scaler, &cluster->scaler, text, sizeof text);
        printf("      standardised by itself: %s\n", text);
    }
}

static int show(const char *path, bool each_input, struct err *err)
{
    struct manifest *manifest = bundle_manifest(path, err);
    if (!manifest)
        return -1;
    printf("version      %s\n", manifest->version);
    printf("created      %s\n", manifest->created);
    show_net(manifest);
    show_inputs(manifest, each_input);
    puts("quantiles    0.1 0.5 0.9");
    printf("session gap  %.10g s\n", (double)manifest->gap_ms / 1000);
    int64_t median_ms = manifest->pool_ms[POOL_VALUES / 2];
    int64_t longest_ms = manifest->pool_ms[POOL_VALUES - 1];
    printf("window       %u sessions a user; pool of %d lengths, median %.0f s, longest %.0f s\n",
           manifest->window, POOL_VALUES, (double)median_ms / 1000, (double)longest_ms / 1000);
    show_clusters(manifest);
    printf("self-test    %zu cases\n", manifest->cases);
    show_lists(manifest);
    free(manifest);
    return 0;
}

static int print_recipe(const char *path, struct err *err)
{
    struct manifest *manifest = bundle_manifest(path, err);
    if (!manifest)
        return -1;
    int result = 0;
    if (manifest->recipe[0])
        fputs(manifest->recipe, stdout);
    else
        result = err_set(err, ERR_INPUT, "%s: does not say what it was trained by", path);
    free(manifest);
    return result;
}

/* Loading has run the self-test of each of their nets. */
static void check_clusters(const struct bundle_clusters *clusters)
{
    size_t own = 0;
    if (!clusters)
        return;
    for (uint32_t c = 0; c < clusters->of.k; c++)
        own += clusters->cluster[c].net != NULL;
    printf("  clusters: %u, %zu people listed, %zu nets of their own, each by the self-test\n",
           clusters->of.k, clusters->of.members, own);
}

/* The bundle and its manifest are read one after the other: were it replaced in between, the counts
 * would be another bundle's, so the versions have to agree. */
static int check(const char *path, struct err *err)
{
    int result = -1;
    char number[32];
    struct manifest *manifest = bundle_manifest(path, err);
    struct bundle *bundle = manifest ? bundle_load(path, err) : NULL;
    if (!bundle)
        goto out;
    if (strcmp(bundle->version, manifest->version) != 0) {
        err_set(err, ERR_IO, "%s: replaced while it was read; check again", path);
        goto out;
    }
    const struct net_spec *spec = &bundle->net->spec;
    printf("%s: ok, %s\n", path, bundle->version);
    printf("  %zu file%s: size and sha256\n", manifest->files, manifest->files == 1 ? "" : "s");
    printf("  %zu tensors: names, dtype, shapes, %s finite values\n", tensors_of(spec),
           progress_number(net_params_count(spec), number));
    printf("  %u inputs: names, order, scaler\n", spec->inputs + spec->features);
    printf("  window %u, %d pool lengths ascending, quantiles, session gap\n", bundle->window,
           POOL_VALUES);
    printf("  self-test: %zu cases within %g\n", manifest->cases, SELFTEST_TOLERANCE);
    check_clusters(bundle->clusters);
    result = 0;
out:
    bundle_release(bundle);
    free(manifest);
    return result;
}

/* A directory that import made: a network without what serving needs. */
static int load_network(const char *path, bool show_it, struct err *err)
{
    struct net_file net;
    if (net_directory_load(path, &net, err))
        return -1;
    if (show_it)
        show_network(&net);
    else
        printf("%s: ok, a network: size, sha256, names, dtype, shapes, finite values; not a bundle "
               "to serve\n",
               path);
    net_file_release(&net);
    return 0;
}

static const struct {
    const char *verb;
    int (*run)(int argc, char **argv);
} PARTS[] = {
    {"import", cmd_bundle_import}, {"export", cmd_bundle_export}, {"diff", cmd_bundle_diff}};

int cmd_bundle(int argc, char **argv)
{
    for (size_t i = 0; argc > 1 && i < sizeof PARTS / sizeof *PARTS; i++)
        if (strcmp(argv[1], PARTS[i].verb) == 0)
            return PARTS[i].run(argc - 1, argv + 1);
    bool each_input = false;
    const struct option_row rows[] = {
        {"features", NULL, OPTION_FLAG, &each_input, 0, 0,
         "show: list every input with its mean and deviation"},
        OPTION_ROW_END,
    };
    const struct options options = {
        .command = "bundle",
        .operands = "show|check|recipe|diff|import|export BUNDLE",
        .summary =
            "show   prints what the manifest of BUNDLE (a directory, or a link to one) says\n"
            "recipe prints what it was trained by, as outro train --recipe reads it\n"
            "check  loads it as the daemon would: hashes, shapes, finite weights, inputs, "
            "self-test\n"
            "diff   A B: what changed between two bundles\n"
            "import, export   networks of Keras and PyTorch; `outro bundle import --help`",
        .min_operands = 2,
        .max_operands = 2,
        .rows = rows,
    };
    struct err err = {0};
    int result, count = options_parse(&options, argc, argv);
    if (count < 0)
        return options_status(count);
    bool shows = strcmp(argv[1], "show") == 0, checks = strcmp(argv[1], "check") == 0;
    if ((shows || checks) && net_directory_is(argv[2]))
        result = load_network(argv[2], shows, &err);
    else if (shows)
        result = show(argv[2], each_input, &err);
    else if (checks)
        result = check(argv[2], &err);
    else if (strcmp(argv[1], "recipe") == 0)
        result = print_recipe(argv[2], &err);
    else
        return options_usage(
            "bundle", "\"%s\" is none of show, check, recipe, diff, import, export", argv[1]);
    return result ? options_fail("bundle", &err) : 0;
}
