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
    char lines[4][NET_TEXT_MAX];
    net_spec_print(&net.spec, lines[0], lines[1]);
    net_spec_print(&back.spec, lines[2], lines[3]);
    assert(strcmp(lines[0], lines[2]) == 0 && strcmp(lines[1], lines[3]) == 0);
    assert(net.spec.inputs == back.spec.inputs && net.spec.features == back.spec.features);
    assert(memcmp(net.params, back.params, net_params_count(&net.spec) * sizeof *net.params) == 0);
    net_file_release(&net);
    net_file_release(&back);
    free(bytes);
    return 0;
}
