/* Any bytes: refused with a reason, or read as tensors that cover the data exactly and can be
 * copied out. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "bundle/safetensors.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_tensor(const struct safetensors *file, const struct safetensor *tensor)
{
    assert(tensor->end <= file->size_bytes && tensor->begin <= tensor->end);
    assert(safetensors_find(file, tensor->name) == tensor);
    size_t values = safetensor_values(tensor);
    void *out = malloc(tensor->end - tensor->begin + 1);
    assert(out);
    if (tensor->dtype == DTYPE_F32) {
        safetensor_read_f32(file, tensor, out);
        assert(values * sizeof(float) == tensor->end - tensor->begin);
    } else if (tensor->dtype == DTYPE_F64) {
        safetensor_read_f64(file, tensor, out);
        assert(values * sizeof(double) == tensor->end - tensor->begin);
    }
    free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct safetensors file;
    struct err err = {0};
    if (safetensors_parse(data, size, &file, &err)) {
        assert(err.code == ERR_INPUT && err.text[0] != '\0');
        return 0;
    }
    size_t covered = 0;
    for (size_t i = 0; i < file.count; i++) {
        assert(file.tensor[i].begin == covered);
        covered = file.tensor[i].end;
        check_tensor(&file, &file.tensor[i]);
    }
    assert(covered == file.size_bytes);
    safetensors_release(&file);
    return 0;
}
