/* json_fields.h - takes fields out of a JSON object, or says which one is missing or wrong, and
 * where. `where` is the place of the object in its file ("features.step[3]"; "" at the top). All
 * return -1 or NULL with ERR_INPUT. What they return is borrowed from the object. */
#ifndef OUTRO_BUNDLE_JSON_FIELDS_H
#define OUTRO_BUNDLE_JSON_FIELDS_H

#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "core/err.h"

json_t *field_object(const json_t *object, const char *where, const char *key,
                     struct err *err) MUST_CHECK;
json_t *field_array(const json_t *object, const char *where, const char *key,
                    struct err *err) MUST_CHECK;

/** A whole number in low .. high. */
int field_integer(const json_t *object, const char *where, const char *key, int64_t low,
                  int64_t high, int64_t *out, struct err *err) MUST_CHECK;
/** Any number that a float can hold. */
int field_number(const json_t *object, const char *where, const char *key, double *out,
                 struct err *err) MUST_CHECK;
/** A string of 1 .. capacity - 1 bytes, copied. */
int field_string(const json_t *object, const char *where, const char *key, char *out,
                 size_t capacity, struct err *err) MUST_CHECK;

/** A file of JSON, in which no name comes twice. @param dir open directory  @param size_max more is
 * refused  @return new reference; or NULL: ERR_IO, ERR_INPUT with the file and the line, ERR_MEMORY
 */
json_t *json_file_read(int dir, const char *name, size_t size_max, struct err *err) MUST_CHECK;

/** An array of exactly count numbers, as floats. where names the array itself. */
int array_floats(const json_t *array, const char *where, size_t count, float *out,
                 struct err *err) MUST_CHECK;
/** The same as doubles. */
int array_doubles(const json_t *array, const char *where, size_t count, double *out,
                  struct err *err) MUST_CHECK;

#endif
