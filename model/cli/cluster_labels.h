/* cluster_labels.h - the numbers of clusters beside what they name in a picture, as commands of
 * gnuplot's: colours, marks and hatches repeat, numbers do not. Numbers that would stand on each
 * other are moved aside, with a thread to what they name. Pure but for the writing. */
#ifndef OUTRO_CLI_CLUSTER_LABELS_H
#define OUTRO_CLI_CLUSTER_LABELS_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Where a cluster stands in the picture of everybody's silhouette. */
struct band {
    double middle; /* place */
    double height; /* silhouette of who stands there */
};

/** Above the bands, in one line or two; of more than there is room for, every second, third ...
 *  @param band (k) from left to right  @param width of the axis */
void cluster_labels_of_bands(const struct band *band, uint32_t k, double width, FILE *plot);

/** Beside each cluster's middle; one that finds no room is left out. @param middle (k, 2)
 *  @param low, high (2) of all that is in the picture */
void cluster_labels_of_points(const double *middle, uint32_t k, const double low[2],
                              const double high[2], FILE *plot);

/** Numbers along an axis of clusters or of k: every one, or as many as have room. */
void cluster_labels_of_axis(uint32_t last, FILE *plot);

/** Five numbers or so along an axis of anything, as long as they may be. @param axis 'x' or 'y' */
void cluster_labels_of_values(char axis, double low, double high, FILE *plot);

#endif
