/* bench_codec: what reading a scrobble and printing a record cost, on one core: the direct reader
 * beside Jansson's. usage: bench_codec [SECONDS for each line, default 0.5] */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "data/record_json.h"
#include "data/scrobble_json.h"
#include "data/synth.h"

enum { RECORDS = 4096, RECORD_ROOM = 512 };

struct bench {
    char (*json)[RECORD_ROOM];         // (RECORDS)
    size_t size[RECORDS];              // of each, bytes
    struct scrobble scrobble[RECORDS]; // borrowed from json
    struct prediction prediction[RECORDS];
    struct session session[RECORDS];
    struct scrobble_scratch *scratch;
    volatile uint64_t sink; // what is computed ends here, so that it is computed
};

static double cpu_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static void read_direct(struct bench *bench, size_t i)
{
    struct scrobble out;
    if (scrobble_from_json(bench->json[i], bench->size[i], bench->scratch, &out, NULL) ==
        REJECT_NONE)
        bench->sink += out.track.size + (uint64_t)out.time.ms;
}

static void read_general(struct bench *bench, size_t i)
{
    struct scrobble out;
    if (scrobble_from_json_general(bench->json[i], bench->size[i], bench->scratch, &out, NULL) ==
        REJECT_NONE)
        bench->sink += out.track.size + (uint64_t)out.time.ms;
}

static void write_scrobble(struct bench *bench, size_t i)
{
    char out[RECORD_JSON_MAX];
    bench->sink += scrobble_to_json(&bench->scrobble[i], out, sizeof out);
}

static void write_prediction(struct bench *bench, size_t i)
{
    char out[RECORD_JSON_MAX];
    bench->sink += prediction_to_json(&bench->prediction[i], out, sizeof out);
}

static void write_session(struct bench *bench, size_t i)
{
    char out[RECORD_JSON_MAX];
    bench->sink += session_to_json(&bench->session[i], out, sizeof out);
}

/* ns of one call, the best of rounds over all records: what disturbs only adds. */
static double measure(struct bench *bench, void (*work)(struct bench *, size_t), double seconds)
{
    double best = 1e18;
    double end = cpu_ns() + seconds * 1e9;
    do {
        double begin = cpu_ns();
        for (size_t i = 0; i < RECORDS; i++)
            work(bench, i);
        double each = (cpu_ns() - begin) / RECORDS;
        best = each < best ? each : best;
    } while (cpu_ns() < end);
    return best;
}

static void fill_results(struct bench *bench, size_t i)
{
    int64_t ms = bench->scrobble[i].time.ms;
    struct prediction *prediction = &bench->prediction[i];
    *prediction = (struct prediction){.time = {ms},
                                      .session = 17 + (uint32_t)i,
                                      .session_start = {ms - 417000},
                                      .scrobble = 3,
                                      .elapsed_ms = 417000,
                                      .previous_session_length_ms = 5210000,
                                      .average_session_length_cs = 431025 + (int64_t)i,
                                      .total_s = {1200.125 + (double)i, 3900.5, 9100.25},
                                      .cluster = -1,
                                      .model = "20260101T000000Z-1a2b3c"};
    memcpy(prediction->user_id, bench->scrobble[i].user_id.data, bench->scrobble[i].user_id.size);
    struct session *session = &bench->session[i];
    *session = (struct session){.number = 17,
                                .start = {ms - 3900000},
                                .end = {ms},
                                .length_ms = 3900000 + (int64_t)i,
                                .scrobbles = 14};
    memcpy(session->user_id, prediction->user_id, sizeof session->user_id);
}

static int fill(struct bench *bench, struct err *err)
{
    struct synth_options options = {
        .seed = 1, .rows = UINT64_C(1) << 20, .users = 1000, .start = {INT64_C(1262304000000)}};
    struct scrobble scrobble;
    struct synth *synth = synth_new(&options, err);
    bench->json = calloc(RECORDS, sizeof *bench->json);
    bench->scratch = scrobble_scratch_new();
    if (!synth || !bench->json || !bench->scratch) {
        synth_free(synth);
        return err_set(err, ERR_MEMORY, "out of memory");
    }
    size_t count = 0;
    while (count < RECORDS && synth_next(synth, &scrobble)) {
        /* Every field there, as a careful producer sends them; and nothing to escape. */
        scrobble.duration_ms = 215000;
        size_t size = scrobble_to_json(&scrobble, bench->json[count], RECORD_ROOM);
        if (!scrobble.track_mbid.size || !scrobble.artist_mbid.size ||
            memchr(bench->json[count], '\\', size))
            continue;
        bench->size[count] = size;
        if (scrobble_from_json(bench->json[count], size, bench->scratch, &bench->scrobble[count],
                               NULL) != REJECT_NONE)
            break;
        fill_results(bench, count++);
    }
    synth_free(synth);
    return count == RECORDS ? 0 : err_set(err, ERR_CHECK, "only %zu records", count);
}

static void report(struct bench *bench, double seconds)
{
    double bytes = 0;
    for (size_t i = 0; i < RECORDS; i++)
        bytes += (double)bench->size[i] / RECORDS;
    double direct = measure(bench, read_direct, seconds);
    double general = measure(bench, read_general, seconds);
    printf("read a scrobble of %.0f bytes, direct     %7.1f ns\n", bytes, direct);
    printf("read a scrobble of %.0f bytes, by Jansson %7.1f ns   %.1f times the direct\n", bytes,
           general, general / direct);
    printf("write a scrobble                         %7.1f ns\n",
           measure(bench, write_scrobble, seconds));
    printf("write a prediction                       %7.1f ns\n",
           measure(bench, write_prediction, seconds));
    printf("write a session                          %7.1f ns\n",
           measure(bench, write_session, seconds));
}

int main(int argc, char **argv)
{
    double seconds = argc > 1 ? strtod(argv[1], NULL) : 0.5;
    struct err err = {0};
    struct bench *bench = calloc(1, sizeof *bench);
    if (!bench)
        return 1;
    int status = fill(bench, &err);
    if (status == 0)
        report(bench, seconds);
    else
        fprintf(stderr, "bench_codec: %s\n", err.text);
    scrobble_scratch_free(bench->scratch);
    free(bench->json);
    free(bench);
    return status ? 1 : 0;
}
