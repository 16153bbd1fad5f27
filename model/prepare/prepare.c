#include "prepare/prepare.h"

#include "prepare/seed_files.h"
#include "prepare/tidy_files.h"

const struct prepare_stage *prepare_stages(bool seed_compat)
{
    return seed_compat ? SEED_STAGES : TIDY_STAGES;
}

int prepare_stage_done(const struct prepare_options *options, unsigned stage, struct err *err)
{
    bool told = options->stages & 1u << stage && options->stage_done;
    return told ? options->stage_done(options->stage_ctx, stage, err) : 0;
}

int prepare_write(const struct history *history, const struct prepare_options *options,
                  struct prepare_counts *counts, struct err *err)
{
    struct split split;
    *counts = (struct prepare_counts){0};
    if (split_make(&split, &options->split, history, err) < 0)
        return -1;
    int status = options->seed_compat ? seed_write(history, &split, options, counts, err)
                                      : tidy_write(history, &split, options, counts, err);
    split_clear(&split);
    return status;
}
