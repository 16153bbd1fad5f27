/* cluster_summary.h - what `outro cluster` says of a study: on standard output, and as sentences
 * that its page has as well. */
#ifndef OUTRO_CLI_CLUSTER_SUMMARY_H
#define OUTRO_CLI_CLUSTER_SUMMARY_H

#include <stdio.h>

#include "cli/cluster_study.h"

/** A number as printf should round it: never "-0.000". */
double cluster_summary_rounded(double value, int decimals);
/** How much of the variance is between the clusters, in %. */
double cluster_summary_between(const struct cluster_study *study);

/** Why this k: the highest silhouette, and the next; or that it was asked for. */
void cluster_summary_choice(const struct cluster_study *study, FILE *out);
/** How the true partition lies among random ones; nothing when none were tried. */
void cluster_summary_random(const struct cluster_study *study, FILE *out);
/** What to beware of: a graph in pieces, weak clusters, tiny ones; a sentence a line. */
void cluster_summary_warnings(const struct cluster_study *study, FILE *out);
/** All of it, with a table of the clusters. */
void cluster_summary_print(const struct cluster_study *study, FILE *out);

#endif
