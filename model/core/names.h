/* names.h - the form in which names of artists and tracks are compared: lower-cased (Unicode simple
 * mapping) and stripped of white space at both ends. "Radiohead " and "radiohead" are one artist.
 */
#ifndef OUTRO_CORE_NAMES_H
#define OUTRO_CORE_NAMES_H

#include <stddef.h>
#include <stdint.h>

#include "core/scrobble.h"

/** Hash of the compared form; never 0. Allocates nothing. Bytes that are not UTF-8 count as they
 * are. */
uint64_t name_hash(struct slice name, uint64_t seed);

/** Writes the compared form into out. @param out capacity bytes; 2 * name.size + 4 always suffices
 *  @return bytes written (never NUL-terminated), or (size_t)-1 if it does not fit. */
size_t name_fold(struct slice name, char *out, size_t capacity);

#endif
