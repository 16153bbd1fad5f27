#include "bundle/keras_archive.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <archive.h>
#include <archive_entry.h>
#include <jansson.h>

#define SIGNATURE  "PK\x03\x04"
#define MEMBER_MAX ((int64_t)1 << 30) /* bytes, unpacked */

bool keras_archive_is(const void *bytes, size_t size)
{
    size_t length = sizeof SIGNATURE - 1;
    return size >= length && memcmp(bytes, SIGNATURE, length) == 0;
}

static int broken(struct archive *from, struct err *err)
{
    const char *reason = archive_error_string(from);
    return err_set(err, ERR_INPUT, "the zip cannot be read: %.200s", reason ? reason : "damaged");
}

/* One member, whole. @param bytes NULL before: a member that is there twice is refused */
static int take(struct archive *from, struct archive_entry *entry, void **bytes, size_t *size,
                struct err *err)
{
    const char *name = archive_entry_pathname(entry);
    int64_t length = archive_entry_size_is_set(entry) ? archive_entry_size(entry) : -1;
    if (*bytes || length < 0 || length > MEMBER_MAX)
        return err_set(err, ERR_INPUT, "%.80s is there twice, or of no size that can be", name);
    *bytes = malloc((size_t)length + 1);
    if (!*bytes)
        return err_set(err, ERR_MEMORY, "%.80s: out of memory for %lld bytes", name,
                       (long long)length);
    *size = (size_t)length;
    if (archive_read_data(from, *bytes, *size) != (la_ssize_t)*size)
        return broken(from, err);
    return 0;
}

static int read_members(struct archive *from, struct keras_archive *out, void **metadata,
                        size_t *metadata_size, struct err *err)
{
    const struct {
        const char *name;
        void **bytes;
        size_t *size;
    } members[] = {
        {"config.json", &out->config, &out->config_size},
        {"model.weights.h5", &out->weights, &out->weights_size},
        {"metadata.json", metadata, metadata_size},
    };
    struct archive_entry *entry;
    int status;
    while ((status = archive_read_next_header(from, &entry)) == ARCHIVE_OK) {
        const char *name = archive_entry_pathname(entry);
        for (size_t i = 0; name && i < sizeof members / sizeof *members; i++)
            if (strcmp(name, members[i].name) == 0 &&
                take(from, entry, members[i].bytes, members[i].size, err))
                return -1;
    }
    if (status != ARCHIVE_EOF)
        return broken(from, err);
    for (size_t i = 0; i < sizeof members / sizeof *members; i++)
        if (!*members[i].bytes)
            return err_set(err, ERR_INPUT, "the zip has no %s", members[i].name);
    return 0;
}

static int read_version(const void *metadata, size_t size, struct keras_archive *out,
                        struct err *err)
{
    json_error_t why;
    json_t *root = json_loadb(metadata, size, JSON_REJECT_DUPLICATES, &why);
    const char *version = json_string_value(json_object_get(root, "keras_version"));
    int result = 0;
    if (version)
        snprintf(out->version, sizeof out->version, "%s", version);
    else
        result = err_set(err, ERR_INPUT, "metadata.json says no keras_version");
    json_decref(root);
    return result;
}

int keras_archive_read(const void *bytes, size_t size, struct keras_archive *out, struct err *err)
{
    void *metadata = NULL;
    size_t metadata_size = 0;
    int result;
    *out = (struct keras_archive){0};
    struct archive *from = archive_read_new();
    if (!from)
        return err_set(err, ERR_MEMORY, "out of memory for a zip");
    if (archive_read_support_format_zip_seekable(from) != ARCHIVE_OK ||
        archive_read_open_memory(from, bytes, size) != ARCHIVE_OK)
        result = broken(from, err);
    else
        result = read_members(from, out, &metadata, &metadata_size, err);
    if (result == 0)
        result = read_version(metadata, metadata_size, out, err);
    archive_read_free(from);
    free(metadata);
    if (result)
        keras_archive_release(out);
    return result;
}

void keras_archive_release(struct keras_archive *archive)
{
    free(archive->config);
    free(archive->weights);
    *archive = (struct keras_archive){0};
}
