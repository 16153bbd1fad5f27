/* sha256.h - SHA-256 of bytes as lower-case hex, by libcrypto. Source: FIPS 180-4. */
#ifndef OUTRO_BUNDLE_SHA256_H
#define OUTRO_BUNDLE_SHA256_H

#include <stddef.h>

#include "core/err.h"

#define SHA256_HEX 64

/** @param out 64 hex digits and a NUL  @return 0, or -1 with ERR_CHECK when libcrypto refuses (no
 * such digest) */
int sha256_hex(const void *data, size_t size, char out[SHA256_HEX + 1], struct err *err) MUST_CHECK;

/** The same of a whole file, read from its beginning. @param fd open for reading
 *  @return 0, or -1: ERR_IO, ERR_CHECK */
int sha256_hex_file(int fd, char out[SHA256_HEX + 1], struct err *err) MUST_CHECK;

/** The same of bytes that come one after the other. */
struct sha256;
struct sha256 *sha256_new(struct err *err) MUST_CHECK; /* NULL: ERR_MEMORY, ERR_CHECK */
void sha256_add(struct sha256 *sha256, const void *data, size_t size);
/** @return 0, or -1 with ERR_CHECK, also when an sha256_add() was refused. Once. */
int sha256_end(struct sha256 *sha256, char out[SHA256_HEX + 1], struct err *err) MUST_CHECK;
void sha256_free(struct sha256 *sha256); /* NULL is fine */

#endif
