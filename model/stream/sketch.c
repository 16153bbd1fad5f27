#include "stream/sketch.h"

#include "core/hash.h"

struct place {
    struct sketch_entry *ways;
    uint16_t tag;
};

static struct place place_of(struct sketch sketch, uint64_t key)
{
    uint64_t h = hash_mix(key);
    uint32_t set = (uint32_t)(h >> 32) & (sketch.slots / SKETCH_WAYS - 1);
    uint16_t tag = (uint16_t)h;
    return (struct place){sketch.entries + (size_t)set * SKETCH_WAYS, tag ? tag : 1};
}

static struct sketch_entry *find(struct place place)
{
    for (int i = 0; i < SKETCH_WAYS; i++)
        if (place.ways[i].tag == place.tag)
            return &place.ways[i];
    return NULL;
}

/* The entry that tells least goes: one that ended sessions tells more than one that was only
 * played, and what was played long ago less than what was played lately. */
static struct sketch_entry *victim(struct place place, uint32_t session)
{
    struct sketch_entry *least = NULL;
    uint32_t least_worth = UINT32_MAX;
    for (int i = 0; i < SKETCH_WAYS; i++) {
        struct sketch_entry *e = &place.ways[i];
        if (e->tag == 0)
            return e;
        uint32_t age = (uint8_t)(session - e->session);
        uint32_t worth = (e->ends * 64u + e->plays * 16u) * 16u / (age + 4u);
        if (worth < least_worth) {
            least_worth = worth;
            least = e;
        }
    }
    return least;
}

void sketch_fetch(struct sketch sketch, uint64_t key)
{
    __builtin_prefetch(place_of(sketch, key).ways, 1);
}

struct sketch_counts sketch_play(struct sketch sketch, uint64_t key, uint32_t session)
{
    struct place place = place_of(sketch, key);
    struct sketch_entry *e = find(place);
    struct sketch_counts counts = {0};
    if (e) {
        counts = (struct sketch_counts){e->plays, e->ends, e->session == (uint8_t)session};
    } else {
        e = victim(place, session);
        *e = (struct sketch_entry){.tag = place.tag};
    }
    if (e->plays == UINT16_MAX) {
        e->plays /= 2;
        e->ends /= 2;
    }
    e->plays++;
    e->session = (uint8_t)session;
    return counts;
}

void sketch_end(struct sketch sketch, uint64_t key)
{
    struct sketch_entry *e = find(place_of(sketch, key));
    if (!e)
        return;
    if (e->ends == UINT8_MAX) {
        e->plays /= 2;
        e->ends /= 2;
    }
    e->ends++;
}
