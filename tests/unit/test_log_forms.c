/* Each form of a log that log_open reads, its quirks, and what it refuses: a table a form. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "log_fixture.h"

#define T1   "2009-05-03T15:48:25Z"
#define S1   "1241365705"
#define MB   "11111111-2222-3333-4444-555555555555"
#define AB   "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"
#define UAT  "u@1241365705000 A/T [|] 0\n"
#define UROW "u\t" T1 "\t\tA\t\tT\n"

static void test_log_forms_table_of_damaged_copies(void **state)
{
    (void)state;
    static const struct log_case CASES[] = {
        {"carriage returns at the end", "u\t" T1 "\t\tA\t\tT\r\r\n\r\n", .expected = UAT},
        {"one inside a name stays", "u\t" T1 "\t\tA\rB\t\tT\n",
         .expected = "u@1241365705000 A\rB/T [|] 0\n"},
        {"empty columns behind", "u\t" T1 "\t\tA\t\tT\t\t\n", .expected = UAT},
        {"a tab in the track, MBIDs there", "u\t" T1 "\t" AB "\tA\t" MB "\tT\tV\tW\n",
         .expected = "u@1241365705000 A/T\tV\tW [" AB "|" MB "] 0\n"},
        {"a tab in the artist, MBIDs there", "u\t" T1 "\t" AB "\tA\tB\t" MB "\tT\n",
         .expected = "u@1241365705000 A\tB/T [" AB "|" MB "] 0\n"},
        {"tabs in both, MBIDs there", "u\t" T1 "\t\tA\tB\t" MB "\tT\tV\n",
         .expected = "u@1241365705000 A\tB/T\tV [|" MB "] 0\n"},
        {"a tab in the track, no MBID", "u\t" T1 "\t\tA\t\tT\tV\n",
         .expected = "u@1241365705000 A/T\tV [|] 0\n"},
        {"a tab in the artist, no MBID", "u\t" T1 "\t\tA\tB\t\tT\n",
         .expected = "u@1241365705000 A\tB/T [|] 0\n"},
        {"which name has the tab?", UROW "u\t" T1 "\t\tA\tB\tC\tT\n", .expected = UAT,
         .rejected = 1, .says = ":2: it has 7 tab-separated fields, not 6"},
        {"two that look like MBIDs", UROW "u\t" T1 "\t\tA\t" MB "\t" MB "\tT\n", .expected = UAT,
         .rejected = 1, .says = ":2: it has 7 tab-separated fields, not 6"},
        {"fields missing", UROW "u\t" T1 "\t\tA\n", .expected = UAT, .rejected = 1,
         .says = ":2: it has 4 tab-separated fields, not 6"},
        {"no such day", UROW "u\t2009-02-30T10:00:00Z\t\tA\t\tT\n", .expected = UAT, .rejected = 1,
         .says = ":2: time \"2009-02-30T10:00:00Z\" does not exist in the calendar"},
        {"no such hour", UROW "u\t2009-02-20T25:00:00Z\t\tA\t\tT\n", .expected = UAT, .rejected = 1,
         .says = "does not exist in the calendar"},
        {"asked for", "u\t" T1 "\t\tA\t\tT\n", .form = LOG_FORM_LASTFM_1K, .expected = UAT},
        {"asked for, JSON found", UROW "{\"user_id\":\"u\"}\n", .form = LOG_FORM_LASTFM_1K,
         .expected = UAT, .rejected = 1, .says = ":2: it looks like JSON, not like a record of"},
        {"user given", "u\t" T1 "\t\tA\t\tT\n", .user = "other", .expected = UAT},
    };
    log_cases_run(CASES, sizeof CASES / sizeof *CASES);
}

#define OWN       "{\"user_id\":\"u\",\"timestamp\":" S1 "000,\"artist\":\"A\",\"track\":\"T\"}"
#define OWN2      "{\"user_id\":\"u\",\"timestamp\":" S1 "001,\"artist\":\"A\",\"track\":\"V\"}"
#define NOBODYS   "{\"timestamp\":" S1 "000,\"artist\":\"A\",\"track\":\"T\"}"
#define API_ERROR "{\"error\":17,\"message\":\"Login: \\u001b[2J required\",\"links\":[]}"
#define UAV       "u@1241365705001 A/V [|] 0\n"

static void test_log_forms_own(void **state)
{
    (void)state;
    static const struct log_case CASES[] = {
        {"an array", "[" OWN2 "," OWN "]", .expected = UAT UAV},
        {"over lines", "[\n  " OWN2 ",\n  " OWN "\n]\n", .expected = UAT UAV},
        {"arrays joined", "[" OWN2 "]\n[" OWN "]\n[]", .expected = UAT UAV},
        {"an array of nothing", " [ ] \n", .expected = ""},
        {"one object over lines",
         "{\n\"user_id\":\"u\",\n\"timestamp\":" S1
         "000,\n\"artist\":\"A\",\"track\":\"T\"}\n" OWN2,
         .expected = UAT UAV},
        {"an element of another kind", "[" OWN ",7,\"x\",[],null]", .expected = UAT, .rejected = 4,
         .says = ":1: record 2: not-json: "},
        {"an element without what it needs", "[" OWN ",\n{}]", .expected = UAT, .rejected = 1,
         .says = ":2: record 2: missing-field: timestamp is missing"},
        {"Last.fm's answer in its place", OWN "\n" API_ERROR, .expected = UAT, .rejected = 1,
         .says = ":2: no scrobble but an error of Last.fm: 17, \"Login: ?[2J required\""},
        {"a field of that name", OWN "\n{\"error\":17}", .expected = UAT, .rejected = 1,
         .says = ":2: missing-field: timestamp is missing"},
        {"a line that breaks off", "{\"user_id\":\"u\",\"timest\n" OWN "\n", .expected = UAT,
         .rejected = 1, .says = ":1: not-json: the record ends at byte"},
        {"cut off in a value", "[" OWN ",{\"user_id\":", .fails = "the file ends in the middle of"},
        {"cut off between values", "[" OWN ",", .fails = "the file ends before its array does"},
        {"no comma", "[" OWN " " OWN "]", .fails = "a comma should stand here"},
        {"no value", "[" OWN ",}]", .fails = "a value should stand here"},
        {"nobody's, but known", NOBODYS "\n", .user = "u", .expected = UAT},
        {"nobody's in an array, but known", "[" NOBODYS "]", .user = "u", .expected = UAT},
        {"nobody's", NOBODYS "\n", .fails = "say whose it is (--user)"},
        {"nobody's in an array", "[\n" NOBODYS "]", .fails = ":2: record 1: missing-field: "},
        {"nobody's among others", OWN "\n" NOBODYS "\n", .expected = UAT, .rejected = 1,
         .says = ":2: missing-field: neither a user_id nor a key"},
        {"asked for", OWN "\n" OWN2, .form = LOG_FORM_JSON, .expected = UAT UAV},
        {"asked for, a table found", OWN "\n" UROW, .form = LOG_FORM_JSON, .expected = UAT,
         .rejected = 1, .says = ":2: it looks like a row of a table, not"},
        {"asked for another", OWN "\n", .form = LOG_FORM_SPOTIFY,
         .fails = "looks like a record of the form json, not spotify"},
    };
    log_cases_run(CASES, sizeof CASES / sizeof *CASES);
}

#define META    "\"track_metadata\":{\"artist_name\":\"A\",\"track_name\":\"T\"}"
#define LISTEN  "{\"user_name\":\"u\",\"listened_at\":" S1 "," META "}"
#define UNNAMED "{\"listened_at\":" S1 ".000000,\"inserted_at\":1.5," META "}"
#define UNNAMED2                                                                                   \
    "{\"track_metadata\":{\"artist_name\":\"A\",\"track_name\":\"V\"},\"listened_at\":" S1 "}"

static void test_log_forms_listenbrainz(void **state)
{
    (void)state;
    static const struct log_case CASES[] = {
        {"lines", LISTEN "\n" LISTEN "\n", .expected = UAT UAT},
        {"an array", "[" LISTEN "]", .expected = UAT},
        {"a page",
         "{\"payload\":{\"count\":1,\"listens\":[" UNNAMED "," UNNAMED2 "],\"user_id\":\"u\"}}",
         .expected = UAT "u@1241365705000 A/V [|] 0\n"},
        {"a page a line",
         "{\"payload\":{\"user_id\":\"v\",\"listens\":[" UNNAMED "]}}\n"
         "{\"payload\":{\"user_id\":\"u\",\"listens\":[" UNNAMED "," LISTEN "]}}\n",
         .expected = "v@1241365705000 A/T [|] 0\n" UAT UAT},
        {"a page over lines",
         "{\n \"payload\": {\n  \"listens\": [\n" UNNAMED
         "\n  ],\n  \"user_id\": \"\\u0075\"\n }\n}\n",
         .expected = UAT},
        {"an empty page", "{\"payload\":{\"count\":0,\"listens\":[],\"user_id\":\"u\"}}",
         .expected = ""},
        {"a page of nobody", "{\"payload\":{\"listens\":[" UNNAMED "]}}", .fails = "--user"},
        {"a page of nobody, but known", "{\"payload\":{\"listens\":[" UNNAMED "]}}", .user = "u",
         .expected = UAT},
        {"a bad one in a page",
         "\n{\"payload\":{\"user_id\":\"u\",\"listens\":[" UNNAMED ",{\"listened_at\":\"x\"," META
         "}]}}",
         .expected = UAT, .rejected = 1,
         .says = ":2: record 2: bad-field: listened_at must be an integer"},
        {"a page that is broken", "{\"payload\":{\"user_id\":\"u\",\"listens\":[" UNNAMED " x]}}",
         .expected = UAT, .rejected = 1, .says = ":1: record 2: not-json: the page that begins"},
        {"a page without listens", "{\"payload\":{\"user_id\":\"u\"}}\n" LISTEN "\n",
         .expected = UAT, .rejected = 1, .says = ":1: record 1: not-json: "},
        {"asked for", LISTEN "\n", .form = LOG_FORM_LISTENBRAINZ, .expected = UAT},
        {"asked for, own found", LISTEN "\n" OWN "\n", .form = LOG_FORM_LISTENBRAINZ,
         .expected = UAT, .rejected = 1,
         .says = ":2: it looks like a record of the form json, not listenbrainz"},
    };
    log_cases_run(CASES, sizeof CASES / sizeof *CASES);
}

#define DATE "\"date\":{\"uts\":\"" S1 "\",\"#text\":\"03 May 2009, 15:48\"}"
#define TRACK                                                                                      \
    "{\"artist\":{\"mbid\":\"am\",\"#text\":\"A\"},\"streamable\":\"0\",\"mbid\":\"tm\","          \
    "\"album\":{\"mbid\":\"\",\"#text\":\"\"},\"name\":\"T\"," DATE "}"
#define PLAYING                                                                                    \
    "{\"artist\":{\"mbid\":\"\",\"#text\":\"A\"},\"@attr\":{\"nowplaying\":\"true\"},\"name\":"    \
    "\"Now\"}"
#define EXTENDED                                                                                   \
    "{\"artist\":{\"url\":\"\",\"mbid\":\"\",\"name\":\"A\"},\"loved\":\"0\",\"name\":\"T\"," DATE \
    "}"
#define ATTR  "\"@attr\":{\"user\":\"u\",\"page\":\"1\",\"total\":\"1\"}"
#define UAMTM "u@1241365705000 A/T [am|tm] 0\n"

static void test_log_forms_lastfm(void **state)
{
    (void)state;
    static const struct log_case CASES[] = {
        {"a page", "{\"recenttracks\":{" ATTR ",\"track\":[" TRACK "," EXTENDED "]}}",
         .expected = UAMTM UAT},
        {"its user behind its tracks", "{\"recenttracks\":{\"track\":[" TRACK "]," ATTR "}}",
         .expected = UAMTM},
        {"a track that plays", "{\"recenttracks\":{\"track\":[" PLAYING "," TRACK "]," ATTR "}}",
         .expected = UAMTM, .skipped = 1},
        {"a single track", "{\"recenttracks\":{\"track\":" TRACK "," ATTR "}}", .expected = UAMTM},
        {"a page a line",
         "{\"recenttracks\":{\"track\":[" TRACK "]," ATTR "}}\n"
         "{\"recenttracks\":{\"track\":[" EXTENDED "]," ATTR "}}\n",
         .expected = UAMTM UAT},
        {"pages in an array",
         "[{\"recenttracks\":{\"track\":[" TRACK "]," ATTR "}},\n"
         "{\"recenttracks\":{\"track\":[" EXTENDED "]," ATTR "}}]\n",
         .expected = UAMTM UAT},
        {"what is inside alone",
         "[{\"track\":[" TRACK "]," ATTR "},{" ATTR ",\"track\":[" TRACK "]}]",
         .expected = UAMTM UAMTM},
        {"tracks in an array", "[" TRACK "," PLAYING "]", .user = "u", .expected = UAMTM,
         .skipped = 1},
        {"a date that is none",
         "{\"recenttracks\":{\"track\":[" TRACK ",{\"artist\":{\"#text\":"
         "\"A\"},\"name\":\"T\",\"date\":{\"uts\":\"soon\"}}]," ATTR "}}",
         .expected = UAMTM, .rejected = 1,
         .says = ":1: record 2: bad-field: date.uts must be whole seconds"},
        {"no date, not playing",
         "{\"recenttracks\":{\"track\":[" TRACK ",{\"artist\":{\"#text\":"
         "\"A\"},\"name\":\"T\"}]," ATTR "}}",
         .expected = UAMTM, .rejected = 1, .says = "missing-field: date is missing"},
        {"a user too long for an id",
         "{\"recenttracks\":{\"track\":[" TRACK "],\"@attr\":{\"user\":\"" MB MB "\"}}}",
         .fails = "--user"},
        {"an answer that is an error", "{\"error\":6,\"message\":\"User not found\"}",
         .fails = "no scrobble in "},
        {"asked for", "{\"recenttracks\":{\"track\":[" PLAYING "," TRACK "]," ATTR "}}",
         .form = LOG_FORM_LASTFM, .expected = UAMTM, .skipped = 1},
    };
    log_cases_run(CASES, sizeof CASES / sizeof *CASES);
}

#define PLAY(ts, ms, artist, track)                                                                \
    "{\"ts\":\"" ts "\",\"username\":\"u\",\"platform\":\"x\",\"ms_played\":" ms                   \
    ",\"master_metadata_track_name\":" track ",\"master_metadata_album_artist_name\":" artist      \
    ",\"episode_name\":null,\"offline_timestamp\":0}"
#define ACCOUNT                                                                                    \
    "{\"endTime\":\"2009-05-03 "                                                                   \
    "15:48\",\"artistName\":\"A\",\"trackName\":\"T\",\"msPlayed\":60000}"

static void test_log_forms_spotify(void **state)
{
    (void)state;
    static const struct log_case CASES[] = {
        {"the end minus the length played", "[" PLAY(T1, "5000", "\"A\"", "\"T\"") "]",
         .expected = "u@1241365700000 A/T [|] 5000\n"},
        {"newest last or not",
         "[\n" PLAY(T1, "5000", "\"A\"", "\"T\"") ",\n" PLAY("2009-05-03T15:48:20Z", "1", "\"A\"",
                                                             "\"V\"") "\n]",
         .expected = "u@1241365699999 A/V [|] 1\nu@1241365700000 A/T [|] 5000\n"},
        {"episodes and plays of nothing",
         "[" PLAY(T1, "5000", "null", "null") "," PLAY(T1, "0", "\"A\"", "\"T\"") "," PLAY(
             T1, "5000", "\"A\"", "\"T\"") "]",
         .expected = "u@1241365700000 A/T [|] 5000\n", .skipped = 2},
        {"one name without the other",
         "[" PLAY(T1, "5000", "\"A\"", "\"T\"") ",\n" PLAY(T1, "5000", "null", "\"T\"") "]",
         .expected = "u@1241365700000 A/T [|] 5000\n", .rejected = 1,
         .says = ":2: record 2: missing-field: master_metadata_album_artist_name is missing"},
        {"lengths that are none",
         "[" PLAY(T1, "5000", "\"A\"", "\"T\"") "," PLAY(T1, "-1", "\"A\"", "\"T\"") "," PLAY(
             T1, "86400001", "\"A\"", "\"T\"") "," PLAY(T1, "1.5", "\"A\"",
                                                        "\"T\"") "," PLAY(T1, "\"1\"", "\"A\"",
                                                                          "\"T\"") "]",
         .expected = "u@1241365700000 A/T [|] 5000\n", .rejected = 4,
         .says = "bad-field: ms_played must be an integer"},
        {"ends that are none",
         "[" PLAY(T1, "5000", "\"A\"", "\"T\"") "," PLAY(
             "2009-05-03 15:48", "1", "\"A\"",
             "\"T\"") "," PLAY("2009-13-03T15:48:20Z", "1", "\"A\"",
                               "\"T\"") "," PLAY("1970-01-01T00:00:00Z", "1", "\"A\"", "\"T\"") "]",
         .expected = "u@1241365700000 A/T [|] 5000\n", .rejected = 3,
         .says = "record 2: bad-field: ts is not a time of the form"},
        {"lines", PLAY(T1, "5000", "\"A\"", "\"T\"") "\n",
         .expected = "u@1241365700000 A/T [|] 5000\n"},
        {"of the account data", "[" ACCOUNT "]", .user = "u",
         .expected = "u@1241365620000 A/T [|] 60000\n"},
        {"of the account data, podcasts",
         "[{\"endTime\":\"2009-05-03 15:48\",\"podcastName\":\"A\",\"episodeName\":\"T\","
         "\"msPlayed\":60000}]",
         .expected = "", .skipped = 1},
        {"of the account data, nobody's", "[" ACCOUNT "]", .fails = "--user"},
        {"of the account data, no such end",
         "[" ACCOUNT ",{\"endTime\":\"2009-05-03 24:48\",\"artistName\":\"A\",\"trackName\":\"T\","
         "\"msPlayed\":60000}]",
         .user = "u", .expected = "u@1241365620000 A/T [|] 60000\n", .rejected = 1,
         .says = "record 2: bad-field: endTime does not exist in the calendar"},
        {"a track of that name",
         "{\"user_id\":\"u\",\"timestamp\":1,\"artist\":\"A\",\"track\":"
         "\"\\\"ms_played\\\"\"}\n",
         .expected = "u@1 A/\"ms_played\" [|] 0\n"},
        {"asked for", "[" PLAY(T1, "5000", "\"A\"", "\"T\"") "," OWN "]", .form = LOG_FORM_SPOTIFY,
         .expected = "u@1241365700000 A/T [|] 5000\n", .rejected = 1,
         .says = "looks like a record of the form json, not spotify"},
    };
    log_cases_run(CASES, sizeof CASES / sizeof *CASES);
}

/* As arrived holds for lines alone. */
static void test_log_forms_order_of_arrival(void **state)
{
    (void)state;
    static const struct log_case CASES[] = {
        {"lines", OWN2 "\n" OWN "\n", .order = LOG_AS_ARRIVED, .expected = UAV UAT},
        {"an array", "[" OWN2 "," OWN "]", .order = LOG_AS_ARRIVED, .expected = UAT UAV},
        {"a page", "{\"payload\":{\"listens\":[" OWN2 "," OWN "]}}", .order = LOG_AS_ARRIVED,
         .expected = UAT UAV},
    };
    log_cases_run(CASES, sizeof CASES / sizeof *CASES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_log_forms_table_of_damaged_copies),
        cmocka_unit_test(test_log_forms_own),
        cmocka_unit_test(test_log_forms_listenbrainz),
        cmocka_unit_test(test_log_forms_lastfm),
        cmocka_unit_test(test_log_forms_spotify),
        cmocka_unit_test(test_log_forms_order_of_arrival),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
