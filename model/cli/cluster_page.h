/* cluster_page.h - a study and its pictures as one HTML page that needs nothing beside it: inline
 * SVG, no scripts, readable on a telephone and on paper. */
#ifndef OUTRO_CLI_CLUSTER_PAGE_H
#define OUTRO_CLI_CLUSTER_PAGE_H

#include "cli/cluster_pictures.h"

/** Writes index.html into the folder that the pictures are in. @return 0, or -1: ERR_IO, ERR_MEMORY
 */
int cluster_page_write(const struct cluster_study *study, const struct pictures *pictures,
                       const char *path, struct err *err) MUST_CHECK;

#endif
