/* train_clusters_table.c - what a net for each cluster is worth beside the global one, on the same
 * rows. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/train_clusters.h"
#include "stream/score_compare.h"

#define DRAWS_SEED 1

/* The sums of all users under both. */
struct both {
    struct score_sums *of[2]; /* (users) global, clusters */
    size_t users;
};

static int score_both(const struct train_source *source, const struct train_data *data,
                      struct predictor *global, struct bundle_clusters *clusters, struct both *both,
                      struct err *err)
{
    for (int i = 0; i < 2; i++) {
        struct scores *scores =
            train_score(source, data, global, i ? clusters : NULL, source->quiet, err);
        both->of[i] = scores ? scores_by_user(scores, &both->users, err) : NULL;
        scores_free(scores);
        if (!both->of[i])
            return -1;
    }
    return 0;
}

/* Of the users of a cluster (c < 0: of all). @param metric that the difference is of  @param some
 * room for both's users, twice */
static int put_row(const struct train_data *data, const struct bundle_clusters *clusters,
                   const struct both *both, int c, enum metric metric, struct score_sums *some,
                   struct err *err)
{
    struct score_sums *part[2] = {some, some + both->users}, total[2] = {0};
    size_t users = 0;
    for (size_t u = 0; u < both->users; u++) {
        const char *id = data->lengths.user[u].user_id;
        if (c >= 0 && clustering_member(&clusters->of, (struct slice){id, strlen(id)}) != c)
            continue;
        for (int i = 0; i < 2; i++) {
            part[i][users] = both->of[i][u];
            score_sums_merge(&total[i], &both->of[i][u]);
        }
        users++;
    }
    char name[16] = "all";
    if (c >= 0)
        snprintf(name, sizeof name, "%d", c);
    const struct bundle_cluster *cluster = c >= 0 ? &clusters->cluster[c] : NULL;
    printf("%-7s %7zu %9llu  %-6s", name, users, (unsigned long long)total[0].sessions,
           !cluster       ? ""
           : cluster->net ? "own"
                          : "global");
    if (total[0].sessions == 0) {
        printf("  nothing to score\n");
        return 0;
    }
    const struct score_sums *const sums[2] = {part[0], part[1]};
    struct comparison comparison[METRICS];
    if (score_compare(sums, 1, users, DRAWS_SEED, comparison, err))
        return -1;
    const struct comparison *judged = &comparison[metric];
    printf(" %9.1f %9.1f  %8.4f %8.4f  %+.4f [%+.4f, %+.4f]\n",
           score_of(&total[0], SCORED_NET).mae_start_s, score_of(&total[1], SCORED_NET).mae_start_s,
           judged->of[0].mean, judged->of[1].mean, judged->difference, judged->interval.low,
           judged->interval.high);
    return 0;
}

/* Who wrote a list of people may have meant another log. */
static void say_who_is_missing(const struct train_data *data, const struct clustering *of)
{
    size_t there = 0;
    for (size_t u = 0; u < data->lengths.users; u++) {
        const char *id = data->lengths.user[u].user_id;
        there += clustering_find(of, (struct slice){id, strlen(id)}) != NULL;
    }
    if (there < of->members)
        printf("%zu of the %zu people of the clusters are in the log\n", there, of->members);
}

int train_clusters_table(const struct train_source *source, const struct train_data *data,
                         struct predictor *global, struct bundle_clusters *clusters,
                         struct err *err)
{
    struct both both = {0};
    struct score_sums *some = NULL;
    int result = score_both(source, data, global, clusters, &both, err);
    if (result)
        goto out;
    some = calloc(2 * both.users + 1, sizeof *some);
    if (!some) {
        result = err_set(err, ERR_MEMORY, "out of memory for the scores of %zu users", both.users);
        goto out;
    }
    /* A net of one output has no pinball loss. */
    enum metric metric = predictor_outputs(&global->spec) == 1 ? METRIC_M1 : METRIC_PBI;
    printf("\nOn the last fifth of each user's sessions, as the bundle serves them:\n"
           "                            MAE start (s)           %s\n"
           "cluster   users  sessions  net       global  clusters    global clusters  difference "
           "[95 %% over users]\n",
           metric_names[metric]);
    for (int c = 0; c < (int)clusters->of.k && result == 0; c++)
        result = put_row(data, clusters, &both, c, metric, some, err);
    if (result == 0)
        result = put_row(data, clusters, &both, -1, metric, some, err);
    putchar('\n');
    say_who_is_missing(data, &clusters->of);
    for (uint32_t c = 0; c < clusters->of.k; c++)
        printf("cluster %u: %s\n", c, clusters->cluster[c].why);
out:
    free(some);
    free(both.of[0]);
    free(both.of[1]);
    return result;
}
