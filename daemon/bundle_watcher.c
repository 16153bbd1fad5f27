#include "daemon/bundle_watcher.h"

#include <inttypes.h>
#include <string.h>

#include "bundle/feature_names.h"

static bool needs_holidays(const struct bundle *bundle)
{
    return panel_has(bundle->net->scaler.panel, PANEL_HOLIDAY);
}

static int check_fit(const struct bundle_watcher *watcher, const struct bundle *bundle,
                     const struct stream_params *params, struct err *err)
{
    if (bundle->gap_ms != params->gap_ms) {
        return err_set(err, ERR_SHAPE,
                       "bundle %s was trained with a session gap of %" PRId64
                       " ms, but session.gap.s makes it %" PRId64 " ms",
                       bundle->version, bundle->gap_ms, params->gap_ms);
    }
    if (bundle->window > params->window) {
        return err_set(err, ERR_SHAPE,
                       "bundle %s wants %" PRIu32 " past sessions a user, outrod keeps %" PRIu32,
                       bundle->version, bundle->window, params->window);
    }
    if (needs_holidays(bundle) && !watcher->has_holidays) {
        return err_set(err, ERR_USAGE,
                       "bundle %s has the feature holiday, but holidays.file names no dates",
                       bundle->version);
    }
    return 0;
}

static enum bundle_news complain(struct bundle_watcher *watcher, const struct err *err)
{
    bool known = strcmp(watcher->complaint.text, err->text) == 0;
    watcher->complaint = *err;
    return known ? BUNDLE_STILL_BAD : BUNDLE_BAD;
}

enum bundle_news bundle_watcher_poll(struct bundle_watcher *watcher, const char *path,
                                     const struct stream_params *params, struct bundle **out)
{
    char fingerprint[65];
    struct err err = {0};
    if (bundle_fingerprint(path, fingerprint, &err) != 0) {
        return complain(watcher, &err);
    }
    if (strcmp(fingerprint, watcher->fingerprint) == 0) {
        watcher->complaint = (struct err){0};
        return BUNDLE_SAME;
    }
    /* The fingerprint is from before the load: a bundle replaced meanwhile is seen as new at the
     * next look. */
    struct bundle *bundle = bundle_load(path, &err);
    if (!bundle || check_fit(watcher, bundle, params, &err) != 0) {
        bundle_release(bundle);
        return complain(watcher, &err);
    }
    memcpy(watcher->fingerprint, fingerprint, sizeof fingerprint);
    watcher->needs_holidays = needs_holidays(bundle);
    watcher->complaint = (struct err){0};
    *out = bundle;
    return BUNDLE_NEW;
}
