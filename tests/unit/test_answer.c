/* Bodies of track.getInfo, as they come and as they should not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "crawl/answer.h"

/* An answer as one line: kind, error or duration, then tags with their counts. */
static const char *said(const char *body, size_t size)
{
    static char line[4096];
    struct answer answer;
    answer_parse(&answer, body, size);
    int used = 0;
    if (answer.kind == ANSWER_GARBAGE)
        used = snprintf(line, sizeof line, "garbage");
    else if (answer.kind == ANSWER_ERROR)
        used = snprintf(line, sizeof line, "error %d", answer.error);
    else
        used = snprintf(line, sizeof line, "%u", answer.facts.duration_ms);
    for (size_t i = 0; i < answer.facts.tag_count; i++) {
        const struct track_tag *tag = &answer.facts.tags[i];
        used += snprintf(line + used, sizeof line - (size_t)used, " %.*s:%lld", (int)tag->name.size,
                         tag->name.data, (long long)tag->count);
    }
    answer_release(&answer);
    return line;
}

#define TRACK(fields) "{\"track\":{\"name\":\"N\"" fields "}}"
#define TAGS(tags)    TRACK(",\"duration\":\"7\",\"toptags\":" tags)

static void test_answer_forms(void **state)
{
    (void)state;
    static const struct {
        const char *body, *said;
    } CASES[] = {
        {TRACK(",\"duration\":\"240000\""), "240000"},
        {TRACK(",\"duration\":240000"), "240000"},
        {TRACK(",\"duration\":\"0\""), "0"},
        {TRACK(",\"duration\":0"), "0"},
        {TRACK(""), "0"},
        {TRACK(",\"duration\":null"), "0"},
        {TRACK(",\"duration\":\"\""), "0"},
        {TRACK(",\"duration\":\" 7\""), "0"},
        {TRACK(",\"duration\":\"7s\""), "0"},
        {TRACK(",\"duration\":\"-7\""), "0"},
        {TRACK(",\"duration\":-7"), "0"},
        {TRACK(",\"duration\":7.5"), "0"},
        {TRACK(",\"duration\":[7]"), "0"},
        {TRACK(",\"duration\":\"86400000\""), "86400000"},
        {TRACK(",\"duration\":\"86400001\""), "0"},
        {TRACK(",\"duration\":\"18446744073709551617\""), "0"},
        {TAGS("\"\""), "7"},
        {TAGS("null"), "7"},
        {TAGS("[]"), "7"},
        {TAGS("{}"), "7"},
        {TAGS("{\"tag\":\"\"}"), "7"},
        {TAGS("{\"tag\":[]}"), "7"},
        {TAGS("{\"tag\":{\"name\":\"a\",\"url\":\"u\"}}"), "7 a:-1"},
        {TAGS("{\"tag\":[{\"name\":\"a\"},{\"name\":\"b\",\"count\":9}]}"), "7 a:-1 b:9"},
        {TAGS("{\"tag\":[{\"name\":\"a\",\"count\":\"100\"},{\"name\":\"b\",\"count\":\"x\"}]}"),
         "7 a:100 b:-1"},
        {TAGS("{\"tag\":[{\"name\":\"a\",\"count\":-4},\"b\",{},{\"name\":\"\"},{\"name\":7}]}"),
         "7 a:-1"},
        {TAGS("{\"tag\":[{\"name\":\" a\\tb\\r\\n\"},{\"name\":\" \\n\"}]}"), "7 a\tb:-1"},
        {TAGS("{\"tag\":[{\"name\":\"\\u00e9\\t\\\"\"}]}"), "7 \xc3\xa9\t\":-1"},
        {"{\"error\":6,\"message\":\"Track not found\",\"links\":[]}", "error 6"},
        {"{\"error\":\"29\",\"message\":\"Rate limit\"}", "error 29"},
        {"{\"error\":0}", "error 0"},
        {"{\"error\":-6}", "error 0"},
        {"{\"error\":99999999999}", "error 0"},
        {"{\"error\":6,\"track\":{\"duration\":\"7\"}}", "error 6"},
        {"{\"error\":{}}", "garbage"},
        {"{}", "garbage"},
        {"[]", "garbage"},
        {"{\"track\":\"\"}", "garbage"},
        {"{\"track\":[{\"duration\":\"7\"}]}", "garbage"},
        {"", "garbage"},
        {"null", "garbage"},
        {"<html></html>", "garbage"},
        {"{\"track\":{}} {}", "garbage"},
        {"{\"track\":{\"name\":\"\xff\"}}", "garbage"},
        {"{\"track\":{\"name\":\"", "garbage"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++)
        if (strcmp(said(CASES[i].body, strlen(CASES[i].body)), CASES[i].said) != 0)
            fail_msg("%s: %s, not %s", CASES[i].body, said(CASES[i].body, strlen(CASES[i].body)),
                     CASES[i].said);
}

/* More tags, and longer ones, than are kept. */
static void test_answer_bounds_its_tags(void **state)
{
    (void)state;
    static char body[64 * 1024];
    int used = snprintf(body, sizeof body, "{\"track\":{\"toptags\":{\"tag\":[{\"name\":\"%0*d\"}",
                        TAG_BYTES_MAX + 1, 0);
    used +=
        snprintf(body + used, sizeof body - (size_t)used, ",{\"name\":\"%0*d\"}", TAG_BYTES_MAX, 0);
    for (int i = 0; i < 2 * TRACK_TAGS_MAX; i++)
        used += snprintf(body + used, sizeof body - (size_t)used, ",{\"name\":\"t%d\"}", i);
    used += snprintf(body + used, sizeof body - (size_t)used, "]}}}");
    struct answer answer;
    answer_parse(&answer, body, (size_t)used);
    assert_int_equal(answer.kind, ANSWER_TRACK);
    assert_int_equal(answer.facts.tag_count, TRACK_TAGS_MAX);
    assert_int_equal(answer.facts.tags[0].name.size, TAG_BYTES_MAX);
    assert_memory_equal(answer.facts.tags[1].name.data, "t0", 2);
    answer_release(&answer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answer_forms),
        cmocka_unit_test(test_answer_bounds_its_tags),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
