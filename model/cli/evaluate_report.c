/* The report on the re-implemented system: its rows from a log or a directory, its clusters. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/evaluate_parts.h"
#include "cli/evaluate_seed.h"
#include "cli/seed_clusters.h"
#include "cli/seed_directory.h"
#include "cli/seed_report.h"
#include "nn/train_set.h"

#define REPORT_FILTER 99.5

void evaluate_report_defaults(struct seed_recipe *recipe)
{
    recipe->batch = 32;
    recipe->epochs = 250;
    recipe->min_users = 0;
    recipe->filter = (double)NAN;
}

/* ---- rows of a log ---- */

/* One user's sessions as rows: the last fifth tests, all before trains. What a profile would say is
 * unknown. */
static int add_user(const struct log_user *user, uint32_t number, struct seed_data *data,
                    struct err *err)
{
    size_t test = validation_end(user->sessions);
    double total = 0, previous = 0;
    for (size_t k = 0; k < user->sessions; k++) {
        double length = (double)user->session[k].length_ms / 1000;
        bool tests = k >= test && train_sessions(user->sessions) > 0;
        double average = k ? round(100 * total / (double)k) / 100 : 0;
        const struct seed_row row = {
            .input = {[SEED_START] = floor((double)user->session[k].start_ms / 1000),
                      [SEED_USER] = number,
                      [SEED_SESSION] = (double)(k + 1),
                      [SEED_GENDER] = -1,
                      [SEED_PREVIOUS] = floor(previous),
                      [SEED_AVERAGE] = average},
            .length_s = floor(length),
            .place = (uint32_t)(tests ? k - test : k)};
        if (seed_rows_add(tests ? &data->test : &data->train, &row, err))
            return -1;
        total += length;
        previous = length;
    }
    return 0;
}

static int read_log(const struct evaluate *evaluate, struct seed_data *data,
                    struct seed_names *names, struct evaluation *honest, struct err *err)
{
    struct log_sessions sessions = {0};
    int result = evaluate_sessions(evaluate, &sessions, err);
    for (size_t u = 0; result == 0 && u < sessions.users; u++)
        result = seed_names_add(names, sessions.user[u].id, (uint32_t)u + 1, err) ||
                         add_user(&sessions.user[u], (uint32_t)u + 1, data, err)
                     ? -1
                     : 0;
    if (result == 0)
        result = log_sessions_evaluate(&sessions, NULL, honest, err);
    log_sessions_release(&sessions);
    return result;
}

static int read_directory(const struct evaluate *evaluate, struct seed_data *data,
                          struct seed_names *names, struct evaluation *honest, struct err *err)
{
    uint64_t left_out;
    return seed_directory_read(evaluate->path, data, names, err) ||
                   evaluate_seed_rows(data, NULL, NULL, honest, &left_out, err)
               ? -1
               : 0;
}

/* ---- the report ---- */

/* From a file, or made as the original did. @return -1 with err; else members may be none */
static int find_clusters(const struct evaluate *evaluate, bool spectral,
                         const struct seed_data *data, const struct seed_names *names,
                         struct seed_members *members, struct err *err)
{
    const char *path = spectral ? evaluate->spectral_path : evaluate->kmeans_path;
    if (path)
        return seed_clusters_read(path, names, members, err);
    if (seed_clusters_make(&data->train, spectral, evaluate->flags.seed, members, err))
        return -1;
    if (members->count == 0)
        fprintf(stderr, "outro evaluate: too few people for %s clusters: left out\n",
                spectral ? "spectral" : "k-means");
    return 0;
}

static int report(const struct evaluate *evaluate, const struct seed_data *data,
                  const struct seed_names *names, struct evaluation *honest, struct err *err)
{
    struct seed_members kmeans = {0}, spectral = {0};
    struct seed_flags flags = evaluate->flags;
    struct seed_report_options options = {.recipe = evaluate->recipe,
                                          .threads = (uint32_t)evaluate->threads,
                                          .quiet = evaluate->quiet,
                                          .form = evaluate->form};
    if (flags.min_users == 0)
        flags.min_users = seed_report_min_users(names->users);
    if (isnan(flags.filter))
        flags.filter = REPORT_FILTER;
    int result = seed_flags_recipe(&flags, &options.recipe, err);
    if (result == 0)
        result = find_clusters(evaluate, false, data, names, &kmeans, err);
    if (result == 0)
        result = find_clusters(evaluate, true, data, names, &spectral, err);
    options.kmeans = kmeans.count ? &kmeans : NULL;
    options.spectral = spectral.count ? &spectral : NULL;
    if (result == 0)
        result = seed_report(data, &options, honest, err);
    seed_members_release(&kmeans);
    seed_members_release(&spectral);
    return result;
}

int evaluate_report(const struct evaluate *evaluate, struct err *err)
{
    struct seed_data data = {0};
    struct seed_names names = {0};
    struct evaluation honest = {0};
    int result = evaluate->directory ? read_directory(evaluate, &data, &names, &honest, err)
                                     : read_log(evaluate, &data, &names, &honest, err);
    if (result == 0)
        result = report(evaluate, &data, &names, &honest, err);
    evaluation_release(&honest);
    seed_names_release(&names);
    seed_data_release(&data);
    return result;
}
