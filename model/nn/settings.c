#include "nn/settings.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SPACES " \t"

const char *settings_word(const char *text, size_t *size)
{
    text += strspn(text, SPACES);
    *size = strcspn(text, SPACES);
    return text;
}

bool settings_number(const char *word, size_t size, double *out)
{
    char text[64], *end;
    if (!size || size >= sizeof text)
        return false;
    memcpy(text, word, size);
    text[size] = '\0';
    *out = strtod(text, &end);
    return !*end && isfinite(*out);
}

static const struct setting *find(const struct setting *table, size_t count, unsigned taken,
                                  const char *key, size_t size)
{
    for (size_t i = 0; i < count; i++)
        if ((table[i].bit & taken) && strlen(table[i].key) == size &&
            !memcmp(table[i].key, key, size))
            return &table[i];
    return NULL;
}

/* A word that is no setting: what could stand there. */
static int refuse_key(const char *what, const struct setting *table, size_t count, unsigned taken,
                      const char *word, size_t size, struct err *err)
{
    char keys[256] = "";
    for (size_t i = 0; i < count; i++)
        if (table[i].bit & taken)
            snprintf(keys + strlen(keys), sizeof keys - strlen(keys), " %s=", table[i].key);
    return err_set(err, ERR_INPUT, "%s: '%.*s' is no setting of it; it takes%s", what,
                   (int)(size < 60 ? size : 60), word, *keys ? keys : " none");
}

int settings_read(const char *what, const char *text, const struct setting *table, size_t count,
                  unsigned taken, void *out, struct err *err)
{
    size_t size;
    const char *word = settings_word(text, &size);
    for (word = settings_word(word + size, &size); size; word = settings_word(word + size, &size)) {
        const char *equals = memchr(word, '=', size);
        size_t key = equals ? (size_t)(equals - word) : 0;
        const struct setting *setting = equals ? find(table, count, taken, word, key) : NULL;
        if (!setting)
            return refuse_key(what, table, count, taken, word, size, err);
        double value;
        if (!settings_number(equals + 1, size - key - 1, &value) ||
            (setting->flag ? value != 0 && value != 1
                           : !(value >= setting->low && value <= setting->high)))
            return err_set(err, ERR_INPUT, "%s: '%.*s': %s may be %s", what,
                           (int)(size < 60 ? size : 60), word, setting->key, setting->range);
        if (setting->flag)
            *(bool *)((char *)out + setting->offset) = value != 0;
        else
            *(double *)(void *)((char *)out + setting->offset) = value;
    }
    return 0;
}

void settings_append_number(double value, char *out, size_t size)
{
    size_t used = strlen(out);
    if (value == floor(value) && fabs(value) < 1e9) { /* 50, not 5e+01 */
        snprintf(out + used, size - used, "%.0f", value);
        return;
    }
    for (int digits = 1; digits <= 17; digits++) {
        snprintf(out + used, size - used, "%.*g", digits, value);
        if (strtod(out + used, NULL) == value)
            return;
    }
}

static double value_of(const struct setting *setting, const void *values)
{
    const char *field = (const char *)values + setting->offset;
    return setting->flag ? *(const bool *)field : *(const double *)(const void *)field;
}

void settings_print(const struct setting *table, size_t count, unsigned taken, const void *values,
                    const void *defaults, char *out, size_t size)
{
    for (size_t i = 0; i < count; i++) {
        double value = value_of(&table[i], values);
        if (!(table[i].bit & taken) || value == value_of(&table[i], defaults))
            continue;
        size_t used = strlen(out);
        snprintf(out + used, size - used, " %s=", table[i].key);
        settings_append_number(value, out, size);
    }
}
