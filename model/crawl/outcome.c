#include "crawl/outcome.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

enum { HTTP_OK = 200, HTTP_TIMEOUT = 408, HTTP_TOO_MANY = 429, HTTP_SERVER_ERROR = 500 };

static const struct {
    int code;
    enum outcome_kind kind;
    const char *words;
} ERRORS[] = {
    {2, OUTCOME_FAILED, "this service does not exist"},
    {3, OUTCOME_FAILED, "no method of that name"},
    {4, OUTCOME_FAILED, "authentication failed"},
    {5, OUTCOME_FAILED, "this service has no JSON"},
    {6, OUTCOME_UNKNOWN, "track not found"},
    {7, OUTCOME_FAILED, "invalid resource"},
    {8, OUTCOME_RETRY, "operation failed"},
    {9, OUTCOME_FAILED, "invalid session key"},
    {10, OUTCOME_STOP,
     "Last.fm does not know this API key (error 10): check LASTFM_API_KEY or the key file; "
     "https://www.last.fm/api/accounts lists your keys"},
    {11, OUTCOME_RETRY, "service offline"},
    {13, OUTCOME_FAILED, "invalid signature"},
    {16, OUTCOME_RETRY, "temporarily unavailable"},
    {26, OUTCOME_STOP,
     "Last.fm has suspended this API key (error 26): write to Last.fm, or go on with another key"},
    {29, OUTCOME_STOP,
     "Last.fm says that this address asks too often (error 29): wait for some minutes, then run "
     "the same command with a lower --rate"},
};

__attribute__((format(printf, 2, 3))) static struct outcome say(enum outcome_kind kind,
                                                                const char *format, ...)
{
    struct outcome outcome = {.kind = kind};
    va_list args;
    va_start(args, format);
    vsnprintf(outcome.reason, sizeof outcome.reason, format, args);
    va_end(args);
    return outcome;
}

static struct outcome of_error(int code)
{
    for (size_t i = 0; i < sizeof ERRORS / sizeof *ERRORS; i++) {
        if (ERRORS[i].code != code)
            continue;
        return ERRORS[i].kind == OUTCOME_STOP
                   ? say(OUTCOME_STOP, "%s", ERRORS[i].words)
                   : say(ERRORS[i].kind, "Last.fm error %d: %s", code, ERRORS[i].words);
    }
    return say(OUTCOME_FAILED, "Last.fm error %d", code);
}

static struct outcome of_status(long status)
{
    if (status == HTTP_TIMEOUT || status == HTTP_TOO_MANY || status >= HTTP_SERVER_ERROR)
        return say(OUTCOME_RETRY, "HTTP status %ld", status);
    if (status >= 300 && status < 400) /* the key would go wherever the answer says */
        return say(OUTCOME_FAILED, "HTTP status %ld: redirections are not followed", status);
    if (status != HTTP_OK)
        return say(OUTCOME_FAILED, "HTTP status %ld", status);
    return say(OUTCOME_RETRY, "the answer is not what track.getInfo answers");
}

static struct outcome of_answer(const struct reply *reply, const struct answer *answer)
{
    if (reply->network && reply->lasting)
        return say(OUTCOME_STOP,
                   "%s: look at --base-url, at this machine's clock and at its certificates "
                   "(package ca-certificates)",
                   reply->network);
    if (reply->network)
        return say(OUTCOME_RETRY, "%s", reply->network);
    /* Last.fm puts its errors into answers of any status; 429 alone is always about the pace. */
    if (answer->kind == ANSWER_ERROR && reply->status != HTTP_TOO_MANY)
        return of_error(answer->error);
    if (answer->kind == ANSWER_TRACK && reply->status == HTTP_OK)
        return say(OUTCOME_TRACK, "%s", "");
    return of_status(reply->status);
}

struct outcome outcome_of(const struct reply *reply, const struct answer *answer)
{
    struct outcome outcome = of_answer(reply, answer);
    if (outcome.kind == OUTCOME_RETRY && reply->retry_after_s > RETRY_AFTER_MAX_S)
        return say(OUTCOME_STOP,
                   "Last.fm asks for a pause of %" PRId64 " s: run the same command again then",
                   reply->retry_after_s);
    return outcome;
}
