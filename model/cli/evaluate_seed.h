/* evaluate_seed.h - a prepared directory judged as anything else is: the test rows beside the
 * baselines that they and the training rows tell, and what models of the re-implemented system's
 * protocol say of them, asked and judged without its errors. */
#ifndef OUTRO_CLI_EVALUATE_SEED_H
#define OUTRO_CLI_EVALUATE_SEED_H

#include <stdint.h>
#include <stdio.h>

#include "core/err.h"
#include "seed/seed_judge.h"
#include "stream/evaluation.h"

/** Adds the test rows of people who have training rows.
 *  @param members clusters, NULL for none  @param models theirs; NULL: baselines alone
 *  @param left_out test rows that were not added: no model, or no cluster, or no training row
 *  @return 0, -1 with ERR_MEMORY */
int evaluate_seed_rows(const struct seed_data *data, const struct seed_members *members,
                       const struct seed_models *models, struct evaluation *evaluation,
                       uint64_t *left_out, struct err *err) MUST_CHECK;

/** What a judgement says, for people. @param name of the models  */
void evaluate_seed_print(const struct seed_judgement *judgement, FILE *out);

#endif
