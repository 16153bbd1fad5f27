#include "cli/evaluation_table.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#define STATISTICS (4 + EVALUATION_QUANTILES)

static const char *const statistic_names[STATISTICS] = {
    "mean_s", "sd_s", "min_s", "p10_s", "p25_s", "median_s", "p75_s", "p90_s", "max_s"};

static void statistics_of(const struct length_statistics *lengths, double out[STATISTICS])
{
    int n = 0;
    out[n++] = lengths->mean_s;
    out[n++] = lengths->sd_s;
    out[n++] = lengths->min_s;
    for (int q = 0; q < EVALUATION_QUANTILES; q++)
        out[n++] = lengths->quantile_s[q];
    out[n] = lengths->max_s;
}

/* "all", "global" or the number. @param text of room for it  @return it */
static const char *cluster_name(const struct evaluation_report *report,
                                const struct evaluation_group *group, char text[16])
{
    if (group == &report->all)
        return "all";
    if (group->cluster < 0)
        return "none";
    snprintf(text, 16, "%d", group->cluster);
    return text;
}

/* ---- for people ---- */

static void print_group(const struct evaluation_report *report,
                        const struct evaluation_group *group, FILE *out)
{
    char text[16];
    const char *name = cluster_name(report, group, text);
    for (int who = 0; who < EVALUATED; who++) {
        const struct evaluation_score *score = &group->of[who];
        if (isnan(score->mae_s))
            continue;
        fprintf(out, "%-8s %7llu %9llu  %-16s %9.1f %10.1f %9.4f\n", name,
                (unsigned long long)group->users, (unsigned long long)group->sessions,
                evaluated_names[who], score->mae_s, score->rmse_s, score->normalised);
    }
}

static void print_averages(const struct evaluation_report *report, FILE *out)
{
    fprintf(out, "\n%-45s %9s %10s\n", "normalised MAE, averaged over clusters by", "users",
            "sessions");
    for (int who = 0; who < EVALUATED; who++)
        if (!isnan(report->by_users[who]))
            fprintf(out, "%-45s %9.4f %10.4f\n", evaluated_names[who], report->by_users[who],
                    report->by_sessions[who]);
}

static void print_lengths(const struct evaluation_report *report,
                          const struct evaluation_group *group, FILE *out)
{
    char text[16];
    double value[STATISTICS];
    statistics_of(&group->lengths, value);
    fprintf(out, "%-8s %7llu %9llu ", cluster_name(report, group, text),
            (unsigned long long)group->lengths.users, (unsigned long long)group->lengths.sessions);
    for (int i = 0; i < STATISTICS; i++)
        fprintf(out, "%9.0f", value[i]);
    fputc('\n', out);
}

static void print_text(const struct evaluation_report *report, enum evaluated baseline,
                       const char *judged, FILE *out)
{
    fprintf(out, "%s\n\n%-8s %7s %9s  %-16s %9s %10s %9s\n", judged, "cluster", "users", "sessions",
            "predictor", "MAE s", "RMSE s", "MAE/base");
    for (size_t g = 0; report->groups > 1 && g < report->groups; g++)
        print_group(report, &report->group[g], out);
    print_group(report, &report->all, out);
    fprintf(out, "MAE/base: over that of %s on the same sessions.\n", evaluated_names[baseline]);
    if (report->groups > 1)
        print_averages(report, out);
    fprintf(out, "\nLengths of all their sessions, seconds\n%-8s %7s %9s ", "cluster", "users",
            "sessions");
    for (int i = 0; i < STATISTICS; i++)
        fprintf(out, "%9.*s", (int)(strlen(statistic_names[i]) - 2), statistic_names[i]);
    fputc('\n', out);
    for (size_t g = 0; report->groups > 1 && g < report->groups; g++)
        print_lengths(report, &report->group[g], out);
    print_lengths(report, &report->all, out);
}

/* ---- for programs ---- */

static void write_group(const struct evaluation_report *report,
                        const struct evaluation_group *group, FILE *out)
{
    char text[16];
    const char *name = cluster_name(report, group, text);
    double value[STATISTICS];
    statistics_of(&group->lengths, value);
    fprintf(out, "%s\t\tusers\t%llu\n%s\t\tsessions\t%llu\n", name,
            (unsigned long long)group->users, name, (unsigned long long)group->sessions);
    for (int who = 0; who < EVALUATED; who++)
        if (!isnan(group->of[who].mae_s))
            fprintf(out,
                    "%s\t%s\trmse_s\t%.6g\n%s\t%s\tmae_s\t%.6g\n%s\t%s\tnormalised_mae\t%.6g\n",
                    name, evaluated_names[who], group->of[who].rmse_s, name, evaluated_names[who],
                    group->of[who].mae_s, name, evaluated_names[who], group->of[who].normalised);
    for (int i = 0; i < STATISTICS; i++)
        fprintf(out, "%s\t\tlength_%s\t%.6g\n", name, statistic_names[i], value[i]);
}

static void write_tsv(const struct evaluation_report *report, FILE *out)
{
    fputs("cluster\tpredictor\tmeasure\tvalue\n", out);
    for (size_t g = 0; g < report->groups; g++)
        write_group(report, &report->group[g], out);
    write_group(report, &report->all, out);
    for (int who = 0; who < EVALUATED; who++)
        if (!isnan(report->by_users[who]))
            fprintf(out,
                    "all\t%s\tnormalised_mae_by_users\t%.6g\n"
                    "all\t%s\tnormalised_mae_by_sessions\t%.6g\n",
                    evaluated_names[who], report->by_users[who], evaluated_names[who],
                    report->by_sessions[who]);
}

static json_t *group_json(const struct evaluation_group *group)
{
    double value[STATISTICS];
    statistics_of(&group->lengths, value);
    json_t *scores = json_object(), *lengths = json_object();
    for (int who = 0; who < EVALUATED; who++)
        if (!isnan(group->of[who].mae_s))
            json_object_set_new(scores, evaluated_names[who],
                                json_pack("{s:f, s:f, s:f}", "rmse_s", group->of[who].rmse_s,
                                          "mae_s", group->of[who].mae_s, "normalised_mae",
                                          group->of[who].normalised));
    for (int i = 0; i < STATISTICS; i++)
        json_object_set_new(lengths, statistic_names[i], json_real(value[i]));
    return json_pack("{s:I, s:I, s:o, s:o}", "users", (json_int_t)group->users, "sessions",
                     (json_int_t)group->sessions, "scores", scores, "lengths", lengths);
}

static json_t *averages_json(const double by[EVALUATED])
{
    json_t *object = json_object();
    for (int who = 0; who < EVALUATED; who++)
        if (!isnan(by[who]))
            json_object_set_new(object, evaluated_names[who], json_real(by[who]));
    return object;
}

static int write_json(const struct evaluation_report *report, enum evaluated baseline, FILE *out,
                      struct err *err)
{
    json_t *clusters = json_array();
    for (size_t g = 0; g < report->groups; g++) {
        json_t *one = group_json(&report->group[g]);
        json_object_set_new(one, "cluster", json_integer(report->group[g].cluster));
        json_array_append_new(clusters, one);
    }
    json_t *root = json_pack("{s:s, s:o, s:o, s:o, s:o}", "baseline", evaluated_names[baseline],
                             "clusters", clusters, "all", group_json(&report->all),
                             "normalised_mae_by_users", averages_json(report->by_users),
                             "normalised_mae_by_sessions", averages_json(report->by_sessions));
    char *text = root ? json_dumps(root, JSON_INDENT(2) | JSON_REAL_PRECISION(6)) : NULL;
    json_decref(root);
    if (!text)
        return err_set(err, ERR_MEMORY, "out of memory for the evaluation");
    fprintf(out, "%s\n", text);
    free(text);
    return 0;
}

int evaluation_table_print(const struct evaluation_report *report, enum evaluated baseline,
                           const char *judged, enum table_form form, FILE *out, struct err *err)
{
    if (form == TABLE_JSON)
        return write_json(report, baseline, out, err);
    if (form == TABLE_TSV)
        write_tsv(report, out);
    else
        print_text(report, baseline, judged, out);
    return 0;
}
