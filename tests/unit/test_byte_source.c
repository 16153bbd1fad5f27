#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <zstd.h>

#include "data/byte_source.h"
#include "temp_file.h"

enum form { PLAIN, GZIP, GZIP_MEMBERS, GZIP_PADDED, ZSTD, ZSTD_FRAMES, ZSTD_SKIPPABLE, FORMS };

/* A text that compresses, but not to nothing. */
static char *make_text(size_t size)
{
    char *text = malloc(size + 1);
    assert_non_null(text);
    uint32_t x = 1;
    for (size_t i = 0; i < size; i++) {
        x = x * 1664525 + 1013904223;
        text[i] = (char)(x >> 28 ? 'a' + (x >> 27) : '\n');
    }
    return text;
}

static size_t gzip_into(char *out, size_t room, const char *text, size_t size)
{
    z_stream stream = {0};
    assert_int_equal(deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    stream.next_in = (Bytef *)(uintptr_t)text;
    stream.avail_in = (uInt)size;
    stream.next_out = (Bytef *)out;
    stream.avail_out = (uInt)room;
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    deflateEnd(&stream);
    return room - stream.avail_out;
}

static size_t zstd_into(char *out, size_t room, const char *text, size_t size)
{
    size_t made = ZSTD_compress(out, room, text, size, 3);
    assert_false(ZSTD_isError(made));
    return made;
}

/* The text in a form. @return bytes of it, new in *out */
static size_t encode(enum form form, const char *text, size_t size, char **out)
{
    size_t room = 2 * size + 4096, half = size / 2, used = 0;
    char *to = *out = calloc(room, 1);
    assert_non_null(to);
    switch (form) {
    case PLAIN:
        memcpy(to, text, size);
        return size;
    case GZIP:
        return gzip_into(to, room, text, size);
    case GZIP_MEMBERS:
    case GZIP_PADDED:
        used = gzip_into(to, room, text, half);
        used += gzip_into(to + used, room - used, text + half, size - half);
        return used + (form == GZIP_PADDED ? 700 : 0);
    case ZSTD:
        return zstd_into(to, room, text, size);
    case ZSTD_SKIPPABLE:
        memcpy(to, "\x50\x2a\x4d\x18\x03\0\0\0abc", 11);
        return 11 + zstd_into(to + 11, room - 11, text, size);
    default:
        used = zstd_into(to, room, text, half);
        return used + zstd_into(to + used, room - used, text + half, size - half);
    }
}

/* Reads all, keeping `keep` bytes of each block if it has so many, and compares.
 * @return what the last call returned */
static int read_and_compare(struct byte_source *source, const char *text, size_t size, size_t keep,
                            struct err *err)
{
    struct slice block = {NULL, 0};
    size_t seen = 0, kept = 0;
    int status;
    while ((status = byte_source_next(source, kept, &block, err)) > 0) {
        assert_true(block.size > kept && block.size - kept <= BYTE_SOURCE_BLOCK_BYTES);
        assert_int_equal((uintptr_t)(block.data + kept) % 4096, 0);
        assert_true(seen - kept + block.size <= size);
        assert_memory_equal(block.data, text + seen - kept, block.size);
        seen += block.size - kept;
        kept = block.size < keep ? block.size : keep;
    }
    if (status == 0) {
        assert_int_equal(seen, size);
        assert_true(kept == 0 ||
                    memcmp(block.data + block.size - kept, text + size - kept, kept) == 0);
    }
    return status;
}

static void test_byte_source_every_form_gives_the_same_bytes(void **state)
{
    (void)state;
    static const size_t SIZES[] = {0,
                                   1,
                                   3,
                                   5000,
                                   BYTE_SOURCE_BLOCK_BYTES - 1,
                                   BYTE_SOURCE_BLOCK_BYTES,
                                   BYTE_SOURCE_BLOCK_BYTES + 1,
                                   7 * BYTE_SOURCE_BLOCK_BYTES + 12345};
    static const size_t KEEPS[] = {0, 1, 5000, BYTE_SOURCE_KEEP_MAX};
    for (size_t i = 0; i < sizeof SIZES / sizeof *SIZES; i++) {
        char *text = make_text(SIZES[i]);
        for (enum form form = PLAIN; form < FORMS; form++) {
            char *bytes;
            size_t size = encode(form, text, SIZES[i], &bytes);
            struct temp_file file;
            temp_file_write(&file, bytes, size);
            free(bytes);
            for (size_t k = 0; k < sizeof KEEPS / sizeof *KEEPS; k++) {
                struct err err = {0};
                struct byte_source *source = byte_source_open(file.path, 1 + k, NULL, &err);
                assert_non_null(source);
                assert_int_equal(read_and_compare(source, text, SIZES[i], KEEPS[k], &err), 0);
                assert_int_equal(byte_source_offset(source), size);
                assert_int_equal(byte_source_size(source), size);
                assert_string_equal(byte_source_name(source), file.path);
                byte_source_free(source);
            }
            temp_file_remove(&file);
        }
        free(text);
    }
}

/* Whatever is cut off anywhere, or changed in the checksum, or has a tail that is nothing: never a
 * shorter file. */
static void test_byte_source_damage_is_an_error(void **state)
{
    (void)state;
    char *text = make_text(700);
    static const enum form COMPRESSED[] = {GZIP, GZIP_MEMBERS, ZSTD, ZSTD_FRAMES, ZSTD_SKIPPABLE};
    for (size_t i = 0; i < sizeof COMPRESSED / sizeof *COMPRESSED; i++) {
        char *bytes;
        size_t size = encode(COMPRESSED[i], text, 700, &bytes);
        char *first;
        size_t half = encode(COMPRESSED[i] == GZIP_MEMBERS ? GZIP : ZSTD, text, 350, &first);
        free(first);
        bool in_two = COMPRESSED[i] == GZIP_MEMBERS || COMPRESSED[i] == ZSTD_FRAMES;
        memcpy(bytes + size, "tail", 4);
        for (size_t cut = 4; cut <= size + 4; cut++) {
            if (cut == size || (in_two && cut == half) ||
                (COMPRESSED[i] == ZSTD_SKIPPABLE && cut == 11))
                continue; /* whole */
            struct temp_file file;
            temp_file_write(&file, bytes, cut);
            struct err err = {0};
            struct byte_source *source = byte_source_open(file.path, 1, NULL, &err);
            struct slice block;
            int status = 1;
            while (source && status > 0)
                status = byte_source_next(source, 0, &block, &err);
            if (status == 0)
                fail_msg("form %d, %zu of %zu bytes are taken for the whole", COMPRESSED[i], cut,
                         size);
            assert_int_equal(err.code, ERR_INPUT);
            assert_non_null(strstr(err.text, file.path));
            assert_non_null(strstr(err.text, "damaged or truncated "));
            assert_non_null(strstr(err.text, i < 2 ? "gzip" : "zstd"));
            byte_source_free(source);
            temp_file_remove(&file);
        }
        free(bytes);
    }
    free(text);
}

/* A block is not touched while it was promised to stay, however far the thread is ahead. */
/* What cannot be read says so once, instead of a complaint about each of its "lines". */
static void test_byte_source_bzip2_is_named(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t size;
        bool is_bzip2;
    } CASES[] = {
        {"BZh91AY&SY\x12\0\xff", 13, true},
        {"BZh1\x17\x72\x45\x38\x50\x90\0\0\0\0", 14, true}, /* of nothing */
        {"BZh91AY&S", 9, false},
        {"BZh01AY&SY\n", 11, false},
        {"BZh9\t2009-05-03", 15, false}, /* a user of that name */
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        struct temp_file file;
        struct err err = {0};
        char expected[512];
        temp_file_write(&file, CASES[i].bytes, CASES[i].size);
        struct byte_source *source = byte_source_open(file.path, 1, NULL, &err);
        if (CASES[i].is_bzip2) {
            assert_null(source);
            assert_int_equal(err.code, ERR_INPUT);
            snprintf(expected, sizeof expected,
                     "%s: compressed by bzip2: not read; decompress it first", file.path);
            assert_string_equal(err.text, expected);
        } else {
            assert_non_null(source);
            assert_int_equal(read_and_compare(source, CASES[i].bytes, CASES[i].size, 0, &err), 0);
        }
        byte_source_free(source);
        temp_file_remove(&file);
    }
}

static void test_byte_source_blocks_stay(void **state)
{
    (void)state;
    enum { STAY = 3, BLOCKS = 12 };
    size_t size = BLOCKS * BYTE_SOURCE_BLOCK_BYTES;
    char *text = make_text(size), *bytes;
    for (enum form form = PLAIN; form <= GZIP; form++) {
        size_t encoded = encode(form, text, size, &bytes);
        struct temp_file file;
        temp_file_write(&file, bytes, encoded);
        free(bytes);
        struct err err = {0};
        struct slice blocks[BLOCKS];
        struct byte_source *source = byte_source_open(file.path, STAY, NULL, &err);
        assert_non_null(source);
        for (size_t i = 0; i < BLOCKS; i++) {
            assert_int_equal(byte_source_next(source, 0, &blocks[i], &err), 1);
            for (size_t j = i < STAY ? 0 : i - STAY + 1; j <= i; j++)
                assert_memory_equal(blocks[j].data, text + j * BYTE_SOURCE_BLOCK_BYTES,
                                    BYTE_SOURCE_BLOCK_BYTES);
        }
        byte_source_free(source);
        temp_file_remove(&file);
    }
    free(text);
}

/* Who has seen enough of a gzip through a pipe is not held up by a writer that sends no more. */
static void test_byte_source_is_closed_while_a_pipe_is_silent(void **state)
{
    (void)state;
    char *text = make_text(100), *bytes;
    size_t size = encode(GZIP, text, 100, &bytes);
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    int saved = dup(STDIN_FILENO);
    dup2(ends[0], STDIN_FILENO);
    close(ends[0]);
    assert_int_equal(write(ends[1], bytes, size), size);

    struct err err = {0};
    struct byte_source *source = byte_source_open("-", 1, NULL, &err);
    assert_non_null(source);
    assert_string_equal(byte_source_name(source), "standard input");
    assert_int_equal(byte_source_size(source), 0);
    byte_source_free(source);

    close(ends[1]);
    dup2(saved, STDIN_FILENO);
    close(saved);
    free(bytes);
    free(text);
}

struct memory {
    const char *bytes;
    size_t size, step;
};

static int read_memory(void *ctx, char *into, size_t room, size_t *got, struct err *err)
{
    struct memory *memory = ctx;
    *got = memory->step < room ? memory->step : room;
    if (*got > memory->size)
        *got = memory->size;
    if (memory->size == 13)
        return err_set(err, ERR_IO, "thirteen are left");
    memcpy(into, memory->bytes, *got);
    memory->bytes += *got;
    memory->size -= *got;
    return *got > 0;
}

static void test_byte_source_over_an_input_that_comes_in_drops(void **state)
{
    (void)state;
    char *text = make_text(20000);
    for (enum form form = PLAIN; form < FORMS; form++) {
        char *bytes;
        size_t size = encode(form, text, 20000, &bytes);
        struct memory memory = {bytes, size, 7};
        if (size % 7 == 13 % 7)
            memory.step = 5;
        struct err err = {0};
        struct byte_source *source =
            byte_source_over((struct byte_input){&memory, read_memory}, "drops", &err);
        assert_non_null(source);
        assert_int_equal(read_and_compare(source, text, 20000, 100, &err), 0);
        byte_source_free(source);

        memory = (struct memory){bytes, size, size - 13};
        source = byte_source_over((struct byte_input){&memory, read_memory}, "drops", &err);
        assert_non_null(source);
        assert_int_equal(read_and_compare(source, text, 20000, 0, &err), -1);
        assert_string_equal(err.text, "thirteen are left");
        byte_source_free(source);
        free(bytes);
    }
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_byte_source_every_form_gives_the_same_bytes),
        cmocka_unit_test(test_byte_source_damage_is_an_error),
        cmocka_unit_test(test_byte_source_bzip2_is_named),
        cmocka_unit_test(test_byte_source_blocks_stay),
        cmocka_unit_test(test_byte_source_is_closed_while_a_pipe_is_silent),
        cmocka_unit_test(test_byte_source_over_an_input_that_comes_in_drops),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
