#include "bundle/json_fields.h"

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "bundle/files.h"

static int refuse(const char *where, const char *key, const char *what, struct err *err)
{
    return err_set(err, ERR_INPUT, "%s%s%s %s", where, *where ? "." : "", key, what);
}

static json_t *field(const json_t *object, const char *where, const char *key, struct err *err)
{
    json_t *value = json_object_get(object, key);
    if (!value)
        refuse(where, key, "is missing", err);
    return value;
}

json_t *field_object(const json_t *object, const char *where, const char *key, struct err *err)
{
    json_t *value = field(object, where, key, err);
    if (value && !json_is_object(value)) {
        refuse(where, key, "is not an object", err);
        return NULL;
    }
    return value;
}

json_t *field_array(const json_t *object, const char *where, const char *key, struct err *err)
{
    json_t *value = field(object, where, key, err);
    if (value && !json_is_array(value)) {
        refuse(where, key, "is not an array", err);
        return NULL;
    }
    return value;
}

int field_integer(const json_t *object, const char *where, const char *key, int64_t low,
                  int64_t high, int64_t *out, struct err *err)
{
    const json_t *value = field(object, where, key, err);
    if (!value)
        return -1;
    if (!json_is_integer(value))
        return refuse(where, key, "is not a whole number", err);
    *out = json_integer_value(value);
    if (*out < low || *out > high)
        return err_set(err, ERR_INPUT, "%s%s%s is %lld, outside %lld .. %lld", where,
                       *where ? "." : "", key, (long long)*out, (long long)low, (long long)high);
    return 0;
}

int field_number(const json_t *object, const char *where, const char *key, double *out,
                 struct err *err)
{
    const json_t *value = field(object, where, key, err);
    if (!value)
        return -1;
    if (!json_is_number(value))
        return refuse(where, key, "is not a number", err);
    *out = json_number_value(value);
    if (fabs(*out) > (double)FLT_MAX)
        return refuse(where, key, "is too large", err);
    return 0;
}

int field_string(const json_t *object, const char *where, const char *key, char *out,
                 size_t capacity, struct err *err)
{
    const json_t *value = field(object, where, key, err);
    if (!value)
        return -1;
    if (!json_is_string(value))
        return refuse(where, key, "is not a string", err);
    size_t length = json_string_length(value);
    if (length == 0 || length >= capacity)
        return refuse(where, key, "is empty or too long", err);
    memcpy(out, json_string_value(value), length + 1);
    return 0;
}

/* The numbers of an array one by one. @return false with err */
static bool array_number(const json_t *array, const char *where, size_t i, double *out,
                         struct err *err)
{
    const json_t *value = json_array_get(array, i);
    *out = json_number_value(value);
    if (json_is_number(value) && fabs(*out) <= (double)FLT_MAX)
        return true;
    err_set(err, ERR_INPUT, "%s[%zu] is not a number that a float can hold", where, i);
    return false;
}

static int array_of(const json_t *array, const char *where, size_t count, struct err *err)
{
    if (json_is_array(array) && json_array_size(array) == count)
        return 0;
    return err_set(err, ERR_INPUT, "%s is not an array of %zu numbers", where, count);
}

int array_floats(const json_t *array, const char *where, size_t count, float *out, struct err *err)
{
    if (array_of(array, where, count, err))
        return -1;
    for (size_t i = 0; i < count; i++) {
        double number;
        if (!array_number(array, where, i, &number, err))
            return -1;
        out[i] = (float)number;
    }
    return 0;
}

int array_doubles(const json_t *array, const char *where, size_t count, double *out,
                  struct err *err)
{
    if (array_of(array, where, count, err))
        return -1;
    for (size_t i = 0; i < count; i++)
        if (!array_number(array, where, i, &out[i], err))
            return -1;
    return 0;
}

json_t *json_file_read(int dir, const char *name, size_t size_max, struct err *err)
{
    void *bytes;
    size_t size;
    json_error_t why;
    if (file_read(dir, name, size_max, &bytes, &size, err))
        return NULL;
    json_t *root = json_loadb(bytes, size, JSON_REJECT_DUPLICATES, &why);
    free(bytes);
    if (!root)
        err_set(err, ERR_INPUT, "%s, line %d: %.200s", name, why.line, why.text);
    return root;
}
