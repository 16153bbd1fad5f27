#include "cli/open_log.h"

#include <stdio.h>
#include <stdlib.h>

#include "cli/progress.h"

struct log *open_log(const char *path, const struct log_options *options, bool quiet,
                     struct err *err)
{
    /* Collected, not printed at once: the progress line is redrawn in place and would tear them. */
    char *text = NULL;
    size_t size = 0;
    FILE *complaints = open_memstream(&text, &size);
    if (!complaints) {
        err_set(err, ERR_MEMORY, "out of memory opening %s", path);
        return NULL;
    }
    struct progress progress;
    progress_begin(&progress, "reading", "rows", quiet);
    struct log_options ours = *options;
    ours.complaints = complaints;
    ours.progress = progress_log_rows;
    ours.progress_ctx = &progress;
    struct log *log = log_open(path, &ours, err);
    progress_end(&progress);
    if (fclose(complaints) == 0)
        fwrite(text, 1, size, stderr);
    free(text);
    return log;
}
