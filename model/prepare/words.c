#include "prepare/words.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unicase.h>
#include <unistr.h>

/* What str.isspace() says of one character. */
static bool is_space(ucs4_t c)
{
    if (c < 0x80)
        return c == ' ' || (c >= '\t' && c <= '\r') || (c >= 0x1c && c <= 0x1f);
    return c == 0x85 || c == 0xa0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200a) || c == 0x2028 ||
           c == 0x2029 || c == 0x202f || c == 0x205f || c == 0x3000;
}

static struct slice strip(struct slice name)
{
    const uint8_t *text = (const uint8_t *)name.data;
    size_t begin = 0, end = name.size;
    ucs4_t c;
    int taken;
    while (begin < end && (taken = u8_mbtouc(&c, text + begin, end - begin)) > 0 && is_space(c))
        begin += (size_t)taken;
    while (begin < end) {
        const uint8_t *last = u8_prev(&c, text + end, text + begin);
        if (!last || !is_space(c))
            break;
        end = (size_t)(last - text);
    }
    return (struct slice){name.data + begin, end - begin};
}

static bool make_room(struct word_buffer *buffer, size_t size)
{
    if (buffer->capacity >= size)
        return true;
    char *data = realloc(buffer->data, size);
    if (!data)
        return false;
    buffer->data = data;
    buffer->capacity = size;
    return true;
}

/* @return false when there is more than ASCII in it */
static bool lower_ascii(struct slice name, char *out)
{
    unsigned char seen = 0;
    for (size_t i = 0; i < name.size; i++) {
        unsigned char c = (unsigned char)name.data[i];
        seen |= c;
        out[i] = (char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
    }
    return seen < 0x80;
}

/* A letter's lower case has at most three times its bytes. */
enum { GROWTH = 3 };

int word_of(struct slice name, struct word_buffer *buffer, struct slice *out, struct err *err)
{
    struct slice bare = strip(name);
    if (!make_room(buffer, GROWTH * bare.size + 64))
        return err_set(err, ERR_MEMORY, "out of memory for a name");
    size_t size = bare.size;
    if (!lower_ascii(bare, buffer->data)) {
        size = buffer->capacity;
        uint8_t *lower = u8_tolower((const uint8_t *)bare.data, bare.size, NULL, NULL,
                                    (uint8_t *)buffer->data, &size);
        if (!lower)
            return err_set(err, ERR_MEMORY, "a name cannot be lower-cased: %s", strerror(errno));
        if (lower != (uint8_t *)buffer->data) {
            free(buffer->data);
            buffer->data = (char *)lower;
            buffer->capacity = size;
        }
    }
    *out = (struct slice){buffer->data, size};
    return 0;
}
