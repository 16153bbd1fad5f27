/* bundle_watcher.h - looks whether the bundle at a path has changed, and loads and checks the new
 * one whole. Runs in the admin loop; the engine gets nothing but checked bundles. */
#ifndef OUTRO_DAEMON_BUNDLE_WATCHER_H
#define OUTRO_DAEMON_BUNDLE_WATCHER_H

#include <stdbool.h>

#include "bundle/bundle.h"
#include "core/err.h"
#include "stream/params.h"

struct bundle_watcher {
    char fingerprint[65]; /* of the bundle handed out last; "" before the first */
    bool needs_holidays;  /* that one has the feature holiday */
    bool has_holidays;    /* set by the caller: a bundle with that feature is refused without */
    struct err complaint; /* about what the path names now; text "" when there is none */
};

enum bundle_news {
    BUNDLE_SAME,     /* what was handed out is what is there */
    BUNDLE_NEW,      /* *out is a new bundle, the caller's */
    BUNDLE_BAD,      /* cannot be served: watcher->complaint is new, say it */
    BUNDLE_STILL_BAD /* as before; it is looked at again, for it may be half copied */
};

/** One look. @param params what the engine runs with: a bundle of another session rule or a larger
 * window is refused
 *  @param out set with BUNDLE_NEW only */
enum bundle_news bundle_watcher_poll(struct bundle_watcher *watcher, const char *path,
                                     const struct stream_params *params,
                                     struct bundle **out) MUST_CHECK;

#endif
