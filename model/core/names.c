#include "core/names.h"

#include <locale.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>
#include <wctype.h>

#include "core/hash.h"

/* Case mapping comes from the C library's C.UTF-8 locale, which Debian always has and which does
 * not depend on the user's environment. Made once; lives as long as the process. */
static locale_t utf8_locale;
static pthread_once_t utf8_once = PTHREAD_ONCE_INIT;

static void make_locale(void)
{
    utf8_locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
}

static bool is_space(unsigned char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r') || (c >= 0x1c && c <= 0x1f);
}

static struct slice strip(struct slice name)
{
    while (name.size > 0 && is_space((unsigned char)name.data[0])) {
        name.data++;
        name.size--;
    }
    while (name.size > 0 && is_space((unsigned char)name.data[name.size - 1]))
        name.size--;
    return name;
}

/* Decodes one code point; 0 bytes taken when the bytes are not UTF-8. */
static size_t decode(const unsigned char *p, size_t size, uint32_t *code)
{
    size_t length = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : p[0] >= 0xc2 ? 2 : 0;
    if (length == 0 || length > size || p[0] > 0xf4)
        return 0;
    uint32_t c = p[0] & (0xffu >> (length + 1));
    for (size_t i = 1; i < length; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0;
        c = c << 6 | (p[i] & 0x3fu);
    }
    *code = c;
    return length;
}

static size_t encode(uint32_t c, char out[4])
{
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        out[0] = (char)(0xc0 | c >> 6);
        out[1] = (char)(0x80 | (c & 0x3f));
        return 2;
    }
    if (c < 0x10000) {
        out[0] = (char)(0xe0 | c >> 12);
        out[1] = (char)(0x80 | (c >> 6 & 0x3f));
        out[2] = (char)(0x80 | (c & 0x3f));
        return 3;
    }
    out[0] = (char)(0xf0 | c >> 18);
    out[1] = (char)(0x80 | (c >> 12 & 0x3f));
    out[2] = (char)(0x80 | (c >> 6 & 0x3f));
    out[3] = (char)(0x80 | (c & 0x3f));
    return 4;
}

size_t name_fold(struct slice name, char *out, size_t capacity)
{
    size_t used = 0;
    name = strip(name);
    for (size_t i = 0; i < name.size;) {
        unsigned char c = (unsigned char)name.data[i];
        if (c < 0x80) {
            if (used + 1 > capacity)
                return (size_t)-1;
            out[used++] = (char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
            i++;
            continue;
        }
        uint32_t code = 0;
        size_t taken = decode((const unsigned char *)name.data + i, name.size - i, &code);
        char bytes[4] = {(char)c};
        size_t size = 1;
        if (taken > 0) {
            pthread_once(&utf8_once, make_locale);
            if (utf8_locale)
                code = (uint32_t)towlower_l((wint_t)code, utf8_locale);
            size = encode(code, bytes);
        } else {
            taken = 1;
        }
        if (used + size > capacity)
            return (size_t)-1;
        memcpy(out + used, bytes, size);
        used += size;
        i += taken;
    }
    return used;
}

uint64_t name_hash(struct slice name, uint64_t seed)
{
    /* Folded piece by piece on the stack: a name may be long, and an event allocates nothing.
     * Pieces are cut at code points so that a character is never folded in halves. */
    enum { PIECE = 512 };
    char folded[2 * PIECE + 4];
    uint64_t h = seed;
    name = strip(name);
    do {
        struct slice piece = {name.data, name.size};
        bool last = name.size <= PIECE;
        if (!last) {
            piece.size = PIECE;
            while (piece.size > PIECE - 4 && ((unsigned char)name.data[piece.size] & 0xc0) == 0x80)
                piece.size--;
        }
        size_t size = name_fold(piece, folded, sizeof folded);
        h = hash_bytes(folded, size, h);
        name.data += piece.size;
        name.size -= piece.size;
        if (last)
            break;
    } while (name.size > 0);
    return h ? h : 1;
}
