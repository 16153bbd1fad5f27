#include "bundle/sha256.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include <openssl/evp.h>

enum { READ_BYTES = 1 << 20 };

static int refuse(struct err *err)
{
    return err_set(err, ERR_CHECK, "libcrypto gives no SHA-256");
}

static int put_hex(const unsigned char *digest, unsigned length, char out[SHA256_HEX + 1],
                   struct err *err)
{
    static const char digits[] = "0123456789abcdef";
    if (length * 2 != SHA256_HEX)
        return refuse(err);
    for (unsigned i = 0; i < length; i++) {
        out[2 * i] = digits[digest[i] >> 4];
        out[2 * i + 1] = digits[digest[i] & 15];
    }
    out[SHA256_HEX] = '\0';
    return 0;
}

int sha256_hex(const void *data, size_t size, char out[SHA256_HEX + 1], struct err *err)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    if (!EVP_Digest(data, size, digest, &length, EVP_sha256(), NULL))
        return refuse(err);
    return put_hex(digest, length, out, err);
}

struct sha256 {
    EVP_MD_CTX *context;
    bool refused;
};

struct sha256 *sha256_new(struct err *err)
{
    struct sha256 *sha256 = calloc(1, sizeof *sha256);
    if (!sha256 || !(sha256->context = EVP_MD_CTX_new())) {
        err_set(err, ERR_MEMORY, "out of memory");
    } else if (EVP_DigestInit_ex(sha256->context, EVP_sha256(), NULL)) {
        return sha256;
    } else {
        refuse(err);
    }
    sha256_free(sha256);
    return NULL;
}

void sha256_add(struct sha256 *sha256, const void *data, size_t size)
{
    sha256->refused = sha256->refused || !EVP_DigestUpdate(sha256->context, data, size);
}

int sha256_end(struct sha256 *sha256, char out[SHA256_HEX + 1], struct err *err)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    if (sha256->refused || !EVP_DigestFinal_ex(sha256->context, digest, &length))
        return refuse(err);
    return put_hex(digest, length, out, err);
}

void sha256_free(struct sha256 *sha256)
{
    if (!sha256)
        return;
    EVP_MD_CTX_free(sha256->context);
    free(sha256);
}

/* Page-aligned: a read into such a buffer costs a third. */
static int add_file(struct sha256 *sha256, int fd, char *buffer, struct err *err)
{
    for (off_t offset = 0;;) {
        ssize_t got = pread(fd, buffer, READ_BYTES, offset);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return err_errno(err, "cannot read it for its SHA-256");
        if (got == 0)
            return 0;
        sha256_add(sha256, buffer, (size_t)got);
        offset += got;
    }
}

int sha256_hex_file(int fd, char out[SHA256_HEX + 1], struct err *err)
{
    int status = -1;
    struct sha256 *sha256 = sha256_new(err);
    char *buffer = sha256 ? aligned_alloc(4096, READ_BYTES) : NULL;
    if (sha256 && !buffer)
        err_set(err, ERR_MEMORY, "out of memory");
    else if (sha256 && add_file(sha256, fd, buffer, err) == 0)
        status = sha256_end(sha256, out, err);
    sha256_free(sha256);
    free(buffer);
    return status;
}
