/* evaluation_table.h - an evaluation as a table for people, as tab-separated rows (one a measure:
 * cluster, predictor, measure, value) or as one JSON object. */
#ifndef OUTRO_CLI_EVALUATION_TABLE_H
#define OUTRO_CLI_EVALUATION_TABLE_H

#include <stdio.h>

#include "core/err.h"
#include "stream/evaluation.h"

enum table_form { TABLE_TEXT, TABLE_TSV, TABLE_JSON };

/** @param judged which sessions, in words, for people  @return 0, -1 with ERR_MEMORY */
int evaluation_table_print(const struct evaluation_report *report, enum evaluated baseline,
                           const char *judged, enum table_form form, FILE *out,
                           struct err *err) MUST_CHECK;

#endif
