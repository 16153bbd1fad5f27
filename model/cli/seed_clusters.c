#include "cli/seed_clusters.h"

#include <stdlib.h>

#include "cluster/kmeans.h"
#include "cluster/spectral.h"
#include "core/workers.h"

#define CLUSTERS      5
#define COLUMNS       2 /* the number of the user, the average of their sessions */
#define SESSIONS_MIN  30
#define AVERAGE_MAX_S 20000

/* Users that are clustered, two columns each. @param points room for all  @return how many */
static size_t make_points(const struct seed_rows *train, double *points)
{
    size_t users = 0;
    for (size_t from = 0, to; from < train->count; from = to) {
        uint32_t user = seed_user(&train->row[from]);
        for (to = from; to < train->count && seed_user(&train->row[to]) == user;)
            to++;
        double average = train->row[to - 1].input[SEED_AVERAGE]; /* before the last session */
        if (to - from <= SESSIONS_MIN || average >= AVERAGE_MAX_S)
            continue;
        points[COLUMNS * users] = user;
        points[COLUMNS * users + 1] = average;
        users++;
    }
    return users;
}

static int add_members(const double *points, const uint32_t *label, size_t users,
                       struct seed_members *members, struct err *err)
{
    for (size_t i = 0; i < users; i++) {
        const struct seed_member member = {(uint32_t)points[COLUMNS * i], label[i]};
        if (seed_members_add(members, member, err))
            return -1;
    }
    return seed_members_sort(members, err);
}

static int find(const double *points, size_t users, bool spectral, uint64_t seed,
                struct seed_members *members, struct err *err)
{
    static const uint32_t k = CLUSTERS;
    struct kmeans_options options = KMEANS_DEFAULTS;
    struct workers *workers = workers_new(1, err);
    int result = -1;
    options.seed = seed;
    if (!workers)
        return -1;
    if (spectral) {
        struct spectral_result found;
        size_t parts;
        result =
            spectral_run(points, users, COLUMNS, &k, 1, &options, workers, &parts, &found, err);
        if (result == 0) {
            result = add_members(points, found.label, users, members, err);
            spectral_release(&found);
        }
    } else {
        struct kmeans_result found;
        result = kmeans_run(points, users, COLUMNS, &k, 1, &options, workers, &found, err);
        if (result == 0) {
            result = add_members(points, found.label, users, members, err);
            kmeans_release(&found);
        }
    }
    workers_free(workers);
    return result;
}

int seed_clusters_make(const struct seed_rows *train, bool spectral, uint64_t seed,
                       struct seed_members *members, struct err *err)
{
    *members = (struct seed_members){0};
    double *points = calloc(COLUMNS * seed_rows_users(train) + 1, sizeof *points);
    if (!points)
        return err_set(err, ERR_MEMORY, "out of memory for the points of %zu users",
                       seed_rows_users(train));
    size_t users = make_points(train, points);
    int result = users < CLUSTERS ? 0 : find(points, users, spectral, seed, members, err);
    free(points);
    return result;
}
