/* `outro evaluate` and `outro train --seed-compat` as their users run them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "shell_fixture.h"

static int prepare(void **state)
{
    (void)state;
    char output[4096];
    if (shell_folder_make(OUTRO_FOLDER, false))
        return -1;
    return shell_in_folder(
        "outro synth --quiet --rows 12000 --users 6 --out log.tsv && "
        "outro train --quiet --epochs 1 log.tsv --out bundle 2>&1 && "
        "outro prepare --quiet --seed-compat --cut 0.8 --test-users 0.8 --validate-users 0.2 "
        "log.tsv --out dir 2>&1 && "
        "{ echo 'user\tcluster'; ls dir/summary/train | sed 's/.csv$//' | "
        "awk '{ print $1 \"\\t\" (NR > 3) }'; } >clusters.tsv",
        output, sizeof output);
}

static json_t *load(const char *command)
{
    static char output[65536];
    json_error_t error;
    assert_int_equal(shell_in_folder(command, output, sizeof output), 0);
    json_t *root = json_loads(output, 0, &error);
    if (!root)
        fail_msg("%s: %s", command, error.text);
    return root;
}

static double number(const json_t *root, const char *a, const char *b, const char *c)
{
    const json_t *value = json_object_get(json_object_get(root, a), b);
    return json_number_value(c ? json_object_get(value, c) : value);
}

static void test_cmd_evaluate_agrees_with_replay(void **state)
{
    (void)state;
    char output[4096], expected[64];
    json_t *root = load("outro evaluate --quiet --json log.tsv --bundle bundle");
    const json_t *scores = json_object_get(json_object_get(root, "all"), "scores");
    assert_int_equal(
        shell_in_folder("outro replay log.tsv --bundle bundle 2>&1", output, sizeof output), 0);
    static const struct {
        const char *ours, *theirs;
    } names[] = {{"model", "net"},
                 {"kernel-km", "kernel KM"},
                 {"user-mean", "user mean"},
                 {"user-median", "user median"}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const json_t *score = json_object_get(scores, names[i].ours);
        snprintf(expected, sizeof expected, "%-12s %8.1f s%8.4f", names[i].theirs,
                 json_number_value(json_object_get(score, "mae_s")),
                 json_number_value(json_object_get(score, "normalised_mae")));
        if (!strstr(output, expected))
            fail_msg("replay does not say \"%s\" but %s", expected, output);
    }
    json_decref(root);
}

static void test_cmd_evaluate_groups_by_the_clusters_given(void **state)
{
    (void)state;
    json_t *root = load("outro evaluate --quiet --json log.tsv --clusters clusters.tsv "
                        "--baseline previous");
    const json_t *clusters = json_object_get(root, "clusters");
    assert_int_equal(json_array_size(clusters), 2);
    assert_true(number(json_array_get(clusters, 0), "scores", "previous", "normalised_mae") == 1);
    assert_null(json_object_get(json_object_get(json_object_get(root, "all"), "scores"), "model"));
    double users = 0;
    for (size_t i = 0; i < 2; i++)
        users += json_number_value(json_object_get(json_array_get(clusters, i), "users"));
    assert_true(users == 6);
    json_decref(root);
}

static void test_cmd_evaluate_of_models(void **state)
{
    (void)state;
    static const struct command COMMANDS[] = {
        {"outro train --seed-compat dir --out models --hidden-dim 4 --epochs 3 --batch 64 "
         "--clusters clusters.tsv --min-users 2 --standardise yes",
         0, "1             3"},
        {"outro evaluate dir --models models --seed-compat", 0, "as published"},
        {"outro evaluate dir --models models", 0, "averaged over clusters by"},
        {"outro evaluate dir --models models --tsv | grep -c '^all.user-mean.normalised_mae.1$'", 0,
         "1\n"},
        /* the same seed, the same bits; another place in memory */
        {"outro train --quiet --seed-compat dir --out again --hidden-dim 4 --epochs 3 --batch 64 "
         "--clusters clusters.tsv --min-users 2 --standardise yes --threads 1 && "
         "cmp models/cluster-0.safetensors again/cluster-0.safetensors",
         0, ""},
        {"outro train --seed-compat dir --out one --model layered-lstm --hidden-dim 4 "
         "--layer-dims 3 --layers 2 --dropout .1 --epochs 2 --loss mse --optimizer rmsprop.keras2",
         0, "0             6"},
        {"outro evaluate dir --models one --seed-compat --filter-percentile 90", 0, "published"},
        {"outro train --seed-compat dir --out gru --model gru --hidden-dim 4 --epochs 2", 0, ""},
        /* clusters of outro cluster, from the profiles of prepare */
        {"outro cluster --quiet dir/user_profile_cluster.csv --k 2 --out found >/dev/null 2>&1 && "
         "outro evaluate log.tsv --clusters found && outro evaluate dir --clusters found",
         0, "averaged over clusters by"},
        {"outro train --seed-compat dir --out found-models --clusters found --hidden-dim 4 "
         "--epochs 2 --min-users 2 | wc -l",
         0, "3\n"},
        {"awk 'NR > 1 { print $1 \"\\t\" (NR > 3) }' clusters.tsv >uneven.tsv && "
         "outro train --seed-compat dir --out uneven --hidden-dim 4 --epochs 2 --min-users 3 "
         "--clusters uneven.tsv",
         0, "no model: too few people"},
        {"outro evaluate dir --models uneven", 0, "At the start of each session"},
        {"cp -r dir unvalidated && rm -r unvalidated/summary/validate && "
         "outro train --seed-compat unvalidated --out unvalidated-models --hidden-dim 4 --epochs 2",
         0, "            -\n"},
    };
    RUN_ALL(COMMANDS);
}

/* Clusters that are all too small: no directory without models, and no wrong reason for one of
 * before. */
static void test_cmd_evaluate_no_model_at_all(void **state)
{
    (void)state;
    static const struct command COMMANDS[] = {
        {"outro train --seed-compat dir --out small --epochs 2 --clusters clusters.tsv 2>&1", 1,
         "clusters.tsv: no cluster has 31 people"},
        {"test -e small", 1, ""},
        {"cp -r models modelless && "
         "sed -i 's/\"trained\": true/\"trained\": false/' modelless/manifest.json && "
         "outro evaluate dir --models modelless --seed-compat 2>&1",
         1, "modelless: it has no models"},
    };
    RUN_ALL(COMMANDS);
}

static void test_cmd_evaluate_report(void **state)
{
    (void)state;
    json_t *root = load("outro evaluate --quiet --json --seed-report log.tsv --bundle bundle "
                        "--kmeans clusters.tsv --spectral clusters.tsv --hidden-dim 4 --epochs 3");
    static const struct {
        const char *who;
        double published;
    } rows[] = {{"LSTM", .87},
                {"GRU", .87},
                {"k-means", .794},
                {"k-means, standardised", .81},
                {"k-means, mixed", .65},
                {"spectral", .785},
                {"spectral, standardised", .87},
                {"spectral, mixed", .63},
                {"mixed-effects tree", .816}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_true(number(root, rows[i].who, "published_result", NULL) == rows[i].published);
    /* epoch seconds: a constant; every input standardised: none */
    assert_true(number(root, "LSTM", "said_sd_s", NULL) < .01);
    assert_true(number(root, "GRU", "share_within_1_percent", NULL) == 1);
    assert_true(number(root, "LSTM, every input standardised", "said_sd_s", NULL) > 1);
    assert_true(number(root, "user-mean", "everybody", NULL) == 1);
    assert_true(number(root, "model", "mae_s", NULL) > 0);
    /* the same clusters, the same nets */
    assert_true(number(root, "k-means, mixed", "published", NULL) ==
                number(root, "spectral, mixed", "published", NULL));
    json_decref(root);
    root = load("outro evaluate --quiet --json --seed-report dir --hidden-dim 4 --epochs 2");
    assert_non_null(json_object_get(root, "k-means")); /* found as the original found them */
    assert_non_null(json_object_get(root, "spectral, mixed"));
    assert_true(number(root, "LSTM", "sessions", NULL) > 0);
    json_decref(root);
}

static void test_cmd_evaluate_says_what_it_cannot_do(void **state)
{
    (void)state;
    static const struct command COMMANDS[] = {
        {"outro evaluate --help", 0, "--seed-report"},
        {"outro train --seed-compat --help", 0, "--join-labels"},
        {"outro evaluate log.tsv --filter-percentile 99 2>&1", 2,
         "chooses test rows by their label"},
        {"outro evaluate log.tsv --baseline best 2>&1", 2, "\"best\" is none of"},
        {"outro evaluate dir --baseline kernel-km 2>&1", 2, "goes with a LOG"},
        {"outro evaluate dir --bundle bundle 2>&1", 2, "go with a LOG"},
        {"outro evaluate log.tsv --models bundle 2>&1", 2, "goes with a directory"},
        {"outro evaluate dir --seed-compat 2>&1", 2, "--seed-compat goes with --models"},
        {"outro evaluate log.tsv --kmeans x 2>&1", 2, "--kmeans goes with --seed-report"},
        {"outro evaluate log.tsv --hidden-dim 4 2>&1", 2, "--hidden-dim goes with --seed-report"},
        {"outro evaluate dir --models models --seed-compat --loss mse 2>&1", 2,
         "--loss goes with --seed-report"},
        {"outro evaluate log.tsv --threads 2 2>&1", 2, "--threads goes with --seed-report"},
        {"outro evaluate log.tsv --seed-report --baseline previous 2>&1", 2, "does not go with"},
        {"outro evaluate log.tsv --json --tsv 2>&1", 2, "exclude each other"},
        {"outro evaluate dir --models bundle 2>&1", 1, "not models of `outro train --seed-compat`"},
        {"outro evaluate bundle 2>&1", 1, "bundle: no folder of `outro prepare --seed-compat`"},
        {"outro prepare --quiet log.tsv --out tidy && outro evaluate tidy 2>&1", 1,
         "tidy: no folder of `outro prepare --seed-compat`: it has no summary/train"},
        {"outro evaluate log.tsv --clusters log.tsv 2>&1", 1, "log.tsv:1: expected a user"},
        {"printf 'nobody\\t0\\n' >none && outro evaluate log.tsv --clusters none 2>&1", 1,
         "none of its users"},
        {"outro train --seed-compat dir 2>&1", 2, "--out MODELS is missing"},
        {"outro train --seed-compat dir --out bundle 2>&1", 1, "a bundle or a network is there"},
        {"outro train --seed-compat dir --out x --model rnn 2>&1", 2, "lstm, gru, layered-lstm"},
        {"outro train --seed-compat dir --out x --loss rmse 2>&1", 2, "cannot train"},
        {"outro train --seed-compat dir --out x --optimizer best 2>&1", 2, "--optimizer"},
        {"outro train --seed-compat log.tsv --out x 2>&1", 1,
         "log.tsv: no folder of `outro prepare --seed-compat`"},
        {"outro train --seed-compat absent --out x 2>&1", 1, "absent: No such file"},
        {"cp -r models broken && printf x >>broken/cluster-1.safetensors && "
         "outro evaluate dir --models broken 2>&1",
         1, "cluster-1.safetensors: sha256 is"},
    };
    RUN_ALL(COMMANDS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cmd_evaluate_agrees_with_replay),
        cmocka_unit_test(test_cmd_evaluate_groups_by_the_clusters_given),
        cmocka_unit_test(test_cmd_evaluate_of_models),
        cmocka_unit_test(test_cmd_evaluate_no_model_at_all),
        cmocka_unit_test(test_cmd_evaluate_report),
        cmocka_unit_test(test_cmd_evaluate_says_what_it_cannot_do),
    };
    return cmocka_run_group_tests(tests, prepare, shell_folder_remove);
}
