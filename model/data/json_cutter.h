/* json_cutter.h - the JSON values of a file one by one, however large the file: the elements of the
 * array that it is, or the values that stand in it one behind the other (several arrays too, as
 * when files were joined). Each is found by its brackets (json_walk.h) and is still to be read.
 * Nothing tells where the next value begins behind a broken one, so that is an error. */
#ifndef OUTRO_DATA_JSON_CUTTER_H
#define OUTRO_DATA_JSON_CUTTER_H

#include "data/byte_source.h"

struct json_element {
    struct slice text;     /* borrowed until the next call */
    uint64_t number, line; /* from 1; line: where it begins */
};

struct json_cutter;

/** @param source borrowed for the life of the cutter, no longer the caller's to read from
 * @param first its first block, which the caller has looked at already (size 0: there is none)
 * @return new, NULL with ERR_MEMORY */
struct json_cutter *json_cutter_over(struct byte_source *source, struct slice first,
                                     struct err *err) MUST_CHECK;

/** @return 1; 0 at the end; -1 with err: what the source said, or ERR_INPUT with the line: the file
 * ends in the middle of a value, is no JSON any more, or has a value over BYTE_SOURCE_KEEP_MAX */
int json_cutter_next(struct json_cutter *cutter, struct json_element *out,
                     struct err *err) MUST_CHECK;

void json_cutter_free(struct json_cutter *cutter); /* NULL is fine */

#endif
