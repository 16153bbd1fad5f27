#include "daemon/audit_record.h"

#include <string.h>

#include "core/hash.h"

/* Where name is in text, and behind it; names come with their quotes, which no string of ours can
 * contain unescaped. */
static const char *behind(struct slice text, const char *name)
{
    size_t size = strlen(name);
    const char *at = memmem(text.data, text.size, name, size);
    return at ? at + size : NULL;
}

/* A whole number at p. @return behind it, NULL when there is none */
static const char *read_number(const char *p, const char *end, uint32_t *out)
{
    uint64_t value = 0;
    const char *first = p;
    while (p < end && *p >= '0' && *p <= '9' && value <= UINT32_MAX) {
        value = value * 10 + (uint64_t)(*p++ - '0');
    }
    *out = (uint32_t)value;
    return p > first && value <= UINT32_MAX ? p : NULL;
}

bool audit_read_record(enum audit_stream stream, struct slice value, struct audit_entry *out)
{
    bool prediction = stream == AUDIT_PREDICTIONS;
    if (!value.data) {
        return false;
    }
    const char *end = value.data + value.size;
    const char *session = behind(value, ",\"session\":");
    const char *number = behind(value, prediction ? ",\"scrobble\":" : ",\"revision\":");
    if (!session || !number || !read_number(session, end, &out->key.session)) {
        return false;
    }
    const char *rest = read_number(number, end, &out->key.number);
    if (!rest) {
        return false;
    }
    const char *from = prediction ? value.data : rest, *to = end;
    if (prediction) {
        static const char first[] = ",\"p10_s\":", alone[] = ",\"p50_s\":"; /* of a single value */
        to = behind(value, first);
        to = to ? to : behind(value, alone);
        if (!to) {
            return false;
        }
        to -= sizeof first - 1;
    }
    uint64_t seed = prediction ? 0 : hash_bytes(value.data, (size_t)(number - value.data), 0);
    out->hash = hash_bytes(from, (size_t)(to - from), seed);
    return true;
}
