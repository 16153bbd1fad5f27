/* seed_report.h - the published results of the re-implemented system beside what its protocol gives
 * on other people's sessions, error by error, and beside what is honest on the same sessions. */
#ifndef OUTRO_CLI_SEED_REPORT_H
#define OUTRO_CLI_SEED_REPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "cli/evaluation_table.h"
#include "core/err.h"
#include "seed/seed_fit.h"
#include "seed/seed_rows.h"
#include "stream/evaluation.h"

struct seed_report_options {
    struct seed_recipe recipe;           /* of all models; model, scaling and labels vary */
    const struct seed_members *kmeans;   /* NULL: those rows are left out */
    const struct seed_members *spectral; /* the same */
    uint32_t threads;
    bool quiet;
    enum table_form form;
};

/** The number of people that the published results were made from. */
#define SEED_REPORT_PEOPLE 992

/** min_users of as many people as the original's 31 are of its own; at least 2. */
uint32_t seed_report_min_users(size_t users);

/** Trains and prints. @param honest the test sessions of data judged beside baselines (and a net,
 * if there is one): what the last rows of the table say  @return 0, or -1 with err */
int seed_report(const struct seed_data *data, const struct seed_report_options *options,
                struct evaluation *honest, struct err *err) MUST_CHECK;

#endif
