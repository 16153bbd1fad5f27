/* outro crawl: durations and tags of a log's tracks, asked of Last.fm. */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/open_log.h"
#include "cli/options.h"
#include "cli/progress.h"
#include "crawl/api_key.h"
#include "crawl/crawl.h"
#include "crawl/track_table.h"

enum { URL_MAX = 1000 };

struct crawl_command {
    const char *tracks_path, *key_file;
    struct log_hints hints; /* of a log */
    uint64_t parallel, tries;
    double timeout_s, backoff_s;
    bool strict, quiet, json;
    struct crawl_options options;

    struct api_key key;
    struct progress progress;
};

/* ---- what a crawl asks of us ---- */

static int64_t now_ms(void *ctx)
{
    struct timespec now;
    (void)ctx;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000;
}

/* A signal may come on any thread (BLAS has some), so it rings a bell that the crawl waits on. */
static volatile sig_atomic_t signals_seen;
static int bell = -1; /* an eventfd */

static void on_signal(int number)
{
    int saved = errno;
    (void)number;
    signals_seen++;
    eventfd_write(bell, 1);
    errno = saved;
}

static int stops(void *ctx)
{
    eventfd_t rings;
    (void)ctx;
    eventfd_read(bell, &rings); /* before the count is: a signal between the two rings again */
    return signals_seen;
}

static void show_progress(void *ctx, const struct crawl_counts *counts)
{
    struct crawl_command *command = ctx;
    uint64_t now = counts->tracks - counts->before - counts->left, all = now + counts->left;
    progress_update(&command->progress, now, all ? (double)now / (double)all : 1,
                    "%" PRIu64 " failed, %" PRIu64 " retries", counts->failed, counts->retries);
}

/* ---- the tracks ---- */

static int add_log(const struct crawl_command *command, struct track_set *set, struct err *err)
{
    struct log_options options = {.order = LOG_BY_TIME, .strict = command->strict};
    if (log_hints_read(&command->hints, &options.form, &options.user, err) < 0)
        return -1;
    const char *path = command->tracks_path;
    const char *name = strcmp(path, "-") == 0 ? "standard input" : path;
    struct log *log = open_log(path, &options, command->quiet, err);
    struct scrobble scrobble;
    int status = log ? 1 : -1;
    while (status > 0 && (status = log_next(log, &scrobble, err)) > 0)
        if (track_set_add(set, scrobble.artist, scrobble.track, err) < 0)
            status = -1;
    log_free(log);
    if (status == 0 && track_set_count(set) == 0)
        status = err_set(err, ERR_INPUT, "no scrobble in %s", name);
    return status;
}

static struct track_set *read_tracks(const struct crawl_command *command, struct err *err)
{
    struct track_table_counts counts;
    struct track_set *set = track_set_new(err);
    if (!set)
        return NULL;
    int status = 0;
    if (!command->hints.form) /* who names a form has a log */
        status = track_table_read(command->tracks_path, set, command->strict, stderr, &counts, err);
    if (status == 0)
        status = add_log(command, set, err);
    if (status >= 0)
        return set;
    track_set_free(set);
    return NULL;
}

/* ---- the end ---- */

static void print_json(const struct crawl_counts *counts, double seconds)
{
    printf("{\"complete\":%s,\"tracks\":%" PRIu64 ",\"with_duration\":%" PRIu64
           ",\"without_duration\":%" PRIu64 ",\"not_found\":%" PRIu64 ",\"failed\":%" PRIu64
           ",\"left\":%" PRIu64 ",\"known_before\":%" PRIu64 ",\"tags\":%" PRIu64
           ",\"requests\":%" PRIu64 ",\"retries\":%" PRIu64 ",\"elapsed_s\":%.1f}\n",
           counts->left ? "false" : "true", counts->tracks, counts->timed, counts->untimed,
           counts->unknown, counts->failed, counts->left, counts->before, counts->tags,
           counts->requests, counts->retries, seconds);
}

static void print_row(const char *what, uint64_t count, const char *note)
{
    char number[28];
    printf("%-20s %12s%s\n", what, progress_number(count, number), note);
}

static void print_table(const struct crawl_counts *counts, double seconds)
{
    char note[64];
    print_row("tracks", counts->tracks, "");
    print_row("  with duration", counts->timed, "");
    print_row("  without duration", counts->untimed, "");
    print_row("  not found", counts->unknown, "");
    print_row("  failed", counts->failed, counts->failed ? "  (failed.tsv)" : "");
    print_row("  not asked yet", counts->left, "");
    print_row("known before", counts->before, "");
    print_row("tags", counts->tags, "");
    snprintf(note, sizeof note, "  (%" PRIu64 " retries, %.1f s)", counts->retries, seconds);
    print_row("requests", counts->requests, note);
}

static void summarize(const struct crawl_command *command, const struct crawl_counts *counts,
                      double seconds)
{
    if (counts->journal.damaged)
        fprintf(stderr,
                "outro crawl: %" PRIu64 " damaged line%s of %s left out: what stood there is asked "
                "for again\n",
                counts->journal.damaged, counts->journal.damaged == 1 ? "" : "s", JOURNAL_NAME);
    if (command->json)
        print_json(counts, seconds);
    else if (!command->quiet)
        print_table(counts, seconds);
}

static int take_signals(struct err *err)
{
    const struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    bell = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (bell < 0)
        return err_errno(err, "waiting for signals");
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    return 0;
}

static int run(struct crawl_command *command, struct err *err)
{
    struct crawl_counts counts;
    struct crawl_options *options = &command->options;
    if (api_key_load(&command->key, command->key_file, getenv("LASTFM_API_KEY"), err) < 0)
        return -1;
    struct track_set *set = read_tracks(command, err);
    if (!set || take_signals(err) < 0) {
        track_set_free(set);
        return -1;
    }
    options->key = command->key.text;
    options->parallel = (unsigned)command->parallel;
    options->tries = (unsigned)command->tries;
    options->timeout_ms = (int64_t)(1000 * command->timeout_s);
    options->backoff_ms = (int64_t)(1000 * command->backoff_s);
    options->seed = (uint64_t)now_ms(NULL) << 22 ^ (uint64_t)getpid(); /* clients apart */
    options->now_ms = now_ms;
    options->stops = stops;
    options->wake_fd = bell;
    options->progress = show_progress;
    options->ctx = command;
    progress_begin(&command->progress, "asking Last.fm", "tracks", command->quiet);
    int status = crawl_run(set, options, &counts, err);
    double seconds = progress_end(&command->progress);
    /* After these two the files are written: what is known stands in them. */
    if (status == 0 || err->code == ERR_CANCELLED || err->code == ERR_CHECK)
        summarize(command, &counts, seconds);
    track_set_free(set);
    return status;
}

/* ---- options ---- */

/* @return 0, or the exit status after saying what is wrong */
static int check_options(const struct crawl_command *command)
{
    const char *url = command->options.base_url;
    if (!command->options.out_path)
        return options_usage("crawl", "--out DIR is missing");
    if ((strncmp(url, "https://", 8) != 0 && strncmp(url, "http://", 7) != 0) ||
        strpbrk(url, "?#@ ") || strlen(url) > URL_MAX)
        return options_usage("crawl", "--base-url: an address that begins with https:// or http:// "
                                      "and ends with a path, without ? or @");
    return 0;
}

int cmd_crawl(int argc, char **argv)
{
    struct crawl_command command = {.parallel = 4,
                                    .tries = 5,
                                    .timeout_s = 30,
                                    .backoff_s = 1,
                                    .options = {.base_url = CRAWL_BASE_URL, .rate_per_s = 5}};
    const struct option_row rows[] = {
        {"out", "DIR", OPTION_TEXT, &command.options.out_path, 0, 0,
         "folder of the journal and of durations.tsv, tags.tsv, failed.tsv"},
        {"key-file", "FILE", OPTION_TEXT, &command.key_file, 0, 0,
         "file with the API key, mode 600 (default: LASTFM_API_KEY of the environment)"},
        {"retry-failed", NULL, OPTION_FLAG, &command.options.retry_failed, 0, 0,
         "ask again for the tracks that failed.tsv has"},
        {"parallel", "N", OPTION_COUNT, &command.parallel, 1, 64, "requests at once (default: 4)"},
        {"rate", "X", OPTION_REAL, &command.options.rate_per_s, 1e-3, 1e6,
         "requests a second, at most (default: 5, what Last.fm allows)"},
        {"tries", "N", OPTION_COUNT, &command.tries, 1, 100,
         "requests for one track before it counts as failed (default: 5)"},
        {"timeout", "S", OPTION_REAL, &command.timeout_s, .01, 3600,
         "seconds that one answer may take (default: 30)"},
        {"backoff", "S", OPTION_REAL, &command.backoff_s, 0, 60,
         "seconds before the second try, at most; doubled each further time (default: 1)"},
        {"base-url", "URL", OPTION_TEXT, &command.options.base_url, 0, 0,
         "another address of the API; over http:// the key is sent in the clear"},
        OPTION_ROW_FORMAT(&command.hints),
        OPTION_ROW_USER(&command.hints),
        OPTION_ROW_STRICT(&command.strict),
        OPTION_ROW_JSON(&command.json),
        OPTION_ROW_QUIET(&command.quiet),
        OPTION_ROW_END,
    };
    const struct options options = {
        .command = "crawl",
        .operands = "TRACKS|LOG",
        .summary =
            "Asks Last.fm (track.getInfo) for duration and top tags of each track of TRACKS (a\n"
            "tracks.tsv or tracks.csv, as outro prepare writes them) or of a listening log (any "
            "form\n"
            "that outro events reads; - for standard input). durations.tsv is what --durations\n"
            "reads. Goes on where it was stopped or killed: no answer is asked for twice. Ctrl-C\n"
            "waits for what is under way; twice, it does not.",
        .min_operands = 1,
        .max_operands = 1,
        .rows = rows,
    };
    int count = options_parse(&options, argc, argv);
    if (count < 0)
        return options_status(count);
    command.tracks_path = argv[1];
    int status = check_options(&command);
    if (status)
        return status;
    struct err err = {0};
    status = run(&command, &err) < 0 ? options_fail("crawl", &err) : 0;
    api_key_forget(&command.key);
    return status;
}
