/* settings.h - lines of the form "NAME key=value key=value", by a table of keys: what optimizers
 * and schedules are described with. Private to this folder. */
#ifndef OUTRO_NN_SETTINGS_H
#define OUTRO_NN_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>

#include "core/err.h"

/* The largest number below 1, for ranges that leave 1 out. */
#define BELOW_ONE (1 - 0x1p-53)

/* A key and the field it sets: a double, or a bool that is written 0 or 1. */
struct setting {
    const char *key;
    size_t offset; /* in the caller's struct */
    bool flag;
    double low, high;  /* of a double */
    const char *range; /* in words */
    unsigned bit;      /* is it among those that a row of the caller's table takes? */
};

/** The first word of a line. @param size out, its length  @return it */
const char *settings_word(const char *text, size_t *size);
/** A whole word as a finite number. @return false when it is none */
bool settings_number(const char *word, size_t size, double *out);
/** Reads the words behind the first into the fields of out. @param what for the sentence of err
 *  @param taken bits of the keys that may stand there  @return 0, or -1 with ERR_INPUT */
int settings_read(const char *what, const char *text, const struct setting *table, size_t count,
                  unsigned taken, void *out, struct err *err) MUST_CHECK;
/** Appends " key=value" for every field that differs from defaults. @param size of out, in bytes */
void settings_print(const struct setting *table, size_t count, unsigned taken, const void *values,
                    const void *defaults, char *out, size_t size);
/** Appends a number in the fewest digits that read back equal. */
void settings_append_number(double value, char *out, size_t size);

#endif
