#include "cli/open_log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/progress.h"
#include "data/utf8.h"

int log_hints_read(const struct log_hints *hints, enum log_form *form, const char **user,
                   struct err *err)
{
    if (hints->form && log_form_named(hints->form, form, err) < 0)
        return err_prefix(err, "--format");
    size_t size = hints->user ? strlen(hints->user) : 1;
    if (size < 1 || size > USER_ID_MAX)
        return err_set(err, ERR_USAGE, "--user: an id has 1 to %d bytes", USER_ID_MAX);
    if (hints->user && utf8_valid_prefix(hints->user, size) < size)
        return err_set(err, ERR_USAGE, "--user: it is not UTF-8");
    *user = hints->user;
    return 0;
}

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
