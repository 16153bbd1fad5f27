#include "bundle/feature_names.h"

#include <stdio.h>
#include <string.h>

#define SEPARATORS ", \t"

const char *const STEP_NAMES[STEP_INPUTS] = {
    "ln_length",  "ln_tracks",       "ln_gap",           "sin_hour",         "cos_hour",
    "sin_week",   "cos_week",        "mean_ln_interval", "distinct_artists", "same_artist",
    "new_artist", "ln_max_interval", "sin_end_hour",
};

const char *const START_NAMES[START_FEATURES_MAX] = {
    "ln_gap",
    "sin_hour",
    "cos_hour",
    "weekend",
    "sd_z",
    "ew10_z",
    "ew30_z",
    "daypart",
    "daypart_weekend",
    "ew20_single",
    "pace",
    "ln_sessions_today",
    "ln_seconds_24h",
    "ln_sessions_7d",
    /* the panel */
    "ln_previous_length",
    "ln_mean_all",
    "ln_mean_30",
    "ln_mean_10",
    "ln_mean_5",
    "ln_mean_band",
    "ln_absence",
    "ln_previous_absence",
    "holiday",
    "sunday",
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "band_morning",
    "band_afternoon",
    "band_evening",
    "band_night",
};

const char *const LIVE_NAMES[LIVE_FEATURES] = {
    "ln_elapsed",       "ln_i",
    "ln_last_interval", "mean_ln_interval",
    "ln_max_interval",  "last_minus_pace",
    "distinct_artists", "track_seen",
    "track_end_rate",   "artist_end_rate",
    "kernel_p10",       "kernel_p50",
    "kernel_p90",       "running_p10",
    "running_p50",      "running_p90",
};

#define BIT(feature) (UINT32_C(1) << (feature))

/* Words for several at once; what is printed as one, too. */
static const struct {
    const char *word;
    uint32_t panel;
} WORDS[] = {
    {"default", 0},
    {"panel", BIT(PANEL_END) - 1},
    {"weekday", BIT(PANEL_SATURDAY + 1) - BIT(PANEL_SUNDAY)},
    {"band", BIT(PANEL_NIGHT + 1) - BIT(PANEL_MORNING)},
};

size_t start_names(uint32_t panel, const char *out[START_FEATURES_MAX])
{
    size_t count = 0;
    for (int i = 0; i < START_FEATURES_MAX; i++)
        if (i < START_FEATURES || panel & BIT(i - START_FEATURES))
            out[count++] = START_NAMES[i];
    return count;
}

static bool is_word(const char *name, const char *text, size_t size)
{
    return strlen(name) == size && memcmp(name, text, size) == 0;
}

static int unknown_word(const char *word, size_t size, struct err *err)
{
    char list[PANEL_TEXT_MAX] = "";
    for (int i = 0; i < PANEL_FEATURES; i++) {
        size_t used = strlen(list);
        snprintf(list + used, sizeof list - used, ", %s", START_NAMES[START_FEATURES + i]);
    }
    return err_set(err, ERR_USAGE,
                   "\"%.*s\" is no feature to be added: there are default, panel, weekday, band%s",
                   (int)(size < 40 ? size : 40), word, list);
}

int panel_parse(const char *text, uint32_t *panel, struct err *err)
{
    uint32_t all = 0;
    size_t words = 0;
    for (text += strspn(text, SEPARATORS); *text; text += strspn(text, SEPARATORS), words++) {
        size_t size = strcspn(text, SEPARATORS);
        bool known = false;
        for (size_t i = 0; i < sizeof WORDS / sizeof *WORDS; i++)
            if (is_word(WORDS[i].word, text, size)) {
                all |= WORDS[i].panel;
                known = true;
            }
        for (int i = 0; i < PANEL_FEATURES; i++)
            if (is_word(START_NAMES[START_FEATURES + i], text, size)) {
                all |= BIT(i);
                known = true;
            }
        if (!known)
            return unknown_word(text, size, err);
        text += size;
    }
    if (!words)
        return unknown_word("", 0, err);
    *panel = all;
    return 0;
}

static void append(char out[PANEL_TEXT_MAX], const char *word)
{
    size_t used = strlen(out);
    snprintf(out + used, PANEL_TEXT_MAX - used, "%s%s", used ? ", " : "", word);
}

void panel_print(uint32_t panel, char out[PANEL_TEXT_MAX])
{
    out[0] = '\0';
    if (!panel)
        append(out, WORDS[0].word);
    for (size_t i = 1; i < sizeof WORDS / sizeof *WORDS; i++)
        if ((panel & WORDS[i].panel) == WORDS[i].panel) {
            append(out, WORDS[i].word);
            panel &= ~WORDS[i].panel;
        }
    for (int i = 0; i < PANEL_FEATURES; i++)
        if (panel & BIT(i))
            append(out, START_NAMES[START_FEATURES + i]);
}
