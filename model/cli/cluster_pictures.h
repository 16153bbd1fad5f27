/* cluster_pictures.h - a study as pictures, each with its data file beside it (TSV), as SVG and
 * PNG:
 *
 *   elbow                  inertia of k-means for k = 1 .. 29
 *   silhouettes            mean silhouette by k
 *   silhouette             of everybody, by cluster
 *   scatter                two columns, or the first two principal components
 *   distribution_COLUMN    of each column by cluster
 *
 * and members.tsv: lines USER tab CLUSTER without a header, as `--clusters` of `outro evaluate` and
 * of `outro train --seed-compat` reads them. Clusters differ by their numbers and by shape or
 * hatching as well as by colour. */
#ifndef OUTRO_CLI_CLUSTER_PICTURES_H
#define OUTRO_CLI_CLUSTER_PICTURES_H

#include "cli/cluster_study.h"
#include "cli/report_folder.h"

#define PICTURE_NAME_MAX 64
#define PICTURES_MAX     (4 + USER_COLUMNS)

struct picture {
    char name[PICTURE_NAME_MAX]; /* of its files, without what follows the dot */
    char title[160], says[400];  /* what it shows; what to see in it */
};

struct pictures {
    struct picture picture[PICTURES_MAX];
    size_t count;
    enum plot_outcome outcome; /* PLOT_DRAWN: all are */
};

/** Numbers of a column by cluster: what a distribution shows. */
struct spread {
    double low, p10, p25, median, p75, p90, high, mean;
};
/** @param column index in the study's  @param label of the cluster  @return 0, or -1 ERR_MEMORY */
int cluster_spread(const struct cluster_study *study, uint32_t column, uint32_t label,
                   struct spread *out, struct err *err) MUST_CHECK;

/** Writes all into a folder that is there, in the place of an earlier report. @param scatter two
 * columns, or NULL: components
 * @return 0 also without gnuplot, or -1: ERR_IO, ERR_MEMORY, ERR_CHECK */
int cluster_pictures_draw(const struct cluster_study *study, const enum user_column *scatter,
                          const char *path, struct pictures *out, struct err *err) MUST_CHECK;

#endif
