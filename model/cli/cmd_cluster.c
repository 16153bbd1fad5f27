/* outro cluster: groups of people, why so many, and what they look like. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bundle/cluster_file.h"
#include "cli/cluster_page.h"
#include "cli/cluster_pictures.h"
#include "cli/cluster_study.h"
#include "cli/cluster_summary.h"
#include "cli/cluster_worth.h"
#include "cli/commands.h"
#include "cli/options.h"
#include "cli/people.h"

struct cluster_command {
    struct people_source source;
    struct cluster_study_options options;
    const char *columns, *method, *k, *scatter, *out_path, *report_path;
    uint64_t k_max, against_random, min_users;
};

/* ---- what was asked for ---- */

static int read_columns(const char *text, const char *option, enum user_column *out,
                        uint32_t *count, struct err *err)
{
    *count = 0;
    for (const char *at = text; at; at = *at ? at + 1 : NULL) {
        size_t size = strcspn(at, ",");
        enum user_column column;
        if (user_column_find((struct slice){at, size}, &column, err))
            return err_prefix(err, "%s", option);
        for (uint32_t c = 0; c < *count; c++)
            if (out[c] == column)
                return err_set(err, ERR_USAGE, "%s: %s stands twice", option,
                               user_column_name(column));
        out[(*count)++] = column;
        at += size;
    }
    return 0;
}

static int read_k(const char *text, uint32_t *out, struct err *err)
{
    char *end;
    unsigned long k = strtoul(text, &end, 10);
    *out = 0;
    if (strcmp(text, "auto") == 0)
        return 0;
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || k < 1 || k > CLUSTERS_MAX)
        return err_set(err, ERR_USAGE, "--k: \"%s\" is neither auto nor 1 to %d", text,
                       CLUSTERS_MAX);
    *out = (uint32_t)k;
    return 0;
}

static int read_method(const char *text, enum cluster_method *out, struct err *err)
{
    if (strcmp(text, "kmeans") != 0 && strcmp(text, "spectral") != 0)
        return err_set(err, ERR_USAGE, "--method: \"%s\" is neither kmeans nor spectral", text);
    *out = strcmp(text, "kmeans") == 0 ? CLUSTER_KMEANS : CLUSTER_SPECTRAL;
    return 0;
}

/* Which of the options go together. */
static int check_options(const struct cluster_command *command, struct err *err)
{
    if (command->scatter && !command->report_path)
        return err_set(err, ERR_USAGE,
                       "--scatter is a picture of a report: it goes with --report "
                       "DIR");
    if (command->min_users && !command->against_random)
        return err_set(err, ERR_USAGE, "--min-users goes with --against-random R");
    if (command->options.k == 1 && command->against_random)
        return err_set(err, ERR_USAGE,
                       "--against-random: one cluster has no random partitions of "
                       "its size; ask for --k 2 or more");
    return 0;
}

static int read_options(struct cluster_command *command, enum user_column scatter[USER_COLUMNS],
                        struct err *err)
{
    struct cluster_study_options *options = &command->options;
    uint32_t axes = 2;
    if (read_columns(command->columns, "--columns", options->column, &options->columns, err) ||
        read_k(command->k, &options->k, err) ||
        read_method(command->method, &options->method, err) ||
        (command->scatter && read_columns(command->scatter, "--scatter", scatter, &axes, err)))
        return -1;
    if (axes != 2)
        return err_set(err, ERR_USAGE, "--scatter: two columns, as in age,total_sessions");
    options->k_max = (uint32_t)command->k_max;
    options->against_random = (uint32_t)command->against_random;
    options->curves = command->report_path != NULL;
    options->min_users = command->min_users ? command->min_users : 30;
    options->quiet = command->source.quiet;
    return check_options(command, err);
}

/* ---- what comes out ---- */

static int save(const struct cluster_study *study, const char *path, struct err *err)
{
    struct clustering clustering;
    if (cluster_study_result(study, &clustering, err))
        return -1;
    int result = cluster_file_save(path, &clustering, err);
    clustering_release(&clustering);
    return result;
}

static int report(const struct cluster_study *study, const enum user_column *scatter,
                  const char *path, struct err *err)
{
    struct pictures pictures;
    if (cluster_pictures_draw(study, scatter, path, &pictures, err) ||
        cluster_page_write(study, &pictures, path, err))
        return -1;
    report_folder_regret("cluster", path, pictures.outcome);
    return 0;
}

/* Each sentence behind the command's name. */
static void warn(const struct cluster_study *study)
{
    char *text = NULL, *rest = NULL;
    size_t size = 0;
    FILE *file = open_memstream(&text, &size);
    if (!file)
        return;
    cluster_summary_warnings(study, file);
    if (fclose(file) == 0)
        for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
            fprintf(stderr, "outro cluster: %s\n", line);
    free(text);
}

/* Of a log there is more to say than of profiles: what nets make of it. */
static int judge(const struct cluster_command *command, const struct cluster_study *study,
                 struct err *err)
{
    struct clustering clustering;
    if (cluster_study_result(study, &clustering, err))
        return -1;
    int result = cluster_worth(&command->source, &clustering, study->random.count,
                               study->options.min_users, err);
    clustering_release(&clustering);
    return result;
}

static int finish(const struct cluster_command *command, const struct cluster_study *study,
                  const enum user_column *scatter, struct err *err)
{
    if (command->out_path && save(study, command->out_path, err))
        return -1;
    if (command->report_path && report(study, scatter, command->report_path, err))
        return -1;
    cluster_summary_print(study, stdout);
    fflush(stdout);
    warn(study);
    return study->random.count > 0 && study->people->from_log ? judge(command, study, err) : 0;
}

static int run(struct cluster_command *command, struct err *err)
{
    struct people people;
    struct cluster_study study;
    enum user_column scatter[USER_COLUMNS] = {0};
    if (read_options(command, scatter, err) ||
        (command->report_path && report_folder_prepare(command->report_path, err)) ||
        people_read(&command->source, &people, err))
        return -1;
    int result = 0;
    for (int c = 0; command->scatter && c < 2; c++)
        if (!people.has[scatter[c]])
            result = err_set(err, ERR_USAGE, "--scatter: %s is not known from a log",
                             user_column_name(scatter[c]));
    if (result == 0)
        result = cluster_study_run(&people, &command->options, &study, err);
    if (result == 0) {
        result = finish(command, &study, command->scatter ? scatter : NULL, err);
        cluster_study_release(&study);
    }
    people_release(&people);
    return result;
}

int cmd_cluster(int argc, char **argv)
{
    struct cluster_command command = {
        .columns = "average_session_length,max_session_length,median_session_length",
        .method = "kmeans",
        .k = "auto",
        .k_max = 10,
        .options = {.seed = 1},
    };
    struct people_source *source = &command.source;
    const struct option_row rows[] = {
        {"columns", "A,B", OPTION_TEXT, &command.columns, 0, 0,
         "what people are grouped by (default: average, max and median session length)"},
        {"standardise", NULL, OPTION_FLAG, &command.options.standardise, 0, 0,
         "each column less its mean, over its deviation"},
        {"method", "NAME", OPTION_TEXT, &command.method, 0, 0,
         "kmeans or spectral (default kmeans)"},
        {"k", "N|auto", OPTION_TEXT, &command.k, 0, 0,
         "clusters; auto: the highest mean silhouette (default auto)"},
        {"k-max", "N", OPTION_COUNT, &command.k_max, 2, CLUSTERS_MAX,
         "the most that auto tries, and silhouettes of a report (default 10)"},
        {"seed", "N", OPTION_COUNT, &command.options.seed, 0, 1e18,
         "the same seed finds the same clusters (default 1)"},
        {"against-random", "R", OPTION_COUNT, &command.against_random, 1, 100000,
         "also judge R random partitions of the same sizes: by silhouette, and of a LOG by "
         "training "
         "nets for each"},
        {"min-users", "N", OPTION_COUNT, &command.min_users, 1, 1e9,
         "--against-random of a LOG: a cluster of fewer people gets no net of its own (default "
         "30)"},
        {"out", "FILE", OPTION_TEXT, &command.out_path, 0, 0,
         "the clusters, for outro train --clusters (schemas/clusters.json)"},
        {"report", "DIR", OPTION_TEXT, &command.report_path, 0, 0,
         "pictures with their data, members.tsv, and all on one page, index.html"},
        {"scatter", "A,B", OPTION_TEXT, &command.scatter, 0, 0,
         "columns of the scatter plot (default: the first two principal components)"},
        {"min-sessions", "N", OPTION_COUNT, &source->min_sessions, 0, 1e9,
         "leave out people with fewer"},
        {"min-rows", "N", OPTION_COUNT, &source->min_rows, 0, 1e12,
         "leave out people with fewer scrobbles in sessions (profiles only)"},
        {"max-average", "S", OPTION_REAL, &source->max_average, 0, 1e9,
         "leave out people whose average session is not shorter, in seconds"},
        {"profiles", "FILE", OPTION_TEXT, &source->profiles_path, 0, 0,
         "of the people of a log: gender, age, registered"},
        OPTION_ROW_DURATIONS(&source->durations_path),
        OPTION_ROW_FORMAT(&source->hints),
        OPTION_ROW_USER(&source->hints),
        OPTION_ROW_STRICT(&source->strict),
        OPTION_ROW_QUIET_PROGRESS(&source->quiet),
        OPTION_ROW_END,
    };
    const struct options options = {
        .command = "cluster",
        .operands = "PROFILES|LOG",
        .summary =
            "Finds groups of people. PROFILES is a table of a user and eleven numbers a row, as\n"
            "outro prepare --seed-compat writes it (user_profile_cluster.csv); from a LOG (any "
            "form)\n"
            "people have the columns that a daemon keeps of them: total_sessions,\n"
            "average_session_length, max_session_length, median_session_length, and of --profiles\n"
            "gender, age and registered.",
        .min_operands = 1,
        .max_operands = 1,
        .rows = rows,
    };
    int count = options_parse(&options, argc, argv);
    if (count < 0)
        return options_status(count);
    source->path = argv[1];
    struct err err = {0};
    return run(&command, &err) < 0 ? options_fail("cluster", &err) : 0;
}
