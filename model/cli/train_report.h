/* train_report.h - what `outro train --report DIR` leaves: loss.tsv, the curves; loss.svg, the same
 * drawn by gnuplot where it is installed (loss.gnuplot says how); scores.tsv and scores.txt, what
 * `outro replay` would say of the net; recipe, what it was trained by. */
#ifndef OUTRO_CLI_TRAIN_REPORT_H
#define OUTRO_CLI_TRAIN_REPORT_H

#include "cli/recipe.h"
#include "cli/train_data.h"

/** Scores the net and writes the report. @return 0, or -1: ERR_IO, or what scoring said */
int train_report(const char *path, const struct recipe *recipe, const struct train_source *source,
                 const struct train_data *data, struct predictor *net,
                 const struct trainer_report *report, struct err *err) MUST_CHECK;

#endif
