#include "crawl/api_key.h"

#include <ctype.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* @return false: it is no key */
static bool take(struct api_key *key, const char *text, size_t size)
{
    while (size > 0 && isspace((unsigned char)text[0])) {
        text++;
        size--;
    }
    while (size > 0 && isspace((unsigned char)text[size - 1]))
        size--;
    if (size < API_KEY_MIN || size > API_KEY_MAX)
        return false;
    for (size_t i = 0; i < size; i++)
        if (!isalnum((unsigned char)text[i]) || (unsigned char)text[i] >= 0x80)
            return false;
    memcpy(key->text, text, size);
    key->text[size] = '\0';
    return true;
}

static int no_key(const char *where, struct err *err)
{
    return err_set(err, ERR_INPUT, "%s: what is there is no API key (%d to %d letters and digits)",
                   where, API_KEY_MIN, API_KEY_MAX);
}

static int check_file(int fd, const char *path, struct err *err)
{
    struct stat about;
    if (fstat(fd, &about) < 0)
        return err_errno(err, "%s", path);
    if (!S_ISREG(about.st_mode))
        return err_set(err, ERR_USAGE, "--key-file: %s is not a regular file", path);
    if (about.st_mode & (S_IRWXG | S_IRWXO))
        return err_set(err, ERR_USAGE,
                       "--key-file: %s is open to others (mode %o): run chmod 600 %s", path,
                       (unsigned)(about.st_mode & 07777), path);
    return 0;
}

static int read_file(struct api_key *key, const char *path, struct err *err)
{
    char text[2 * API_KEY_MAX];
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a FIFO is refused, not waited for */
    if (fd < 0)
        return err_errno(err, "cannot open %s", path);
    int status = check_file(fd, path, err);
    if (status == 0) {
        ssize_t size = read(fd, text, sizeof text);
        if (size < 0)
            status = err_errno(err, "reading %s", path);
        else if ((size_t)size == sizeof text || !take(key, text, (size_t)size))
            status = no_key(path, err);
    }
    explicit_bzero(text, sizeof text);
    close(fd);
    return status;
}

int api_key_load(struct api_key *key, const char *path, const char *text, struct err *err)
{
    *key = (struct api_key){0};
    if (path)
        return read_file(key, path, err);
    if (!text || text[0] == '\0')
        return err_set(err, ERR_USAGE,
                       "no API key: set LASTFM_API_KEY, or write the key to a file of mode 600 and "
                       "give --key-file; https://www.last.fm/api/account/create makes one");
    return take(key, text, strlen(text)) ? 0 : no_key("LASTFM_API_KEY", err);
}

void api_key_forget(struct api_key *key)
{
    explicit_bzero(key, sizeof *key);
}
