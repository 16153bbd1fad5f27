/* seed_files.h - all files of the re-implemented system, stage by stage. */
#ifndef OUTRO_PREPARE_SEED_FILES_H
#define OUTRO_PREPARE_SEED_FILES_H

#include "prepare/prepare.h"

extern const struct prepare_stage SEED_STAGES[];

/** @return 0, -1 with err */
int seed_write(const struct history *history, const struct split *split,
               const struct prepare_options *options, struct prepare_counts *counts,
               struct err *err) MUST_CHECK;

#endif
