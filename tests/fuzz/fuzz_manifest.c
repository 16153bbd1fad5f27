/* Any bytes: refused with a reason, or a manifest that is the same after being written and read
 * again. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "bundle/manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_again(const struct manifest *first)
{
    char *text = NULL, *text_again = NULL;
    struct err err = {0};
    struct manifest *second = malloc(sizeof *second);
    assert(second);
    if (manifest_encode(first, &text, &err))
        assert(!"a manifest that was read cannot be written");
    if (manifest_parse(text, strlen(text), second, &err))
        assert(!"a manifest that was written cannot be read");
    if (manifest_encode(second, &text_again, &err))
        assert(!"a manifest that was read again cannot be written");
    assert(strcmp(text, text_again) == 0);
    free(text);
    free(text_again);
    free(second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err err = {0};
    struct manifest *manifest = malloc(sizeof *manifest);
    assert(manifest);
    if (manifest_parse(data, size, manifest, &err)) {
        assert(err.code == ERR_INPUT && err.text[0] != '\0');
    } else {
        assert(manifest->window >= 1 && manifest->window <= WINDOW_MAX);
        assert(manifest->net_file < manifest->files);
        for (size_t i = 0; i < manifest->files; i++)
            assert(!strchr(manifest->file[i].name, '/') && manifest->file[i].name[0] != '.');
        for (size_t i = 1; i < POOL_VALUES; i++)
            assert(manifest->pool_ms[i - 1] <= manifest->pool_ms[i]);
        check_again(manifest);
    }
    free(manifest);
    return 0;
}
