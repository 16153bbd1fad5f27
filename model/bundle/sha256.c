#include "bundle/sha256.h"

#include <errno.h>
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

/* Page-aligned: a read into such a buffer costs a third. */
static int digest_file(EVP_MD_CTX *context, int fd, char *buffer, struct err *err)
{
    for (off_t offset = 0;;) {
        ssize_t got = pread(fd, buffer, READ_BYTES, offset);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return err_errno(err, "cannot read it for its SHA-256");
        if (got == 0)
            return 0;
        if (!EVP_DigestUpdate(context, buffer, (size_t)got))
            return refuse(err);
        offset += got;
    }
}

int sha256_hex_file(int fd, char out[SHA256_HEX + 1], struct err *err)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    int status = -1;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    char *buffer = aligned_alloc(4096, READ_BYTES);
    if (!context || !buffer)
        err_set(err, ERR_MEMORY, "out of memory");
    else if (!EVP_DigestInit_ex(context, EVP_sha256(), NULL))
        refuse(err);
    else if (digest_file(context, fd, buffer, err) == 0)
        status = EVP_DigestFinal_ex(context, digest, &length) ? put_hex(digest, length, out, err)
                                                              : refuse(err);
    EVP_MD_CTX_free(context);
    free(buffer);
    return status;
}
