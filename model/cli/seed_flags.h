/* seed_flags.h - the recipe of the re-implemented system as options of commands: one table for
 * those who train by it. */
#ifndef OUTRO_CLI_SEED_FLAGS_H
#define OUTRO_CLI_SEED_FLAGS_H

#include <stddef.h>
#include <stdint.h>

#include "cli/options.h"
#include "core/err.h"
#include "seed/seed_fit.h"

/* Values as given; what is not given keeps the recipe's default. */
struct seed_flags {
    const char *model, *loss, *optimizer, *scaling;
    uint64_t hidden_dim, layer_dims, layers, batch, epochs, seed, min_users;
    double dropout, filter;
    bool joined;
};

/* Rows of the table, for commands to copy into theirs: those of any training first. */
enum { SEED_FLAG_COMMON = 9, SEED_FLAG_ROWS = 14 };

/** Starts flags at a recipe's values, and writes the rows that set them. Texts live as long as the
 * program.  @param defaults of an evaluation, min_users 0 and filter NAN mean that it finds them */
void seed_flags_rows(struct seed_flags *flags, const struct seed_recipe *defaults,
                     struct option_row out[SEED_FLAG_ROWS]);
/** @param recipe the defaults; what was given is set  @return 0, or -1 with ERR_USAGE */
int seed_flags_recipe(const struct seed_flags *flags, struct seed_recipe *recipe,
                      struct err *err) MUST_CHECK;
/** @return an option of any training that has another value than the default, as it is written;
 * NULL when none has. Without --filter-percentile, which is not of training alone. */
const char *seed_flags_given(const struct seed_flags *flags, const struct seed_recipe *defaults);
/** By their names in seed_fit.h. @return 0, or -1 with ERR_USAGE: what it may be */
int seed_cell_find(const char *name, enum seed_cell *out, struct err *err) MUST_CHECK;
int seed_scaling_find(const char *name, enum seed_scaling *out, struct err *err) MUST_CHECK;

#endif
