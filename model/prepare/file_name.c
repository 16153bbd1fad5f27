#include "prepare/file_name.h"

#include <stdbool.h>

void file_name_of(const char *id, char out[FILE_NAME_MAX])
{
    static const char HEX[] = "0123456789ABCDEF";
    for (const char *at = id; *at; at++) {
        unsigned char c = (unsigned char)*at;
        bool plain = c > ' ' && c != 0x7f && c != '/' && c != '%' && !(c == '.' && at == id);
        if (plain) {
            *out++ = (char)c;
            continue;
        }
        *out++ = '%';
        *out++ = HEX[c >> 4];
        *out++ = HEX[c & 15];
    }
    *out = '\0';
}
