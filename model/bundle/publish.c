#include "bundle/publish.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bundle/cluster_file.h"
#include "bundle/manifest.h"

#define TENSORS_SUFFIX ".safetensors"
#define ATTEMPTS       1000

/* What stands under a name. */
enum target { TARGET_FREE, TARGET_EMPTY, TARGET_BUNDLE, TARGET_LINK, TARGET_OTHER };

/* ---- looking and removing ---- */

static bool is_bundle_file(const char *name)
{
    size_t length = strlen(name), suffix = sizeof TENSORS_SUFFIX - 1;
    return strcmp(name, MANIFEST_NAME) == 0 || strcmp(name, CLUSTER_FILE_NAME) == 0 ||
           (length > suffix && strcmp(name + length - suffix, TENSORS_SUFFIX) == 0);
}

static DIR *directory(int parent, const char *name)
{
    int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return NULL;
    DIR *dir = fdopendir(fd);
    if (!dir)
        close(fd);
    return dir;
}

static const char *next_entry(DIR *dir)
{
    const struct dirent *entry;
    do
        entry = readdir(dir);
    while (entry && (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0));
    return entry ? entry->d_name : NULL;
}

/* A directory is a bundle's, so ours to replace and remove, if it has a manifest and nothing that
 * bundles do not have. A broken one counts: replacing it is the cure. */
static enum target look_into(int parent, const char *name)
{
    DIR *dir = directory(parent, name);
    if (!dir)
        return TARGET_OTHER;
    bool manifest = false, empty = true, stranger = false;
    for (const char *entry; (entry = next_entry(dir));) {
        empty = false;
        manifest |= strcmp(entry, MANIFEST_NAME) == 0;
        stranger |= !is_bundle_file(entry);
    }
    closedir(dir);
    if (empty)
        return TARGET_EMPTY;
    return manifest && !stranger ? TARGET_BUNDLE : TARGET_OTHER;
}

static enum target look_at(int parent, const char *name)
{
    struct stat about;
    if (fstatat(parent, name, &about, AT_SYMLINK_NOFOLLOW))
        return errno == ENOENT ? TARGET_FREE : TARGET_OTHER;
    if (S_ISLNK(about.st_mode))
        return TARGET_LINK;
    return S_ISDIR(about.st_mode) ? look_into(parent, name) : TARGET_OTHER;
}

static int refuse(const struct publication *p, const char *name, struct err *err)
{
    return err_set(err, ERR_INPUT,
                   "%s: %s is there and is not a bundle (a directory with " MANIFEST_NAME
                   " and only *" TENSORS_SUFFIX " and " CLUSTER_FILE_NAME
                   " beside it); give another name or remove it",
                   p->path, name);
}

/* Flat: a bundle has no folders, and what is not a bundle's is never removed. */
static void remove_bundle(int parent, const char *name)
{
    DIR *dir = directory(parent, name);
    if (!dir)
        return;
    for (const char *entry; (entry = next_entry(dir));) {
        if (is_bundle_file(entry))
            unlinkat(dirfd(dir), entry, 0);
    }
    closedir(dir);
    unlinkat(parent, name, AT_REMOVEDIR);
}

/* ---- opening ---- */

/* A name beside p->name that nobody has; the process id keeps writers apart, the number leftovers
 * of a crash. */
static void temporary_name(const struct publication *p, char out[NAME_MAX + 1], unsigned attempt)
{
    snprintf(out, NAME_MAX + 1, ".%.200s.new-%ld-%u", p->name, (long)getpid(), attempt);
}

static int make_directory(struct publication *p, struct err *err)
{
    char name[NAME_MAX + 1];
    for (unsigned attempt = 0; attempt < ATTEMPTS; attempt++) {
        temporary_name(p, name, attempt);
        if (mkdirat(p->parent, name, 0777) == 0) {
            p->temporary = strdup(name);
            p->dir = openat(p->parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
            if (!p->temporary || p->dir < 0) {
                err_errno(err, "%s", p->path);
                unlinkat(p->parent, name, AT_REMOVEDIR);
                return -1;
            }
            return 0;
        }
        if (errno != EEXIST)
            break;
    }
    return err_errno(err, "%s: cannot make a directory beside it", p->path);
}

static int open_parent(struct publication *p, struct err *err)
{
    char *slash = strrchr(p->path, '/');
    p->name = slash ? slash + 1 : p->path;
    if (strcmp(p->name, "") == 0 || strcmp(p->name, ".") == 0 || strcmp(p->name, "..") == 0)
        return err_set(err, ERR_INPUT, "%s: not a name that a bundle can have", p->path);
    const char *parent = !slash ? "." : slash == p->path ? "/" : p->path;
    if (slash && slash != p->path)
        *slash = '\0';
    p->parent = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int result = p->parent < 0 ? err_errno(err, "%s", parent) : 0;
    if (slash)
        *slash = '/';
    return result;
}

int publication_open(struct publication *out, const char *path, struct err *err)
{
    *out = (struct publication){.parent = -1, .dir = -1, .path = strdup(path)};
    if (!out->path)
        return err_set(err, ERR_MEMORY, "%s: out of memory", path);
    for (size_t n = strlen(out->path); n > 1 && out->path[n - 1] == '/'; n--)
        out->path[n - 1] = '\0';
    if (open_parent(out, err))
        return -1;
    if (look_at(out->parent, out->name) == TARGET_OTHER)
        return refuse(out, out->name, err);
    return make_directory(out, err);
}

/* ---- committing ---- */

/* File systems without RENAME_EXCHANGE: the old one steps aside first. Between the two renames
 * there is no bundle under the name, which a reader reports and a watcher tries again; there is
 * never half of one. */
static int exchange_in_two(struct publication *p, const char *name, struct err *err)
{
    char aside[NAME_MAX + 1];
    snprintf(aside, sizeof aside, ".%.200s.old-%ld", name, (long)getpid());
    if (renameat(p->parent, name, p->parent, aside))
        return err_errno(err, "%s: cannot move the old bundle aside", p->path);
    if (renameat(p->parent, p->temporary, p->parent, name)) {
        err_errno(err, "%s: cannot rename the new bundle", p->path);
        if (renameat(p->parent, aside, p->parent, name))
            err_prefix(err, "the old bundle is now named %s", aside);
        return -1;
    }
    remove_bundle(p->parent, aside);
    return 0;
}

static int place(struct publication *p, const char *name, struct err *err)
{
    switch (look_at(p->parent, name)) {
    case TARGET_FREE:
    case TARGET_EMPTY: /* rename(2) replaces an empty directory */
        if (renameat(p->parent, p->temporary, p->parent, name))
            return err_errno(err, "%s: cannot rename the new bundle", p->path);
        return 0;
    case TARGET_BUNDLE:
        if (renameat2(p->parent, p->temporary, p->parent, name, RENAME_EXCHANGE) == 0) {
            remove_bundle(p->parent, p->temporary);
            return 0;
        }
        if (errno == EINVAL || errno == ENOSYS)
            return exchange_in_two(p, name, err);
        return err_errno(err, "%s: cannot exchange the bundles", p->path);
    case TARGET_LINK:
    case TARGET_OTHER:
        break;
    }
    return refuse(p, name, err);
}

static int switch_link(struct publication *p, const char *version, struct err *err)
{
    char link[NAME_MAX + 1];
    for (unsigned attempt = 0; attempt < ATTEMPTS; attempt++) {
        temporary_name(p, link, attempt);
        if (symlinkat(version, p->parent, link) == 0) {
            if (renameat(p->parent, link, p->parent, p->name) == 0)
                return 0;
            err_errno(err, "%s: cannot replace the link", p->path);
            unlinkat(p->parent, link, 0);
            return -1;
        }
        if (errno != EEXIST)
            break;
    }
    return err_errno(err, "%s: cannot make a link beside it", p->path);
}

int publication_commit(struct publication *p, const char *version, struct err *err)
{
    if (fsync(p->dir))
        return err_errno(err, "%s", p->path);
    bool link = look_at(p->parent, p->name) == TARGET_LINK;
    if (place(p, link ? version : p->name, err))
        return -1;
    free(p->temporary);
    p->temporary = NULL;
    if (link && switch_link(p, version, err))
        return -1;
    /* The names themselves are on the disk only once their directory is. */
    return fsync(p->parent) ? err_errno(err, "%s", p->path) : 0;
}

void publication_release(struct publication *p)
{
    if (p->temporary)
        remove_bundle(p->parent, p->temporary);
    if (p->dir >= 0)
        close(p->dir);
    if (p->parent >= 0)
        close(p->parent);
    free(p->temporary);
    free(p->path);
    *p = (struct publication){.parent = -1, .dir = -1};
}
