#include "cli/prepare_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct sum {
    int64_t files, bytes;
};

/* Files below a path, which may be one itself. @return 0, -1 with errno */
static int add_up(int folder, const char *path, struct sum *sum)
{
    struct stat status;
    if (fstatat(folder, path, &status, 0) < 0)
        return -1;
    if (!S_ISDIR(status.st_mode)) {
        sum->files++;
        sum->bytes += status.st_size;
        return 0;
    }
    int fd = openat(folder, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *entries = fd < 0 ? NULL : fdopendir(fd);
    if (!entries) {
        if (fd >= 0)
            close(fd);
        return -1;
    }
    int result = 0;
    for (const struct dirent *entry; result == 0 && (entry = readdir(entries));)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            result = add_up(dirfd(entries), entry->d_name, sum);
    closedir(entries);
    return result;
}

json_t *prepare_files_of(int folder, const struct prepare_stage *stage, struct err *err)
{
    json_t *paths = json_array();
    for (const char *const *path = stage->paths; *path; path++) {
        struct sum sum = {0};
        if (add_up(folder, *path, &sum) < 0) {
            err_errno(err, "cannot look at %s", *path);
            json_decref(paths);
            return NULL;
        }
        json_array_append_new(paths, json_pack("{s:s, s:I, s:I}", "path", *path, "files",
                                               (json_int_t)sum.files, "size_bytes",
                                               (json_int_t)sum.bytes));
    }
    if (!paths)
        err_set(err, ERR_MEMORY, "out of memory");
    return paths;
}

bool prepare_files_are(int folder, const json_t *paths)
{
    size_t i;
    const json_t *noted;
    json_array_foreach(paths, i, noted)
    {
        const char *path = json_string_value(json_object_get(noted, "path"));
        struct sum sum = {0};
        if (!path || add_up(folder, path, &sum) < 0 ||
            sum.files != json_integer_value(json_object_get(noted, "files")) ||
            sum.bytes != json_integer_value(json_object_get(noted, "size_bytes")))
            return false;
    }
    return json_array_size(paths) > 0;
}

int prepare_files_refuse(int folder, struct err *err)
{
    for (int form = 0; form < 2; form++)
        for (const struct prepare_stage *stage = prepare_stages(form); stage->name; stage++)
            for (const char *const *path = stage->paths; *path; path++)
                if (faccessat(folder, *path, F_OK, 0) == 0)
                    return err_set(err, ERR_INPUT,
                                   "the folder has %s, but no manifest.json that says of what: "
                                   "give another --out, or remove it",
                                   *path);
    return 0;
}
