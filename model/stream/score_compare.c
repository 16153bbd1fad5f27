#include "stream/score_compare.h"

#include <math.h>
#include <stdlib.h>

#include "core/hash.h"

const char *const metric_names[METRICS] = {
    [METRIC_M1] = "M1", [METRIC_M1_MACRO] = "M1 macro", [METRIC_M2I] = "M2i",
    [METRIC_M3] = "M3", [METRIC_PBI] = "PBi",           [METRIC_PB1] = "PB1",
};

/* Every metric as sum / sum over users; a user's share. */
struct part {
    double above[METRICS], under[METRICS];
};

static struct part part_of(const struct score_sums *sums)
{
    struct part part = {
        .above = {[METRIC_M1] = sums->start[SCORED_NET],
                  [METRIC_M1_MACRO] = score_m1(sums, SCORED_NET),
                  [METRIC_M2I] = sums->total[SCORED_NET],
                  [METRIC_PBI] = sums->pinball[SCORED_NET],
                  [METRIC_PB1] = sums->pinball_start[SCORED_NET]},
        .under = {[METRIC_M1] = sums->start[SCORED_MEAN],
                  [METRIC_M1_MACRO] = 1,
                  [METRIC_M2I] = sums->total[SCORED_MEDIAN],
                  [METRIC_PBI] = sums->pinball[SCORED_STATIC],
                  [METRIC_PB1] = sums->pinball_start[SCORED_STATIC]},
    };
    for (int c = 0; c < CHECKPOINTS; c++) {
        part.above[METRIC_M3] += sums->remaining[SCORED_NET][c];
        part.under[METRIC_M3] += sums->remaining[SCORED_STATIC][c];
    }
    return part;
}

static void part_add(struct part *into, const struct part *from)
{
    for (int m = 0; m < METRICS; m++) {
        into->above[m] += from->above[m];
        into->under[m] += from->under[m];
    }
}

/* What both recipes gave, of the users that count. */
struct table {
    size_t seeds, users;
    struct part *part; /* (2, seeds, users) */
};

static const struct part *parts_of(const struct table *table, size_t recipe, size_t seed)
{
    return table->part + (recipe * table->seeds + seed) * table->users;
}

static int table_init(struct table *table, const struct score_sums *const sums[2], size_t seeds,
                      size_t users, struct err *err)
{
    *table = (struct table){.seeds = seeds};
    for (size_t u = 0; u < users; u++)
        table->users += sums[0][u].sessions > 0;
    if (table->users == 0)
        return err_set(err, ERR_INPUT,
                       "nothing to compare on: no user has enough sessions to leave a fifth for "
                       "testing");
    table->part = calloc(2 * seeds * table->users, sizeof *table->part);
    if (!table->part)
        return err_set(err, ERR_MEMORY, "no memory to compare %zu seeds of %zu users", seeds,
                       table->users);
    struct part *next = table->part;
    for (size_t r = 0; r < 2; r++)
        for (size_t i = 0; i < seeds * users; i++)
            if (sums[0][i % users].sessions > 0)
                *next++ = part_of(&sums[r][i]);
    return 0;
}

/* The metrics of each recipe on the users drawn, mean over seeds. @param drawn (users) indices, or
 * NULL for everybody once */
static void metrics_on(const struct table *table, const size_t *drawn, double mean[2][METRICS])
{
    for (size_t r = 0; r < 2; r++) {
        for (int m = 0; m < METRICS; m++)
            mean[r][m] = 0;
        for (size_t s = 0; s < table->seeds; s++) {
            const struct part *parts = parts_of(table, r, s);
            struct part all = {0};
            for (size_t u = 0; u < table->users; u++)
                part_add(&all, &parts[drawn ? drawn[u] : u]);
            for (int m = 0; m < METRICS; m++)
                mean[r][m] += all.above[m] / all.under[m] / (double)table->seeds;
        }
    }
}

static double spread(const struct table *table, size_t recipe, int metric, double mean)
{
    double sum = 0;
    for (size_t s = 0; s < table->seeds; s++) {
        const struct part *parts = parts_of(table, recipe, s);
        struct part all = {0};
        for (size_t u = 0; u < table->users; u++)
            part_add(&all, &parts[u]);
        double off = all.above[metric] / all.under[metric] - mean;
        sum += off * off;
    }
    return table->seeds > 1 ? sqrt(sum / (double)(table->seeds - 1)) : 0;
}

int score_compare(const struct score_sums *const sums[2], size_t seeds, size_t users, uint64_t seed,
                  struct comparison out[METRICS], struct err *err)
{
    int result = -1;
    struct table table;
    double mean[2][METRICS], *draws = NULL;
    size_t *drawn = NULL;
    if (table_init(&table, sums, seeds, users, err))
        return -1;
    draws = calloc((size_t)METRICS * COMPARE_DRAWS, sizeof *draws);
    drawn = calloc(table.users + 1, sizeof *drawn);
    if (!draws || !drawn) {
        err_set(err, ERR_MEMORY, "no memory to draw users");
        goto out;
    }
    for (size_t d = 0; d < COMPARE_DRAWS; d++) {
        for (size_t u = 0; u < table.users; u++) {
            seed += UINT64_C(0x9e3779b97f4a7c15);
            drawn[u] = hash_mix(seed) % table.users;
        }
        metrics_on(&table, drawn, mean);
        for (int m = 0; m < METRICS; m++)
            draws[(size_t)m * COMPARE_DRAWS + d] = mean[1][m] - mean[0][m];
    }
    metrics_on(&table, NULL, mean);
    for (int m = 0; m < METRICS; m++) {
        out[m] = (struct comparison){
            .difference = mean[1][m] - mean[0][m],
            .interval = interval_of(draws + (size_t)m * COMPARE_DRAWS, COMPARE_DRAWS)};
        for (size_t r = 0; r < 2; r++) {
            out[m].of[r].mean = mean[r][m];
            out[m].of[r].sd = spread(&table, r, m, mean[r][m]);
        }
    }
    result = 0;
out:
    free(draws);
    free(drawn);
    free(table.part);
    return result;
}
