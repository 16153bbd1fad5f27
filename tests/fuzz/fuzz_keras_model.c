/* An architecture of Keras: any JSON, with a version beside it and without. */
#include <assert.h>
#include <stdint.h>

#include "bundle/keras_model.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const versions[] = {NULL, "2.2.4", "3.0"};
    for (int i = 0; i < 3; i++) {
        struct keras_model model;
        struct net_file net;
        struct err err = {0};
        if (keras_model_parse(data, size, versions[i], &model, &net, &err)) {
            assert(err.code != ERR_NONE && err.text[0] != '\0');
            continue;
        }
        assert(model.layers == net.spec.recurrent_layers + net.spec.dense_layers);
        assert(net.spec.dense_layers > 0 && net.source[0] != '\0' && !net.params);
    }
    return 0;
}
