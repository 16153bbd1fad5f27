/* tidy_files.h - all tables of the tidy form, stage by stage. */
#ifndef OUTRO_PREPARE_TIDY_FILES_H
#define OUTRO_PREPARE_TIDY_FILES_H

#include "prepare/prepare.h"

extern const struct prepare_stage TIDY_STAGES[];

/** @return 0, -1 with err */
int tidy_write(const struct history *history, const struct split *split,
               const struct prepare_options *options, struct prepare_counts *counts,
               struct err *err) MUST_CHECK;

#endif
