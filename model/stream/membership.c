#include "stream/membership.h"

#include "stream/user_columns.h"

bool membership_keeps(enum user_column column)
{
    return column == COLUMN_TOTAL_SESSIONS || column == COLUMN_AVERAGE_LENGTH ||
           column == COLUMN_MAX_LENGTH || column == COLUMN_MEDIAN_LENGTH;
}

/* The nearest cluster, unless the own one is nearly as near. Distances are squared.
 * @param own 1 + the own cluster; 0: none */
static uint16_t nearest(const struct user_layout *layout, const struct clustering *of,
                        const struct user_state *user, uint16_t own)
{
    double raw[USER_COLUMNS], distance[CLUSTERS_MAX];
    uint32_t best = 0;
    user_columns(layout, user, NULL, raw);
    clustering_distances(of, raw, distance);
    for (uint32_t c = 1; c < of->k; c++)
        if (distance[c] < distance[best])
            best = c;
    const double keep = (1 - CLUSTER_MARGIN) * (1 - CLUSTER_MARGIN);
    if (own > 0 && distance[best] >= keep * distance[own - 1])
        return own;
    return (uint16_t)(best + 1);
}

/* Whether it is time to look again: every so many sessions from the first placement on. Who is
 * listed was put there by all the sessions they had then, so fewer of them say nothing against it.
 */
static bool is_due(const struct stream_params *params, const struct cluster_member *listed,
                   uint32_t finished)
{
    uint32_t from = params->cluster_min_sessions, every = params->cluster_recheck_sessions;
    if (listed && listed->sessions > from)
        from = listed->sessions;
    return every > 0 && finished > from && (finished - from) % every == 0;
}

bool membership_update(const struct stream_params *params, const struct user_layout *layout,
                       const struct bundle_clusters *clusters, struct user_state *user, bool opened)
{
    const struct clustering *of = &clusters->of;
    const uint32_t finished = user_finished_sessions(user);
    const bool is_new = user->clustering != clusters->id;
    const uint16_t before = is_new ? 0 : user->cluster;
    uint16_t after = before;
    if (!is_new && !opened)
        return false;
    const struct cluster_member *listed =
        clustering_find(of, (struct slice){user->user_id, user->user_id_size});
    user->clustering = clusters->id;
    if (before == 0 && listed)
        after = (uint16_t)(listed->label + 1);
    else if (before == 0 && finished >= params->cluster_min_sessions)
        after = nearest(layout, of, user, 0);
    else if (before > 0 && is_due(params, listed, finished))
        after = nearest(layout, of, user, before);
    user->cluster = after;
    return after != before && (before > 0 || !listed);
}
