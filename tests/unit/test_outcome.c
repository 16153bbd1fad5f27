/* What becomes of a track after each kind of reply. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "crawl/outcome.h"

#define TRACK "{\"track\":{}}"

static const struct {
    const char *network;
    long status;
    int64_t retry_after_s; /* -1: none, and the network's fault is a lasting one */
    const char *body;
    enum outcome_kind kind;
    const char *says; /* somewhere in the reason */
} CASES[] = {
    {NULL, 200, 0, TRACK, OUTCOME_TRACK, ""},
    {NULL, 200, 100000, TRACK, OUTCOME_TRACK, ""},
    {NULL, 404, 0, TRACK, OUTCOME_FAILED, "HTTP status 404"},
    {NULL, 200, 0, "{\"error\":6}", OUTCOME_UNKNOWN, "not found"},
    {NULL, 404, 0, "{\"error\":6}", OUTCOME_UNKNOWN, "not found"},
    {NULL, 200, 0, "{\"error\":8}", OUTCOME_RETRY, "Last.fm error 8: operation failed"},
    {NULL, 500, 0, "{\"error\":8}", OUTCOME_RETRY, "operation failed"},
    {NULL, 200, 0, "{\"error\":11}", OUTCOME_RETRY, "offline"},
    {NULL, 200, 0, "{\"error\":16}", OUTCOME_RETRY, "temporarily"},
    {NULL, 403, 0, "{\"error\":10}", OUTCOME_STOP, "LASTFM_API_KEY"},
    {NULL, 403, 0, "{\"error\":26}", OUTCOME_STOP, "suspended"},
    {NULL, 200, 0, "{\"error\":29}", OUTCOME_STOP, "--rate"},
    {NULL, 429, 0, "{\"error\":29}", OUTCOME_RETRY, "HTTP status 429"},
    {NULL, 200, 0, "{\"error\":4}", OUTCOME_FAILED, "authentication"},
    {NULL, 400, 0, "{\"error\":7}", OUTCOME_FAILED, "Last.fm error 7: invalid resource"},
    {NULL, 200, 0, "{\"error\":13}", OUTCOME_FAILED, "signature"},
    {NULL, 200, 0, "{\"error\":1}", OUTCOME_FAILED, "Last.fm error 1"},
    {NULL, 200, 0, "{\"error\":7,\"message\":\"secret\"}", OUTCOME_FAILED, "invalid"},
    {NULL, 200, 0, "", OUTCOME_RETRY, "not what track.getInfo answers"},
    {NULL, 200, 0, "<html>", OUTCOME_RETRY, "not what track.getInfo answers"},
    {NULL, 204, 0, "", OUTCOME_FAILED, "HTTP status 204"},
    {NULL, 301, 0, "", OUTCOME_FAILED, "redirections are not followed"},
    {NULL, 400, 0, "", OUTCOME_FAILED, "HTTP status 400"},
    {NULL, 408, 0, "", OUTCOME_RETRY, "HTTP status 408"},
    {NULL, 429, 600, "", OUTCOME_RETRY, "HTTP status 429"},
    {NULL, 429, 601, "", OUTCOME_STOP, "a pause of 601 s"},
    {NULL, 500, 0, TRACK, OUTCOME_RETRY, "HTTP status 500"},
    {NULL, 503, 3600, "", OUTCOME_STOP, "a pause of 3600 s"},
    {NULL, 599, 0, "", OUTCOME_RETRY, "HTTP status 599"},
    {"bad certificate", 0, -1, "", OUTCOME_STOP, "bad certificate: look at --base-url"},
    {"no answer in time", 0, 0, "", OUTCOME_RETRY, "no answer in time"},
    {"broke off", 200, 0, TRACK, OUTCOME_RETRY, "broke off"},
};

static void test_outcome_of_each_reply(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        const struct reply reply = {.network = CASES[i].network,
                                    .status = CASES[i].status,
                                    .lasting = CASES[i].retry_after_s < 0,
                                    .retry_after_s = CASES[i].retry_after_s,
                                    .body = {CASES[i].body, strlen(CASES[i].body)}};
        struct answer answer;
        answer_parse(&answer, reply.body.data, reply.body.size);
        struct outcome outcome = outcome_of(&reply, &answer);
        if (outcome.kind != CASES[i].kind || !strstr(outcome.reason, CASES[i].says) ||
            strstr(outcome.reason, "secret"))
            fail_msg("%ld %s: %d, %s", CASES[i].status, CASES[i].body, outcome.kind,
                     outcome.reason);
        assert_true(strlen(outcome.reason) + 1 < sizeof outcome.reason); /* none is cut */
        answer_release(&answer);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_outcome_of_each_reply),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
