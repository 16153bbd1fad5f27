/* A state dict as anybody may send it. What is imported goes back and comes again the same. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "bundle/torch_names.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct net_file net, back;
    struct err err = {0};
    unsigned char *bytes;
    size_t written;
    if (torch_decode(data, size, "", NULL, &net, &err)) {
        assert(err.code != ERR_NONE && err.text[0] != '\0');
        return 0;
    }
    int result = torch_encode(&net, &bytes, &written, &err);
    assert(result == 0);
    result = torch_decode(bytes, written, "", NULL, &back, &err);
    assert(result == 0);
    assert(memcmp(&net.spec, &back.spec, sizeof net.spec) == 0);
    assert(memcmp(net.params, back.params, net_params_count(&net.spec) * sizeof *net.params) == 0);
    net_file_release(&net);
    net_file_release(&back);
    free(bytes);
    return 0;
}
