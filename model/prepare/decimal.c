#include "prepare/decimal.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static size_t digits_of(uint32_t value)
{
    static const uint32_t TEN[] = {1,      10,      100,      1000,      10000,
                                   100000, 1000000, 10000000, 100000000, 1000000000};
    /* A bit is .30103 digits, nearly 1233 / 4096. */
    size_t guess = (size_t)((32 - __builtin_clz(value | 1)) * 1233 >> 12);
    return guess + (value >= TEN[guess] || guess == 0);
}

enum { EIGHT = 100000000 };

/* Eight digits with the zeros in front, the first in the lowest byte. All at once: halves of four
 * digits, then pairs, then single ones, each in lanes of one word; dividing by 100 and by 10 is
 * multiplying by 10486 / 2^20 and 103 / 2^10, exact so far. */
static uint64_t eight_digits(uint32_t value)
{
    uint64_t fours = value / 10000 | (uint64_t)(value % 10000) << 32;
    uint64_t high = (fours * 10486 >> 20) & UINT64_C(0x0000007f0000007f);
    uint64_t pairs = high | (fours - 100 * high) << 16;
    high = (pairs * 103 >> 10) & UINT64_C(0x000f000f000f000f);
    return (high | (pairs - 10 * high) << 8) + UINT64_C(0x3030303030303030);
}

/* Below 10^8. May write eight bytes. */
static size_t put_few(uint32_t value, char *out)
{
    if (value < 10) { /* what is counted within something is mostly small */
        out[0] = (char)('0' + value);
        return 1;
    }
    size_t size = digits_of(value);
    uint64_t digits = eight_digits(value) >> 8 * (8 - size);
    memcpy(out, &digits, sizeof digits);
    return size;
}

static size_t put_digits(uint64_t value, char *out)
{
    if (value < EIGHT)
        return put_few((uint32_t)value, out);
    size_t size = put_digits(value / EIGHT, out);
    uint64_t digits = eight_digits((uint32_t)(value % EIGHT));
    memcpy(out + size, &digits, sizeof digits);
    return size + sizeof digits;
}

size_t decimal_put_int(int64_t value, char out[DECIMAL_MAX])
{
    if (value >= 0)
        return put_digits((uint64_t)value, out);
    out[0] = '-';
    return 1 + put_digits(-(uint64_t)value, out + 1);
}

/* value = scaled / 10^places. */
static size_t put_scaled(uint64_t scaled, int places, char *out)
{
    static const uint64_t TEN[] = {1, 10, 100, 1000};
    size_t size = put_digits(scaled / TEN[places], out);
    out[size++] = '.';
    uint64_t rest = scaled % TEN[places];
    for (int place = places - 1; place >= 0; place--) {
        out[size + (size_t)place] = (char)('0' + rest % 10);
        rest /= 10;
    }
    return size + (size_t)places;
}

/* The usual numbers: up to three places and fifteen digits, where a decimal that reads back equal
 * is the only one of its length. @return 0 when value is none of them */
static size_t put_short(double value, char *out)
{
    static const double TEN[] = {1, 10, 100, 1000};
    if (!(value >= 0 && value < 1e11) || signbit(value))
        return 0;
    for (int places = 1; places <= 3; places++) {
        double scaled = rint(value * TEN[places]);
        if (scaled / TEN[places] == value)
            return put_scaled((uint64_t)scaled, places, out);
    }
    return 0;
}

size_t decimal_put_repr(double value, char out[DECIMAL_MAX])
{
    size_t size = put_short(value, out);
    if (size > 0)
        return size;
    char text[DECIMAL_MAX];
    int digits = 15;
    do /* 17 always read back equal */
        snprintf(text, sizeof text, "%.*g", digits, value);
    while (strtod(text, NULL) != value && ++digits <= 17);
    /* %g turns to exponents at 10^digits, repr at 10^16. */
    if (fabs(value) < 1e16 && fabs(value) >= 1e15)
        snprintf(text, sizeof text, "%.1f", value);
    size = strlen(text);
    memcpy(out, text, size);
    if (!memchr(text, '.', size) && !memchr(text, 'e', size)) {
        memcpy(out + size, ".0", 2);
        size += 2;
    }
    return size;
}

size_t decimal_put_seconds(int64_t ms, char out[DECIMAL_MAX])
{
    size_t size = 0;
    uint64_t magnitude = (uint64_t)ms;
    if (ms < 0) {
        out[size++] = '-';
        magnitude = -magnitude;
    }
    if (magnitude % 1000 == 0)
        return size + put_digits(magnitude / 1000, out + size);
    size += put_scaled(magnitude, 3, out + size);
    while (out[size - 1] == '0')
        size--;
    return size;
}

double decimal_round2(double value)
{
    double scaled = value * 100, nearest = rint(scaled);
    /* The product is off by half a unit in its last place at most, so only near a half does the
     * exact value have to be asked. */
    if (scaled < 1e9 && fabs(fabs(scaled - nearest) - .5) > 1e-6)
        return nearest / 100;
    char text[512];
    snprintf(text, sizeof text, "%.2f", value);
    return strtod(text, NULL);
}
