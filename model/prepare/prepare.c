#include "prepare/prepare.h"

#include "prepare/seed_files.h"

const struct prepare_stage *prepare_stages(bool seed_compat)
{
    (void)seed_compat;
    return SEED_STAGES;
}

int prepare_write(const struct history *history, const struct prepare_options *options,
                  struct err *err)
{
    struct split split;
    if (split_make(&split, &options->split, history, err) < 0)
        return -1;
    int status = seed_write(history, &split, options, err);
    split_clear(&split);
    return status;
}
