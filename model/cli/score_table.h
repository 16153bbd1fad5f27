/* score_table.h - a score report as a table for people (stream/scores.h has what the columns mean).
 */
#ifndef OUTRO_CLI_SCORE_TABLE_H
#define OUTRO_CLI_SCORE_TABLE_H

#include <stdio.h>

#include "stream/scores.h"

void score_table_print(const struct score_report *report, FILE *out);

#endif
