#include "prepare/seed_profile.h"

#include <stdlib.h>

#include "core/array.h"

int seed_profile_init(struct seed_profile *profile, const struct catalog *catalog, struct err *err)
{
    *profile = (struct seed_profile){.rows = 0};
    if (tally_init(&profile->artists, catalog->artist_index.count, err) == 0 &&
        tally_init(&profile->tracks, catalog->track_index.count, err) == 0)
        return 0;
    seed_profile_clear(profile);
    return -1;
}

void seed_profile_clear(struct seed_profile *profile)
{
    tally_clear(&profile->artists);
    tally_clear(&profile->tracks);
    free(profile->lengths_s);
}

void seed_profile_begin(struct seed_profile *profile)
{
    tally_forget(&profile->artists);
    tally_forget(&profile->tracks);
    profile->sessions = 0;
    profile->rows = 0;
    profile->session = 0;
    profile->out_of_memory = false;
}

/* The running length of the row's session; a later row of the same session overwrites it. */
static bool note_length(struct seed_profile *profile, const struct seed_walk *walk)
{
    if (walk->session != profile->session || profile->sessions == 0) {
        int64_t *lengths = array_grow(profile->lengths_s, &profile->lengths_capacity,
                                      profile->sessions + 1, sizeof *lengths);
        if (!lengths)
            return false;
        profile->lengths_s = lengths;
        profile->sessions++;
    }
    profile->lengths_s[profile->sessions - 1] = (int64_t)walk->length_s;
    return true;
}

void seed_profile_take(struct seed_profile *profile, const struct track *track, uint32_t number,
                       const struct seed_walk *walk, int age)
{
    bool noted =
        (track->artist == CATALOG_NO_WORD || tally_add(&profile->artists, track->artist)) &&
        (track->title == CATALOG_NO_WORD || tally_add(&profile->tracks, number)) &&
        note_length(profile, walk);
    profile->out_of_memory = profile->out_of_memory || !noted;
    profile->rows++;
    profile->session = walk->session;
    profile->average_s = walk->average_s;
    profile->age = age;
}

static int compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static void put(struct output *output, double value)
{
    output_repr(output, value);
    output_char(output, '\t');
}

static bool passes(const struct seed_profile *profile, const struct prepare_filter *filter)
{
    return (filter->min_rows == 0 || profile->rows > filter->min_rows) &&
           (filter->min_sessions == 0 || profile->session > filter->min_sessions) &&
           profile->average_s < filter->max_average_s;
}

int seed_profile_put(struct seed_profile *profile, const struct seed_tables *tables,
                     const struct prepare_filter *filter, int64_t user,
                     const struct profile *person, uint32_t country, struct output *output,
                     struct err *err)
{
    if (profile->out_of_memory)
        return err_set(err, ERR_MEMORY, "out of memory for a user's profile");
    if (profile->artists.seen_count == 0 || profile->tracks.seen_count == 0 ||
        !passes(profile, filter))
        return 0;
    const struct track *top = &tables->history->catalog.tracks[tally_top(&profile->tracks)];
    size_t n = profile->sessions;
    qsort(profile->lengths_s, n, sizeof *profile->lengths_s, compare);
    double median = (double)(profile->lengths_s[(n - 1) / 2] + profile->lengths_s[n / 2]) / 2;
    put(output, (double)user);
    put(output, person ? person->gender : -1);
    put(output, profile->age);
    put(output, country);
    put(output, person ? (double)person->registered_s : 0);
    put(output, tables->artists.ids[tally_top(&profile->artists)]);
    put(output, tables->titles.ids[top->title]);
    put(output, profile->session);
    put(output, profile->average_s);
    put(output, (double)profile->lengths_s[n - 1]);
    put(output, median);
    output_int(output, (int64_t)profile->rows);
    output_text(output, (struct slice){"\r\n", 2});
    return 0;
}
