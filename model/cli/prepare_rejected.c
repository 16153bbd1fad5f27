#include "cli/prepare_rejected.h"

#include <string.h>

#include "prepare/tidy_tables.h"

void prepare_rejected_put(void *ctx, uint64_t line, const char *reason)
{
    struct prepare_rejected *rejected = ctx;
    struct output *output = &rejected->output;
    if (!rejected->begun) {
        rejected->begun = true;
        rejected->status = output_open(output, rejected->folder, "rejected.tsv", &rejected->err);
        if (rejected->status == 0)
            tidy_put_literal(output, "line\treason\n");
    }
    if (rejected->status < 0)
        return;
    output_int(output, (int64_t)line);
    output_char(output, '\t');
    tidy_put_text(output, (struct slice){reason, strlen(reason)});
    output_char(output, '\n');
}

int prepare_rejected_end(struct prepare_rejected *rejected, int status, struct err *err)
{
    if (!rejected->begun)
        return status;
    if (status == 0 && rejected->status < 0) {
        status = -1;
        if (err)
            *err = rejected->err;
    }
    if (status == 0)
        status = output_commit(&rejected->output, err);
    output_abandon(&rejected->output);
    return status;
}
