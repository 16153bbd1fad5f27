/* seed_report_table.h - the report of seed_report.h as text, as tab-separated rows (one a measure)
 * or as one JSON object. */
#ifndef OUTRO_CLI_SEED_REPORT_TABLE_H
#define OUTRO_CLI_SEED_REPORT_TABLE_H

#include <stdio.h>

#include "cli/evaluation_table.h"
#include "core/err.h"
#include "seed/seed_judge.h"
#include "stream/evaluation.h"

#define SEED_REPORT_ROWS 16

struct seed_report_row {
    const char *name;
    double published; /* NAN: not */
    struct seed_judgement judgement;
};

struct seed_report_table {
    const struct seed_recipe *recipe;
    const struct seed_data *data;
    struct seed_report_row row[SEED_REPORT_ROWS];
    size_t rows;
    struct evaluation_report honest;
};

/** @return 0, -1 with ERR_MEMORY */
int seed_report_table_print(const struct seed_report_table *table, enum table_form form, FILE *out,
                            struct err *err) MUST_CHECK;

#endif
