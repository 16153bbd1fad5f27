/* Any bytes, decoded in one go and in steps of odd sizes: the same bytes, or a refusal. */
#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "data/byte_decoder.h"

/* What a few bytes may grow to is not looked at beyond this. */
enum { DECODED_MAX = 1 << 16 };

struct memory {
    const char *bytes;
    size_t size, step;
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int read_memory(void *ctx, char *into, size_t room, size_t *got, struct err *err)
{
    struct memory *memory = ctx;
    (void)err;
    *got = memory->step < room ? memory->step : room;
    if (*got > memory->size)
        *got = memory->size;
    memcpy(into, memory->bytes, *got);
    memory->bytes += *got;
    memory->size -= *got;
    return *got > 0;
}

/* @param step bytes of the input and of the output at a time @return 0, or -1 with err */
static int decode(const uint8_t *data, size_t size, size_t step, char *out, size_t *made,
                  struct err *err)
{
    struct memory memory = {(const char *)data, size, step};
    struct byte_decoder *decoder =
        byte_decoder_new((struct byte_input){&memory, read_memory}, "fuzz", err);
    assert(decoder);
    *made = 0;
    int status = 0;
    size_t got = 1;
    while (status == 0 && got > 0 && *made < DECODED_MAX) {
        size_t room = DECODED_MAX - *made;
        status = byte_decoder_read(decoder, out + *made, step < room ? step : room, &got, err);
        *made += status == 0 ? got : 0;
    }
    byte_decoder_free(decoder);
    return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char whole[DECODED_MAX], steps[DECODED_MAX];
    size_t whole_size, steps_size;
    struct err whole_err = {0}, steps_err = {0};
    int whole_status = decode(data, size, DECODED_MAX, whole, &whole_size, &whole_err);
    int steps_status = decode(data, size, 997, steps, &steps_size, &steps_err);
    if (whole_status == 0) {
        assert(steps_status == 0 && whole_size == steps_size);
        assert(memcmp(whole, steps, whole_size) == 0);
    } else {
        /* libzstd does not look at the size that a frame says when it is fed in pieces and the last
         * block is empty: a frame that lies, not one that is cut off. */
        bool is_zstd = size > 0 && data[0] != 0x1f;
        assert(steps_status != 0 || steps_size == DECODED_MAX || is_zstd);
        assert(whole_err.code == ERR_INPUT && whole_err.text[0] != '\0');
    }
    return 0;
}
