/* A whole log, read as our own JSON (log_checks.h). */
#include "log_checks.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    return log_checks_read(LOG_FORM_JSON, data, size);
}
