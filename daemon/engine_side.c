#include <inttypes.h>

#include "daemon/engine_parts.h"

int engine_open_side_inputs(struct engine *engine, struct err *err)
{
    if (!side_inputs_wanted(engine->config)) {
        engine->side_whole = true;
        return 0;
    }
    engine->snapshot.side.reading = true;
    if (*engine->config->topic_track_durations) {
        engine->durations = durations_new(err);
        if (!engine->durations) {
            return -1;
        }
        engine->intake.durations = engine->durations;
    }
    engine->profiles = key_table_new(err);
    engine->side = engine->profiles
                       ? side_inputs_new(engine->config, engine->logger, engine->side_bell, err)
                       : NULL;
    return engine->side ? 0 : -1;
}

/* A transaction that is aborted later is worked on again with what is known then: what it said
 * before never counted. */
static int apply(struct engine *engine, const struct side_change *change, struct err *err)
{
    return change->input == SIDE_DURATIONS
               ? durations_set(engine->durations, change->key, change->value, err)
               : key_table_set(engine->profiles, change->key, change->value, err);
}

void engine_take_side_inputs(struct engine *engine)
{
    size_t count;
    bool whole;
    struct err err = {0};
    const struct side_change *change = side_inputs_take(engine->side, &count, &whole, &err);
    if (!change) {
        engine_fail(engine, &err);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        if (apply(engine, &change[i], &err) != 0) {
            engine_fail(engine, &err);
            return;
        }
    }
    if (whole && !engine->side_whole) {
        engine->side_whole = true;
        logger_event(engine->logger, LEVEL_INFO, "side-inputs-read",
                     "%zu track durations, %zu profiles; followed from here on",
                     durations_count(engine->durations), key_table_count(engine->profiles));
    }
}

void engine_publish_side_inputs(struct engine *engine)
{
    struct metrics *metrics = &engine->snapshot.metrics;
    struct side_progress *side = &engine->snapshot.side;
    if (!engine->side) {
        return;
    }
    side_inputs_progress(engine->side, side);
    side->reading = !engine->side_whole; /* what is read but not applied is not known yet */
    side->known[SIDE_DURATIONS] = durations_count(engine->durations);
    side->known[SIDE_PROFILES] = key_table_count(engine->profiles);
    metrics->profile_records = side->records[SIDE_PROFILES];
    metrics->profile_records_bad = side->bad[SIDE_PROFILES];
    metrics->duration_records = side->records[SIDE_DURATIONS];
    metrics->duration_records_bad = side->bad[SIDE_DURATIONS];
}
