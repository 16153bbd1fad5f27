/* bundle_fixture.h - a bundle to save, a folder of its own to save it in, and hands to damage it
 * with. Every function asserts that it worked. */
#ifndef OUTRO_TESTS_BUNDLE_FIXTURE_H
#define OUTRO_TESTS_BUNDLE_FIXTURE_H

#include <stddef.h>
#include <stdint.h>

#include "bundle/bundle.h"
#include "core/arena.h"

#define CREATED "2026-11-24T10:15:00Z"

struct bundle_fixture {
    char folder[64]; /* empty at first; all of it is removed at the end */
    struct bundle bundle;
    struct arena paths;
};

#define WEIGHTS  "b/global.safetensors"
#define MANIFEST "b/manifest.json"

/** A net of that hidden size, 8 wide, from a seed, with a scaler that does something. */
void fixture_init(struct bundle_fixture *fixture, uint32_t hidden, uint64_t seed);
/** Another net, of hidden 4, that has those panel features, too. */
void fixture_panel(struct bundle_fixture *fixture, uint32_t panel);
void fixture_release(struct bundle_fixture *fixture);

#define FIXTURE_CLUSTERS 3
/** Gives the bundle three clusters, by total_sessions and median_session_length: 0 has a net with a
 * scaler of its own, 1 the global net, 2 a net with the global scaler; two people are listed. */
void fixture_cluster(struct bundle_fixture *fixture);

/** folder/name, borrowed from the fixture. */
const char *fixture_path(struct bundle_fixture *fixture, const char *name);
/** Saves the fixture's bundle under that name. */
void fixture_save(struct bundle_fixture *fixture, const char *name);
/** Follows "a/b/0" in MANIFEST and puts value (JSON; NULL: nothing) in the place of what is there.
 */
void fixture_edit(struct bundle_fixture *fixture, const char *place, const char *value);
/** Loading b fails, and says where and why. @param what for the message when it does not */
void fixture_refused(struct bundle_fixture *fixture, const char *what, const char *reason);
/** Entries of the folder, hidden ones included. */
size_t fixture_entries(const struct bundle_fixture *fixture);

void write_bytes(const char *path, const void *bytes, size_t size);
/** @return new, NUL behind, caller frees */
char *read_bytes(const char *path, size_t *size);

#endif
