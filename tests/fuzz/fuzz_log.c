/* Lines of a listening log, in any form or none (log_checks.h). */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "log_checks.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct scrobble_scratch *scratch = scrobble_scratch_new();
    assert(scratch);
    const struct log_parser parser = {LOG_FORM_ANY, {"whoever", 7}, scratch};
    const char *at = (const char *)data, *end = at + size;
    for (bool first = true; at < end; first = false) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        size_t length = (size_t)((newline ? newline : end) - at);
        char *line = malloc(length ? length : 1); /* on its own, so that a byte too far is seen */
        assert(line);
        memcpy(line, at, length);
        struct scrobble scrobble;
        struct err err = {0};
        enum log_line kind =
            log_line_parse(&parser, (struct slice){line, length}, first, &scrobble, &err);
        log_checks_parsed(kind, &scrobble, &err);
        free(line);
        at += length + 1;
    }
    scrobble_scratch_free(scratch);
    return 0;
}
