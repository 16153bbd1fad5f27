#include "data/profile_row.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "data/line_reader.h"

static int user_of(struct slice field, char *out, struct err *err)
{
    double number;
    if (field.size >= 2 && field.data[0] == '"' && field.data[field.size - 1] == '"')
        field = (struct slice){field.data + 1, field.size - 2};
    if (line_real(field, &number) && number >= 0 && number < 1e9 && number == floor(number)) {
        snprintf(out, USER_ID_MAX + 1, "user_%06lu", (unsigned long)number);
        return 0;
    }
    if (field.size == 0 || field.size > USER_ID_MAX || memchr(field.data, '\0', field.size))
        return err_set(err, ERR_INPUT, "no user id of 1 to %d bytes", USER_ID_MAX);
    memcpy(out, field.data, field.size);
    out[field.size] = '\0';
    return 0;
}

/* As line_split, at commas. */
static size_t split_commas(struct slice line, struct slice *fields, size_t max)
{
    size_t count = 0;
    for (const char *at = line.data, *end = line.data + line.size; at; count++) {
        const char *comma = memchr(at, ',', (size_t)(end - at));
        if (count < max)
            fields[count] = (struct slice){at, (size_t)((comma ? comma : end) - at)};
        at = comma ? comma + 1 : NULL;
    }
    return count;
}

int profile_row_parse(struct slice line, struct profile_row *out, struct err *err)
{
    struct slice field[PROFILE_NUMBERS + 1];
    size_t count = memchr(line.data, '\t', line.size)
                       ? line_split(line, field, PROFILE_NUMBERS + 1)
                       : split_commas(line, field, PROFILE_NUMBERS + 1);
    if (count != PROFILE_NUMBERS + 1)
        return err_set(err, ERR_INPUT, "%zu columns, not a user and %d numbers", count,
                       PROFILE_NUMBERS);
    if (user_of(field[0], out->user_id, err))
        return -1;
    for (size_t i = 0; i < PROFILE_NUMBERS; i++)
        if (!line_real(field[i + 1], &out->number[i]))
            return err_set(err, ERR_INPUT, "column %zu: \"%.*s\" is not a number", i + 2,
                           line_printable(field[i + 1]), field[i + 1].data);
    return 0;
}
