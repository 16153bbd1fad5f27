/* params.h - what sessions and state are made by; one value for a process, the same in replay and
 * daemon. Header only. */
#ifndef OUTRO_STREAM_PARAMS_H
#define OUTRO_STREAM_PARAMS_H

#include <stdbool.h>
#include <stdint.h>

struct stream_params {
    int64_t gap_ms;              /* silence that ends a session, strict; 1,800,000 */
    int64_t allowed_lateness_ms; /* how far behind stream time a scrobble may still change a closed
                                    session; 86,400,000 */
    int64_t ttl_ms; /* silence, in stream time, after which a user is forgotten: heard of again,
                       somebody new. More than allowed_lateness_ms, or 0: never */
    bool keep_duplicates;          /* --seed-compat: drop none */
    uint32_t cluster_min_sessions; /* that somebody the bundle does not list must have finished to
                                      get a cluster's net; 10 */
    uint32_t cluster_recheck_sessions; /* after so many more it is looked at again; 20. 0:
                                          never */
    uint32_t window;                   /* W: finished sessions kept a user; 256 */
    uint32_t track_slots;              /* of the bounded sketch of plays a user; powers of two */
    uint32_t artist_slots;
};

#define STREAM_PARAMS_DEFAULTS                                                                     \
    ((struct stream_params){.gap_ms = 1800000,                                                     \
                            .allowed_lateness_ms = 86400000,                                       \
                            .cluster_min_sessions = 10,                                            \
                            .cluster_recheck_sessions = 20,                                        \
                            .window = 256,                                                         \
                            .track_slots = 16,                                                     \
                            .artist_slots = 64})

#endif
