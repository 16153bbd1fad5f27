/* The command as its users run it: from profiles and from a log, the file, the report, the choice;
 * and what it refuses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "shell_fixture.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* Sixty people of two kinds, as the re-implemented system's file has them. */
static int make(void **state)
{
    char output[4096];
    (void)state;
    if (shell_folder_make(OUTRO_FOLDER, true))
        return -1;
    int status = shell_in_folder(
        "for i in $(seq 1 60); do k=$((i % 3 / 2)); printf "
        "'%d.0\\t%d.0\\t30.0\\t0.0\\t0.0\\t7.0\\t9.0"
        "\\t%d.0\\t%d.5\\t%d.0\\t%d.0\\t%d\\r\\n' $i $((i % 2)) $((40 + i)) $((1000 + k * 5000 + i "
        "* 7)) "
        "$((9000 + i * 11 + k * 20000)) $((700 + i + k * 3000)) $((500 + i)); done >profiles.csv "
        "&& "
        "outro synth --rows 30000 --users 45 --seed 4 --quiet --out log.tsv --profiles people.tsv",
        output, sizeof output);
    if (status)
        print_error("%s", output);
    return status;
}

static void test_cmd_cluster_from_profiles(void **state)
{
    (void)state;
    static const struct command commands[] = {
        {"outro cluster profiles.csv --standardise --out c.json", 0, "people       60\n"},
        {"outro cluster profiles.csv --standardise --out c.json", 0,
         "k            2: of 2 to 10 it has the highest mean silhouette, 0."},
        {"outro cluster profiles.csv --standardise --out c.json", 0, "      0      40  66.7 %"},
        {"outro cluster profiles.csv --standardise --out c.json", 0,
         "outro cluster: 1 cluster has fewer than 30 people"},
        {"grep -c user_0000 c.json", 0, "60"},
        {"outro cluster profiles.csv --standardise --out d.json && cmp c.json d.json && echo same",
         0, "same"},
        {"outro cluster profiles.csv --method spectral --k 2 --out s.json && grep -c point s.json",
         0, "60"},
        {"outro cluster profiles.csv --columns total_session_rows,total_sessions --k 3", 0,
         "k            3: it was asked for; mean silhouette"},
        {"outro cluster log.tsv --method spectral --k-max 44 --quiet && outro cluster profiles.csv "
         "--columns total_sessions --method spectral --k 60 | head -3",
         0, "k            60: it was asked for"},
        {"outro cluster profiles.csv --k 2 --against-random 9", 0,
         "9 random partitions of the same sizes"},
        {"outro cluster profiles.csv --k 2 --min-sessions 50 --min-rows 520 --max-average 6300", 0,
         "people       35 (25 left out)"},
    };
    shell_in_folder_all(commands, COUNT(commands));
}

static void test_cmd_cluster_from_a_log(void **state)
{
    (void)state;
    static const struct command commands[] = {
        {"outro cluster log.tsv --k 2 --quiet --out l.json", 0, "people       45\n"},
        {"outro cluster log.tsv --profiles people.tsv --columns age,total_sessions --k 2 --quiet",
         0, "total_sessions"},
        {"outro cluster log.tsv --k 2 --quiet --columns country", 2,
         "country is not known from a log"},
        {"outro cluster log.tsv --min-rows 5", 2, "only a file of profiles says how many"},
        {"gzip -c log.tsv | outro cluster - --k 2 --quiet --out m.json && cmp l.json m.json && "
         "echo same",
         0, "same"},
    };
    shell_in_folder_all(commands, COUNT(commands));
}

/* What is grouped is what trains and serves. */
static void test_cmd_cluster_file_trains(void **state)
{
    (void)state;
    static const struct command commands[] = {
        {"outro cluster log.tsv --k 2 --quiet --out l.json && outro train log.tsv --clusters "
         "l.json "
         "--epochs 1 --quiet --out bundle && outro replay log.tsv --bundle bundle --quiet",
         0, "cluster   users  sessions"},
        {"outro train log.tsv --clusters l.json --net lstm:8 --loss huber:.5 --base none --epochs "
         "1 "
         "--against-random 1 --quiet --out one >one.txt && grep '^M1: of 1 random partition ' "
         "one.txt && ! grep -q nan one.txt && echo counted",
         0, "counted"},
        {"head -20000 log.tsv | sed 's/^user_00000/other_/' >others.tsv; outro train others.tsv "
         "--clusters l.json --epochs 1 --min-users 2 --quiet --out two",
         0, " of the 45 people of the clusters are in the log"},
        {"sed 's/^user_/other_/' log.tsv >others.tsv; outro train others.tsv --clusters l.json "
         "--epochs 1 --quiet --out three; test ! -e three && exit 7",
         7, "none of the 45 people of the clusters is in the log"},
    };
    shell_in_folder_all(commands, COUNT(commands));
}

/* Of a log random partitions get nets as well, and publish none. */
static void test_cmd_cluster_trains_random_partitions(void **state)
{
    (void)state;
    static const struct command commands[] = {
        {"outro synth --rows 6000 --users 12 --seed 4 --quiet --out few.tsv && outro cluster "
         "few.tsv --k 2 --min-users 2 --against-random 2 --quiet >out.txt && grep -c '^random "
         "[12]' "
         "out.txt",
         0, "2"},
        {"grep '^PBi: of 2 random partitions' out.txt", 0,
         "chance alone would do as well with p ="},
        {"grep -c '^cluster [01]: ' out.txt; grep -c ': validation ' out.txt", 0, "2\n"},
        {"outro cluster few.tsv --k 2 --against-random 1 --quiet | grep -c 'fewer than 30: not "
         "trained'",
         0, "2"},
        {"outro cluster - --k 2 --against-random 1 --quiet <few.tsv", 2,
         "standard input cannot be read again"},
        {"outro cluster few.tsv --profiles people.tsv --columns age --k 2 --against-random 1 "
         "--quiet",
         1, "grouped by age, which a user's record does not keep"},
    };
    shell_in_folder_all(commands, COUNT(commands));
}

static void test_cmd_cluster_report(void **state)
{
    (void)state;
    static const struct command commands[] = {
        {"mkdir -p fake && printf '#!/bin/sh\\nn=${1%%.gnuplot}; echo \"<svg fill=url(#a)></svg>\" "
         ">$n.svg; echo >$n.png\\n' >fake/gnuplot && chmod +x fake/gnuplot && echo made",
         0, "made"},
        {"PATH=$PWD/fake:$PATH outro cluster profiles.csv --k 2 --report r && ls r", 0,
         "distribution_average_session_length.gnuplot\n"},
        {"ls r/*.tsv | xargs -n1 basename", 0,
         "distribution_average_session_length.tsv\ndistribution_max_session_length.tsv\n"
         "distribution_median_session_length.tsv\nelbow.tsv\nmembers.tsv\nscatter.tsv\n"
         "silhouette.tsv\nsilhouettes.tsv\n"},
        {"cat r/elbow.tsv | wc -l", 0, "30"},
        {"wc -l <r/members.tsv; grep -c . r/silhouette.tsv; cut -f1 r/silhouettes.tsv | tail -1", 0,
         "60\n61\n10\n"},
        {"grep -cF 'url(#elbow-a)' r/index.html", 0, "1"},
        {"! grep -iE '<script|<link|src=|http' r/index.html && echo alone", 0, "alone"},
        /* No gnuplot: the data files, the page, and one sentence. */
        {"O=$(command -v outro); PATH=/nowhere $O cluster profiles.csv --k 2 --report n", 0,
         "outro cluster: gnuplot is not installed, so n has no pictures"},
        {"O=$(command -v outro); PATH=/nowhere $O cluster profiles.csv --k 2 --report n 2>&1 | "
         "grep -c gnuplot",
         0, "1"},
        {"grep -c 'gnuplot drew no pictures' n/index.html", 0, "1"},
        {"ls n | grep -c tsv", 0, "8"},
        {"grep -c '<figure' n/index.html; grep -cF '<li><code>silhouette.tsv</code>' n/index.html",
         0, "0\n1\n"},
        {"outro cluster profiles.csv --k 2 --report /proc/none", 1, "/proc/none"},
    };
    shell_in_folder_all(commands, COUNT(commands));
}

/* A second report into a folder leaves nothing of the first, and whatever else lies there. */
static void test_cmd_cluster_report_replaces_the_one_before(void **state)
{
    (void)state;
    static const struct command commands[] = {
        {"mkdir twice && echo mine >twice/notes.txt && PATH=$PWD/fake:$PATH outro cluster "
         "profiles.csv --k 2 --report twice && ls twice | wc -l",
         0, "31\n"},
        {"O=$(command -v outro); PATH=/nowhere $O cluster profiles.csv --k 2 --columns "
         "age,total_sessions --report twice",
         0, "twice has no pictures"},
        {"ls twice | grep -v gnuplot | tr '\\n' ' '", 0,
         "distribution_age.tsv distribution_total_sessions.tsv elbow.tsv index.html members.tsv "
         "notes.txt scatter.tsv silhouette.tsv silhouettes.tsv "},
    };
    shell_in_folder_all(commands, COUNT(commands));
}

/* What gnuplot is told: nobody invisible, no number on another, no 1e+04. */
static void test_cmd_cluster_pictures_read_with_many_clusters(void **state)
{
    (void)state;
    static const struct command commands[] = {
        {"outro cluster profiles.csv --k 3 --report few && outro cluster profiles.csv --k 40 "
         "--report many && echo made",
         0, "made"},
        {"grep -c 'with boxes' few/silhouette.gnuplot; cat few/*.gnuplot | grep -c filledcurves", 1,
         "3\n0\n"},
        {"grep -c '^set label' few/silhouette.gnuplot few/scatter.gnuplot", 0,
         "few/silhouette.gnuplot:3\nfew/scatter.gnuplot:3\n"},
        {"grep -l 'unset key' few/s*r.gnuplot many/s*r.gnuplot", 0, "many/scatter.gnuplot\n"},
        {"grep -c '^set label' many/silhouette.gnuplot", 0, "20\n"},
        {"grep '^set label' many/silhouette.gnuplot | cut -d ' ' -f 5 | cut -d , -f 1 | sort -c -n "
         "&& echo in order",
         0, "in order"},
        {"grep '^set xtics' few/dist*_max*.gnuplot many/dist*_max*.gnuplot", 0,
         "few/distribution_max_session_length.gnuplot:set xtics 1\n"
         "many/distribution_max_session_length.gnuplot:set xtics 3\n"},
        {"cat few/*.gnuplot | grep 'set format' | sort -u", 0,
         "set format x '%.6g'\nset format y '%.6g'\n"},
    };
    shell_in_folder_all(commands, COUNT(commands));
}

/* An empty cluster would have an invented centroid. */
static void test_cmd_cluster_of_people_that_are_the_same(void **state)
{
    (void)state;
    static const struct command commands[] = {
        {"outro cluster profiles.csv --columns age", 1,
         "all 60 people are the same in these columns: nothing to cluster"},
        {"outro cluster profiles.csv --columns age,country --k 2 --out none.json; ls none.json", 2,
         "all 60 people are the same"},
        {"outro cluster profiles.csv --columns age,gender --k 3", 1,
         "only 2 different people in these columns for 3 clusters"},
        {"outro cluster profiles.csv --columns age,gender", 0,
         "k            2: no other was tried; mean silhouette 1.000\n"},
        {"outro cluster profiles.csv --columns gender --report same && wc -l <same/elbow.tsv", 0,
         "3\n"},
        {"head -1 profiles.csv >one.csv; outro cluster one.csv", 1, "1 person is left: nothing"},
    };
    shell_in_folder_all(commands, COUNT(commands));
}

static void test_cmd_cluster_warns_by_the_number_that_it_was_given(void **state)
{
    (void)state;
    static const struct command commands[] = {
        {"outro cluster profiles.csv --k 2 --against-random 1 --min-users 45 --report w", 0,
         "2 clusters have fewer than 45 people: too few"},
        {"grep -c '2 clusters have fewer than 45 people' w/index.html", 0, "1\n"},
        {"outro cluster profiles.csv --k 2 --against-random 1 --min-users 5 | grep -c 'fewer than'",
         1, "0\n"},
        {"outro cluster profiles.csv --k 2 --against-random 1", 0,
         "1 random partition of the same sizes has the mean silhouette"},
        {"outro cluster profiles.csv --k 2 --columns gender,total_sessions --against-random 1 "
         "--seed "
         "29",
         0, "has the mean silhouette 0.000, this one 0.613: better;"},
    };
    shell_in_folder_all(commands, COUNT(commands));
}

static void test_cmd_cluster_says_what_goes_with_what(void **state)
{
    (void)state;
    static const struct command commands[] = {
        {"outro cluster profiles.csv --scatter age,gender", 2, "it goes with --report DIR"},
        {"outro cluster profiles.csv --min-users 5", 2, "--min-users goes with --against-random R"},
        {"outro cluster profiles.csv --k 1 --against-random 2", 2, "ask for --k 2 or more"},
        {"outro cluster profiles.csv --against-random 0", 2, "number from 1 to"},
        {"outro cluster profiles.csv --profiles people.tsv", 2,
         "--profiles goes with a LOG: profiles.csv is a table of profiles"},
        {"outro cluster profiles.csv --durations nothing.tsv", 2, "--durations goes with a LOG"},
        {"outro cluster --help; outro train --help", 0, "no progress line\n"},
        {"{ outro cluster --help; outro train --help; } | grep -c 'and no summary'", 1, "0\n"},
    };
    shell_in_folder_all(commands, COUNT(commands));
}

static void test_cmd_cluster_refuses(void **state)
{
    (void)state;
    static const struct command commands[] = {
        {"outro cluster", 2, "PROFILES|LOG"},
        {"outro cluster nothing.csv", 1, "nothing.csv"},
        {"outro cluster profiles.csv --k 0", 2, "--k: \"0\" is neither auto nor 1 to 256"},
        {"outro cluster profiles.csv --k many", 2, "--k: \"many\""},
        {"outro cluster profiles.csv --k 61", 2, "--k: 61 clusters of 60 people"},
        {"outro cluster profiles.csv --method dbscan", 2, "neither kmeans nor spectral"},
        {"outro cluster profiles.csv --columns age,lenght", 2,
         "--columns: no column \"lenght\"; there are gender, age"},
        {"outro cluster profiles.csv --columns age,age", 2, "--columns: age stands twice"},
        {"outro cluster profiles.csv --scatter age", 2, "--scatter: two columns"},
        {"outro cluster profiles.csv --min-sessions 1000", 1, "0 people are left"},
        {"head -3 profiles.csv >bad.csv; echo '4.0\t1\t2' >>bad.csv; outro cluster bad.csv", 1,
         "bad.csv:4: "},
        {"sed '5s/30.0/thirty/' profiles.csv >bad.csv; outro cluster bad.csv", 1,
         "bad.csv:5: column 3: \"thirty\" is not a number"},
        {"cat profiles.csv profiles.csv >bad.csv; outro cluster bad.csv", 1,
         "user user_000001 stands twice"},
        {"outro cluster profiles.csv --k 2 --out /nowhere/c.json", 1, "/nowhere/c.json"},
    };
    shell_in_folder_all(commands, COUNT(commands));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cmd_cluster_from_profiles),
        cmocka_unit_test(test_cmd_cluster_from_a_log),
        cmocka_unit_test(test_cmd_cluster_file_trains),
        cmocka_unit_test(test_cmd_cluster_trains_random_partitions),
        cmocka_unit_test(test_cmd_cluster_report),
        cmocka_unit_test(test_cmd_cluster_report_replaces_the_one_before),
        cmocka_unit_test(test_cmd_cluster_pictures_read_with_many_clusters),
        cmocka_unit_test(test_cmd_cluster_of_people_that_are_the_same),
        cmocka_unit_test(test_cmd_cluster_warns_by_the_number_that_it_was_given),
        cmocka_unit_test(test_cmd_cluster_says_what_goes_with_what),
        cmocka_unit_test(test_cmd_cluster_refuses),
    };
    return cmocka_run_group_tests(tests, make, shell_folder_remove);
}
