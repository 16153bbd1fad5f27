/* publish.h - gives a finished directory its name in one step: whoever looks sees the old bundle or
 * the new one, whole. What happens depends on what stands under the name:
 *
 * - nothing, or an empty directory: the new one is renamed to it
 * - a bundle's directory: exchanged with it (RENAME_EXCHANGE), and the old one removed
 * - a symlink (`current`): placed beside it under its version, then the link is replaced; what it
 *   pointed to stays, to go back to
 * - anything else: refused, untouched */
#ifndef OUTRO_BUNDLE_PUBLISH_H
#define OUTRO_BUNDLE_PUBLISH_H

#include "core/err.h"

/** A directory that is being filled, beside its final name. */
struct publication {
    int parent;      /* directory that holds the final name, open */
    int dir;         /* the new directory, open: fill it through this */
    char *path;      /* as the caller said it, without trailing slashes */
    char *name;      /* last part of path; borrowed from path */
    char *temporary; /* name of dir in parent */
};

/** Makes the directory; refuses a path that could not be replaced, before anybody computes anything
 * for it.
 *  @param out release it whatever happens  @return 0, or -1: ERR_IO, ERR_INPUT, ERR_MEMORY */
int publication_open(struct publication *out, const char *path, struct err *err) MUST_CHECK;

/** Syncs the directory and gives it its name. @param version names it when path is a symlink
 *  @return 0, or -1 with ERR_IO, ERR_INPUT, ERR_MEMORY: the name still means what it meant */
int publication_commit(struct publication *publication, const char *version,
                       struct err *err) MUST_CHECK;

/** Removes what was not committed, and frees. */
void publication_release(struct publication *publication);

#endif
