/* decimal.h - numbers as text, the way Python prints them. Pure; nothing is NUL-terminated. */
#ifndef OUTRO_PREPARE_DECIMAL_H
#define OUTRO_PREPARE_DECIMAL_H

#include <stddef.h>
#include <stdint.h>

/* Always enough for one number. */
#define DECIMAL_MAX 32

/** @return bytes written */
size_t decimal_put_int(int64_t value, char out[DECIMAL_MAX]);
/** repr(value): the shortest decimal that reads back equal, with at least one digit behind the
 * point. @param value finite @return bytes written */
size_t decimal_put_repr(double value, char out[DECIMAL_MAX]);
/** Milliseconds as seconds, without zeros that say nothing: 1500 is 1.5, 3000 is 3. */
size_t decimal_put_seconds(int64_t ms, char out[DECIMAL_MAX]);
/** float("%.2f" % value): what is nearest to the exact binary value, halves to even.
 *  @param value finite, >= 0 */
double decimal_round2(double value);

#endif
