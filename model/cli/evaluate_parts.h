/* evaluate_parts.h - what the files of `outro evaluate` share: its options, a log as sessions
 * (cmd_evaluate.c), the report on the re-implemented system (evaluate_report.c). */
#ifndef OUTRO_CLI_EVALUATE_PARTS_H
#define OUTRO_CLI_EVALUATE_PARTS_H

#include <stdbool.h>
#include <stdint.h>

#include "cli/evaluation_table.h"
#include "cli/log_sessions.h"
#include "cli/open_log.h"
#include "cli/seed_flags.h"
#include "core/err.h"
#include "seed/seed_fit.h"

struct evaluate {
    const char *path; /* a log, or a directory of outro prepare */
    const char *bundle_path, *models_path, *durations_path, *holidays_path;
    const char *clusters_path, *baseline_name;
    const char *kmeans_path, *spectral_path;
    struct log_hints hints;
    enum evaluated baseline;
    enum table_form form;
    struct seed_flags flags;   /* the recipe of a report, as given */
    struct seed_recipe recipe; /* its defaults */
    uint64_t threads;          /* 0 until options are read: not given */
    bool directory, seed_compat, seed_report, keep_duplicates, strict, quiet, tsv, json;
};

/** The log at path, through the bundle. @param sessions out, release it either way  @return 0, or
 * -1 with err */
int evaluate_sessions(const struct evaluate *evaluate, struct log_sessions *sessions,
                      struct err *err) MUST_CHECK;

/** Smaller batches for as many steps in fewer epochs; min_users 0 and filter NAN: found later. */
void evaluate_report_defaults(struct seed_recipe *recipe);
/** @return 0, or -1 with err */
int evaluate_report(const struct evaluate *evaluate, struct err *err) MUST_CHECK;

#endif
