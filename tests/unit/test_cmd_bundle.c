#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bundle_fixture.h"
#include "cli/commands.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* Sends what the command writes to fd into a file of the fixture; gives back the old fd. */
static int redirect(struct bundle_fixture *f, int fd, const char *name)
{
    int saved = dup(fd), file = open(fixture_path(f, name), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(saved >= 0 && file >= 0);
    assert_true(dup2(file, fd) >= 0);
    close(file);
    return saved;
}

static int run(struct bundle_fixture *f, const char *verb, const char *name)
{
    char command[] = "bundle", first[32], second[256];
    char *argv[] = {command, first, second, NULL};
    snprintf(first, sizeof first, "%s", verb);
    snprintf(second, sizeof second, "%s", fixture_path(f, name));
    fflush(stdout);
    int out = redirect(f, STDOUT_FILENO, "out"), err = redirect(f, STDERR_FILENO, "err");
    int status = cmd_bundle(3, argv);
    fflush(stdout);
    dup2(out, STDOUT_FILENO);
    dup2(err, STDERR_FILENO);
    close(out);
    close(err);
    return status;
}

static void said(struct bundle_fixture *f, const char *file, const char *words)
{
    size_t size;
    char *text = read_bytes(fixture_path(f, file), &size);
    if (words ? !strstr(text, words) : size > 0)
        fail_msg("%s: \"%s\" where \"%s\" was expected", file, text, words ? words : "nothing");
    free(text);
}

static void test_cmd_bundle_says_what_it_finds(void **state)
{
    (void)state;
    static const struct {
        const char *verb, *name;
        int status;
        const char *out, *err; /* NULL: nothing */
    } cases[] = {
        {"show", "b", 0, "version      20261124T101500Z-", NULL},
        {"show", "b", 0, "parameters   607 in 10 tensors", NULL},
        {"show", "b", 0, "validation.pinball_ratio         0.973", NULL},
        {"check", "b", 0, "b: ok, 20261124T101500Z-", NULL},
        {"check", "b", 0, "self-test: 4 cases within 0.0001", NULL},
        {"show", "nan", 0, "self-test    4 cases", NULL}, /* looks at the manifest alone */
        {"check", "nan", 1, NULL, "nan: global.safetensors: sha256 is"},
        {"show", "none", 1, NULL, "none: No such file or directory"},
        {"check", "none", 1, NULL, "none: No such file or directory"},
        {"chek", "b", 2, NULL, "\"chek\" is none of show, check, recipe, diff, import, export"},
    };
    struct bundle_fixture f;
    fixture_init(&f, 4, 1);
    fixture_save(&f, "b");
    fixture_save(&f, "nan");
    size_t size;
    char *weights = read_bytes(fixture_path(&f, "nan/global.safetensors"), &size);
    memset(weights + size - 4, 0xff, 4);
    write_bytes(fixture_path(&f, "nan/global.safetensors"), weights, size);
    free(weights);
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_int_equal(run(&f, cases[i].verb, cases[i].name), cases[i].status);
        said(&f, "out", cases[i].out);
        said(&f, "err", cases[i].err);
    }
    fixture_release(&f);
}

/* Runs `bundle` with words of which those with a slash in front are names in the fixture's folder.
 */
static int run_words(struct bundle_fixture *f, const char *line)
{
    char words[512], *argv[16] = {NULL}, *save, *word;
    int argc = 0;
    snprintf(words, sizeof words, "bundle %s", line);
    for (word = strtok_r(words, " ", &save); word && argc < 15; word = strtok_r(NULL, " ", &save))
        argv[argc++] = word[0] == '/' ? (char *)(uintptr_t)fixture_path(f, word + 1) : word;
    fflush(stdout);
    int out = redirect(f, STDOUT_FILENO, "out"), err = redirect(f, STDERR_FILENO, "err");
    int status = cmd_bundle(argc, argv);
    fflush(stdout);
    dup2(out, STDOUT_FILENO);
    dup2(err, STDERR_FILENO);
    close(out);
    close(err);
    return status;
}

static void assert_same_files(struct bundle_fixture *f, const char *one, const char *other)
{
    size_t sizes[2];
    char *bytes[2] = {read_bytes(fixture_path(f, one), &sizes[0]),
                      read_bytes(fixture_path(f, other), &sizes[1])};
    assert_int_equal(sizes[0], sizes[1]);
    assert_memory_equal(bytes[0], bytes[1], sizes[0]);
    free(bytes[0]);
    free(bytes[1]);
}

/* A net that leaves as a state dict and comes back serves what it served before. */
static void test_cmd_bundle_carries_a_net_out_and_in(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        int status;
        const char *out, *err; /* NULL: nothing */
    } steps[] = {
        {"export /b --torch /t", 0, NULL, NULL},
        {"import --torch /t --out /c --like /b", 0, "net          gru:4", NULL},
        {"check /c", 0, "c: ok, 2", NULL},
        {"export /c --torch /t2", 0, NULL, NULL},
        {"import --torch /t --out /n", 0, "head         8 relu", NULL},
        {"show /n", 0, "inputs       13 a step, 30 beside the last state", NULL},
        {"check /n", 0, "n: ok, a network", NULL},
        {"export /n --safetensors /s", 0, NULL, NULL},
        {"export /n --torch /t3", 0, NULL, NULL},
        {"export /b --safetensors /s2", 0, NULL, NULL},
        {"import --torch /t --out /n", 0, "from         outro", NULL}, /* a network is replaced */
        /* what is refused */
        {"import --torch /t --out /b", 1, NULL, "b: a bundle is there"},
        {"import --torch /none --out /x", 1, NULL, "none: No such file"},
        {"import --keras /t --out /x", 1, NULL, "t: "},
        {"import --torch /t --head 1 --out /x", 1, NULL, "head has 1 layers, the file 3"},
        {"import --torch /t", 2, NULL, "--out is needed"},
        {"import --out /x", 2, NULL, "one of --keras and --torch"},
        {"import --keras --out /x", 2, NULL, "--keras needs [ARCH.json] WEIGHTS"},
        {"import --keras /t --prefix p --out /x", 2, NULL, "go with --torch"},
        {"import --torch /t /t2 --out /x", 2, NULL, "--torch takes one file"},
        {"export /b", 2, NULL, "one of --torch and --safetensors"},
        {"export /none --torch /x", 1, NULL, "none: No such file"},
    };
    struct bundle_fixture f;
    fixture_init(&f, 4, 1);
    fixture_save(&f, "b");
    for (size_t i = 0; i < COUNT(steps); i++) {
        int status = run_words(&f, steps[i].line);
        said(&f, "err", steps[i].err);
        assert_int_equal(status, steps[i].status);
        said(&f, "out", steps[i].out);
    }
    assert_same_files(&f, "t", "t2");
    assert_same_files(&f, "t", "t3");
    assert_same_files(&f, "s", "s2");
    assert_same_files(&f, "b/global.safetensors", "c/global.safetensors");
    assert_same_files(&f, "n/network.safetensors", "s");
    assert_int_equal(access(fixture_path(&f, "x"), F_OK), -1);
    fixture_release(&f);
}

/* Every damage ends in one sentence, whatever the library under it does. */
static void test_cmd_bundle_survives_damage(void **state)
{
    (void)state;
    static const char signature[8] = "\x89HDF\r\n\x1a\n";
    char bytes[600];
    struct bundle_fixture f;
    fixture_init(&f, 4, 1);
    fixture_save(&f, "b");
    for (int fill = 0; fill < 4; fill++) {
        memset(bytes, fill == 3 ? 0xff : fill, sizeof bytes);
        memcpy(bytes, fill == 2 ? "PK\3\4" : signature, fill == 2 ? 4 : sizeof signature);
        write_bytes(fixture_path(&f, "w"), bytes, sizeof bytes);
        assert_int_equal(run_words(&f, "import --keras /w --out /x"), 1);
        said(&f, "err", "w: ");
        said(&f, "out", NULL);
    }
    assert_int_equal(run_words(&f, "export /b --torch /t"), 0);
    size_t size;
    char *whole = read_bytes(fixture_path(&f, "t"), &size);
    for (size_t cut = 0; cut < size; cut += 97) {
        write_bytes(fixture_path(&f, "w"), whole, cut);
        assert_int_equal(run_words(&f, "import --torch /w --out /x"), 1);
        said(&f, "err", "w: ");
    }
    free(whole);
    fixture_release(&f);
}

/* The second one has another net, another recipe, one more score, and clusters. */
static void test_cmd_bundle_says_what_changed(void **state)
{
    static const char *const changes[] = {
        "version      20261124T101500Z-",
        " -> 20261124T101500Z-",
        "net          same: gru:4",
        "weights      of the global net moved by 0.",
        "  live   ",
        "mean moved by +1.00 deviations",
        "session gap  1800 s -> 900 s",
        "medians      of the global net on the first one's self-test rows",
        "  - none: everybody",
        "  + kmeans, 3 clusters, 2 people listed",
        "another net serves 2 of 2 listed people: 2 get a cluster's instead of the global one\n",
        "  - seed = 1",
        "  + seed = 2",
        "0.973 -> 0.95 (-0.023)",
        "not measured -> 7",
    };
    (void)state;
    struct bundle_fixture f;
    fixture_init(&f, 4, 1);
    f.bundle.recipe = "net = gru:4\nseed = 1\n";
    fixture_save(&f, "a");
    assert_int_equal(run_words(&f, "diff /a /a"), 0);
    said(&f, "out", "version      same: 20261124T101500Z-");
    said(&f, "out", "recipe       same");
    said(&f, "out", "clusters     none in both");
    said(&f, "out", "for the global net by a tenth or more: none\n");
    f.bundle.net->params[3] += .25f;
    f.bundle.net->scaler.live_mean[2] += 1 / f.bundle.net->scaler.live_inverse_sd[2];
    f.bundle.gap_ms = 900000;
    f.bundle.recipe = "net = gru:4\nseed = 2\n";
    f.bundle.score[0].value = .95;
    f.bundle.score[f.bundle.scores++] = (struct bundle_score){"test.more", 7};
    fixture_cluster(&f);
    fixture_save(&f, "b");
    assert_int_equal(run_words(&f, "diff /a /b"), 0);
    for (size_t i = 0; i < COUNT(changes); i++)
        said(&f, "out", changes[i]);
    struct cluster_member *member = f.bundle.clusters->of.member;
    member[1].label = 2; /* now both people are in one cluster */
    fixture_save(&f, "c");
    assert_int_equal(run_words(&f, "diff /b /c"), 0);
    said(&f, "out", "people listed in both 2, of them moved to other company 1;");
    assert_int_equal(run_words(&f, "diff /a /none"), 1);
    said(&f, "err", "none: No such file");
    assert_int_equal(run_words(&f, "diff /a"), 2);
    fixture_release(&f);
}

/* The global net is the same; what serves the listed people is not. */
static void test_cmd_bundle_says_what_changed_in_clusters(void **state)
{
    static const char *const changes[] = {
        "weights      of the global net moved by 0 of their length",
        "scores       of the global net\n",
        "clusters\n  - ",
        "  -   2: 3 people, its own net; reason 2\n  + ",
        "  +   2: 3 people, its own net; retrained\n  people listed in both 2, of them moved to "
        "other company 0;",
        "  cluster 0 -> 0, by 1 of the people listed in both\n    net        its own in both; "
        "weights "
        "moved by 0.",
        "    inputs     1 of 43 inputs otherwise than the global net's by a tenth or more, most "
        "live ",
        "    medians    of its net on the first one's self-test rows, seconds: ",
        "  cluster 1 -> 1, by the nearest centroid: nobody is listed in both\n    net        the "
        "global one in both\n    centroid   moved by 0 in the scaled columns",
        "    centroid   moved by 0.5 in the scaled columns",
        "another net serves 1 of 2 listed people: 1 get another one of a cluster\n",
    };
    (void)state;
    struct bundle_fixture f;
    fixture_init(&f, 4, 1);
    fixture_cluster(&f);
    fixture_save(&f, "b");
    assert_int_equal(run_words(&f, "check /b"), 0);
    said(&f, "out", "clusters: 3, 2 people listed, 2 nets of their own, each by the self-test");
    assert_int_equal(run_words(&f, "show /b"), 0);
    said(&f, "out", "reason 0\n      standardised by itself: 1 of 43 inputs otherwise");
    said(&f, "out", "its own net: reason 2\nself-test");
    assert_int_equal(run_words(&f, "diff /b /b"), 0);
    said(&f, "out",
         "clusters     same: kmeans, 3 clusters, 2 people listed\n  another net serves 0 of 2");
    struct bundle_clusters *clusters = f.bundle.clusters;
    clusters->cluster[0].net->params[5] += .25f;
    clusters->cluster[0].net->scaler.live_mean[3] += 2;
    strcpy(clusters->cluster[2].why, "retrained");
    clusters->of.centroids[1] += .5;
    fixture_save(&f, "c");
    assert_int_equal(run_words(&f, "diff /b /c"), 0);
    for (size_t i = 0; i < COUNT(changes); i++)
        said(&f, "out", changes[i]);
    fixture_release(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cmd_bundle_says_what_it_finds),
        cmocka_unit_test(test_cmd_bundle_carries_a_net_out_and_in),
        cmocka_unit_test(test_cmd_bundle_survives_damage),
        cmocka_unit_test(test_cmd_bundle_says_what_changed),
        cmocka_unit_test(test_cmd_bundle_says_what_changed_in_clusters)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
