/* score_table.h - a score report as a table for people (stream/scores.h has what the columns mean).
 */
#ifndef OUTRO_CLI_SCORE_TABLE_H
#define OUTRO_CLI_SCORE_TABLE_H

#include <stdio.h>

#include "stream/scores.h"

#define SCORE_TABLE_SEED 1 /* of the draws of its intervals, wherever it is printed */

void score_table_print(const struct score_report *report, FILE *out);
/** The same as tab-separated values, a line a predictor; empty where it has none. */
void score_table_write(const struct score_report *report, FILE *out);

#endif
