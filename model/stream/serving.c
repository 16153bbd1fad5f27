#include "stream/serving.h"

#include <assert.h>
#include <stdlib.h>

#include "stream/membership.h"

static int add_net(struct serving *serving, const struct predictor *net, size_t rows_max,
                   struct err *err)
{
    /* They run one after the other, so all use the first one's scratch. */
    struct predictor_runner *runner =
        predictor_runner_new(net, rows_max, serving->nets ? serving->runner[0] : NULL, err);
    if (!runner)
        return -1;
    serving->runner[serving->nets++] = runner;
    return 0;
}

int serving_init(struct serving *serving, struct bundle *bundle, size_t rows_max, struct err *err)
{
    const struct bundle_clusters *clusters = bundle->clusters;
    const size_t k = clusters ? clusters->of.k : 0;
    assert(k <= CLUSTERS_MAX);
    for (uint32_t i = 0; k > 0 && i < clusters->of.columns; i++)
        if (!membership_keeps(clusters->of.column[i]))
            return err_set(err, ERR_SHAPE, "bundle %s has clusters by %s, which no record keeps",
                           bundle->version, user_column_name(clusters->of.column[i]));
    *serving = (struct serving){.bundle = bundle_hold(bundle),
                                .runner = calloc(k + 1, sizeof(struct predictor_runner *))};
    if (!serving->runner) {
        err_set(err, ERR_MEMORY, "out of memory for %zu nets", k + 1);
        goto fail;
    }
    if (add_net(serving, bundle->net, rows_max, err) < 0)
        goto fail;
    for (size_t c = 0; c < k; c++) {
        const struct predictor *own = clusters->cluster[c].net;
        if (!own)
            continue; /* net_of is 0: its users wait with all others of the global net */
        serving->net_of[c + 1] = (net_index)serving->nets;
        if (add_net(serving, own, rows_max, err) < 0)
            goto fail;
    }
    return 0;
fail:
    serving_release(serving);
    return -1;
}

void serving_release(struct serving *serving)
{
    while (serving->runner && serving->nets > 0) /* the lender of the others last */
        predictor_runner_free(serving->runner[--serving->nets]);
    free((void *)serving->runner);
    bundle_release(serving->bundle);
    *serving = (struct serving){0};
}
