#include "bundle/sha256.h"

#include <openssl/evp.h>

int sha256_hex(const void *data, size_t size, char out[SHA256_HEX + 1], struct err *err)
{
    static const char digits[] = "0123456789abcdef";
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    if (!EVP_Digest(data, size, digest, &length, EVP_sha256(), NULL) || length * 2 != SHA256_HEX)
        return err_set(err, ERR_CHECK, "libcrypto gives no SHA-256");
    for (unsigned i = 0; i < length; i++) {
        out[2 * i] = digits[digest[i] >> 4];
        out[2 * i + 1] = digits[digest[i] & 15];
    }
    out[SHA256_HEX] = '\0';
    return 0;
}
