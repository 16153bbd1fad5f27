#include "data/byte_decoder.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <zlib.h>
#include <zstd.h>

enum {
    INPUT_BYTES = 64 * 1024,
    HEAD_BYTES = 10,    /* that tell what it is */
    GZIP_BITS = 15 + 16 /* of inflateInit2: the largest window, and a gzip header must be there */
};

enum compression { PLAIN, GZIP, ZSTD };

struct byte_decoder {
    struct byte_input input;
    const char *name;
    enum compression compression;
    bool at_end;    /* of the input */
    bool in_middle; /* of a member or a frame: the end must not come here */
    char *bytes;    /* INPUT_BYTES; what is not decoded yet is [begin, end) */
    size_t begin, end;
    uint64_t made; /* bytes decoded so far */
    z_stream inflate;
    ZSTD_DCtx *zstd;
};

/* Reads behind what is there; the buffer must have room. */
static int fill(struct byte_decoder *decoder, struct err *err)
{
    if (decoder->begin == decoder->end)
        decoder->begin = decoder->end = 0;
    size_t got = 0;
    int status = decoder->input.read(decoder->input.ctx, decoder->bytes + decoder->end,
                                     INPUT_BYTES - decoder->end, &got, err);
    if (status < 0)
        return -1;
    decoder->end += status > 0 ? got : 0;
    decoder->at_end = status == 0;
    return 0;
}

static enum compression look(const char *head, size_t size)
{
    const unsigned char *byte = (const unsigned char *)head;
    if (size >= 2 && byte[0] == 0x1f && byte[1] == 0x8b)
        return GZIP;
    if (size < 4)
        return PLAIN;
    bool frame = memcmp(byte, "\x28\xb5\x2f\xfd", 4) == 0;
    bool skippable = (byte[0] & 0xf0) == 0x50 && memcmp(byte + 1, "\x2a\x4d\x18", 3) == 0;
    return frame || skippable ? ZSTD : PLAIN;
}

/* "BZh" and a digit may begin a text; behind them come the digits of pi (a block) or of its root
 * (no block at all). */
static bool is_bzip2(const char *head, size_t size)
{
    return size >= HEAD_BYTES && memcmp(head, "BZh", 3) == 0 && head[3] >= '1' && head[3] <= '9' &&
           (memcmp(head + 4, "1AY&SY", 6) == 0 ||
            memcmp(head + 4, "\x17\x72\x45\x38\x50\x90", 6) == 0);
}

static int prepare(struct byte_decoder *decoder, struct err *err)
{
    while (decoder->end < HEAD_BYTES && !decoder->at_end)
        if (fill(decoder, err) < 0)
            return -1;
    if (is_bzip2(decoder->bytes, decoder->end))
        return err_set(err, ERR_INPUT, "%s: compressed by bzip2: not read; decompress it first",
                       decoder->name);
    decoder->compression = look(decoder->bytes, decoder->end);
    if (decoder->compression == GZIP && inflateInit2(&decoder->inflate, GZIP_BITS) != Z_OK)
        return err_set(err, ERR_MEMORY, "out of memory reading %s", decoder->name);
    if (decoder->compression == ZSTD && !(decoder->zstd = ZSTD_createDCtx()))
        return err_set(err, ERR_MEMORY, "out of memory reading %s", decoder->name);
    decoder->in_middle = decoder->compression != PLAIN;
    return 0;
}

struct byte_decoder *byte_decoder_new(struct byte_input input, const char *name, struct err *err)
{
    struct byte_decoder *decoder = calloc(1, sizeof *decoder);
    char *bytes = calloc(1, INPUT_BYTES);
    if (!decoder || !bytes) {
        free(decoder);
        free(bytes);
        err_set(err, ERR_MEMORY, "out of memory reading %s", name);
        return NULL;
    }
    decoder->input = input;
    decoder->name = name;
    decoder->bytes = bytes;
    if (prepare(decoder, err) < 0) {
        byte_decoder_free(decoder);
        return NULL;
    }
    return decoder;
}

void byte_decoder_free(struct byte_decoder *decoder)
{
    if (!decoder)
        return;
    if (decoder->compression == GZIP)
        inflateEnd(&decoder->inflate); /* of a stream that was never begun: refused, harmless */
    ZSTD_freeDCtx(decoder->zstd);
    free(decoder->bytes);
    free(decoder);
}

bool byte_decoder_is_compressed(const struct byte_decoder *decoder)
{
    return decoder->compression != PLAIN;
}

static int broken(const struct byte_decoder *decoder, const char *reason, struct err *err)
{
    return err_set(err, ERR_INPUT, "%s: damaged or truncated %s behind %" PRIu64 " bytes: %s",
                   decoder->name, decoder->compression == GZIP ? "gzip" : "zstd", decoder->made,
                   reason);
}

/* Plain: first what was read to see what it is, then straight into the caller's block. */
static int read_plain(struct byte_decoder *decoder, char *into, size_t room, size_t *got,
                      struct err *err)
{
    size_t buffered = decoder->end - decoder->begin;
    size_t done = buffered < room ? buffered : room;
    memcpy(into, decoder->bytes + decoder->begin, done);
    decoder->begin += done;
    while (done < room && !decoder->at_end) {
        size_t more = 0;
        int status = decoder->input.read(decoder->input.ctx, into + done, room - done, &more, err);
        if (status < 0)
            return -1;
        decoder->at_end = status == 0;
        done += status > 0 ? more : 0;
    }
    *got = done;
    return 0;
}

/* One step of inflate. Behind a member may come another one, or zeros that fill up a tape's block.
 */
static int step_gzip(struct byte_decoder *decoder, char *into, size_t room, size_t *made,
                     struct err *err)
{
    if (!decoder->in_middle) {
        while (decoder->begin < decoder->end && decoder->bytes[decoder->begin] == '\0')
            decoder->begin++;
        if (decoder->begin == decoder->end)
            return 0;
        if (inflateReset(&decoder->inflate) != Z_OK)
            return broken(decoder, "it cannot be read on", err);
        decoder->in_middle = true;
    }
    z_stream *stream = &decoder->inflate;
    stream->next_in = (Bytef *)decoder->bytes + decoder->begin;
    stream->avail_in = (uInt)(decoder->end - decoder->begin);
    stream->next_out = (Bytef *)into;
    stream->avail_out = (uInt)room;
    int status = inflate(stream, Z_NO_FLUSH);
    decoder->begin = decoder->end - stream->avail_in;
    *made = room - stream->avail_out;
    if (status == Z_STREAM_END)
        decoder->in_middle = false;
    else if (status == Z_MEM_ERROR)
        return err_set(err, ERR_MEMORY, "out of memory reading %s", decoder->name);
    else if (status != Z_OK && status != Z_BUF_ERROR)
        return broken(decoder, stream->msg ? stream->msg : "it needs a dictionary", err);
    return 0;
}

static int step_zstd(struct byte_decoder *decoder, char *into, size_t room, size_t *made,
                     struct err *err)
{
    if (!decoder->in_middle && decoder->begin == decoder->end)
        return 0; /* libzstd would begin a frame that is not there */
    ZSTD_inBuffer from = {decoder->bytes, decoder->end, decoder->begin};
    ZSTD_outBuffer to = {into, room, 0};
    size_t status = ZSTD_decompressStream(decoder->zstd, &to, &from);
    decoder->begin = from.pos;
    *made = to.pos;
    if (ZSTD_isError(status))
        return broken(decoder, ZSTD_getErrorName(status), err);
    decoder->in_middle = status != 0;
    return 0;
}

int byte_decoder_read(struct byte_decoder *decoder, char *into, size_t room, size_t *got,
                      struct err *err)
{
    *got = 0;
    if (decoder->compression == PLAIN)
        return read_plain(decoder, into, room, got, err);
    while (*got < room) {
        size_t made = 0, begin = decoder->begin;
        if (decoder->begin == decoder->end && !decoder->at_end && fill(decoder, err) < 0)
            return -1;
        int status = decoder->compression == GZIP
                         ? step_gzip(decoder, into + *got, room - *got, &made, err)
                         : step_zstd(decoder, into + *got, room - *got, &made, err);
        if (status < 0)
            return -1;
        *got += made;
        decoder->made += made;
        bool input_used_up = decoder->at_end && decoder->begin == decoder->end;
        if (made == 0 && input_used_up && begin == decoder->begin)
            return decoder->in_middle ? broken(decoder, "it ends too early", err) : 0;
    }
    return 0;
}
