/* Any bytes as a configuration file: refused with a reason that names a line, or printed back so
 * that it reads the same. */
#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char *printed(const struct config *config)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    assert(out);
    config_print(config, out, true);
    fclose(out);
    return text;
}

static void check_again(const struct config *first)
{
    struct config second;
    struct err err = {0};
    char *text = printed(first);
    if (config_init(&second, &err) || config_parse(&second, text, strlen(text), "again", &err)) {
        assert(!"what was printed cannot be read");
    }
    char *again = printed(&second);
    assert(strcmp(text, again) == 0);
    free(text);
    free(again);
    config_release(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct config config;
    struct err err = {0};
    if (size > 0 && memmem(data, size, "plugin", 6)) {
        return 0; /* librdkafka would load the library it names */
    }
    if (config_init(&config, &err)) {
        assert(!"the defaults are not allowed");
    }
    if (config_parse(&config, (const char *)data, size, "f", &err)) {
        assert(err.code == ERR_USAGE && strncmp(err.text, "f:", 2) == 0);
    } else {
        check_again(&config);
    }
    config_release(&config);
    return 0;
}
