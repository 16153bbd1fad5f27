#include "crawl/fetcher.h"

#include <assert.h>
#include <curl/curl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_BODY_BYTES = 16 * 1024 };

/* One request at a time; kept for the next one, with its connection. */
struct transfer {
    CURL *easy;
    uint32_t slot;
    bool busy, too_large;
    char *body; /* (capacity) */
    size_t size, capacity;
};

struct fetcher {
    struct fetcher_options options;
    CURLM *multi;
    struct transfer *transfers; /* (parallel) */
    unsigned in_flight;
    bool started; /* libcurl was */
};

static size_t take_body(char *data, size_t one, size_t size, void *ctx)
{
    struct transfer *transfer = ctx;
    (void)one;
    if (size > ANSWER_MAX_BYTES - transfer->size) {
        transfer->too_large = true;
        return 0; /* ends the request */
    }
    if (transfer->size + size > transfer->capacity) {
        size_t capacity = transfer->capacity ? transfer->capacity : FIRST_BODY_BYTES;
        while (capacity < transfer->size + size)
            capacity *= 2;
        char *body = realloc(transfer->body, capacity);
        if (!body)
            return 0;
        transfer->body = body;
        transfer->capacity = capacity;
    }
    memcpy(transfer->body + transfer->size, data, size);
    transfer->size += size;
    return size;
}

static CURLcode set_up(const struct fetcher *fetcher, struct transfer *transfer)
{
    CURL *easy = transfer->easy;
    const struct fetcher_options *options = &fetcher->options;
    CURLcode bad = curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
    bad = bad ? bad : curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
    bad = bad ? bad : curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer);
    bad = bad ? bad : curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)options->timeout_ms);
    bad = bad ? bad : curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)options->timeout_ms);
    bad = bad ? bad : curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    bad = bad ? bad : curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    bad = bad ? bad : curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    bad = bad ? bad : curl_easy_setopt(easy, CURLOPT_USERAGENT, "outro/" OUTRO_VERSION);
    return bad ? bad : curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "");
}

struct fetcher *fetcher_new(const struct fetcher_options *options, struct err *err)
{
    struct fetcher *fetcher = calloc(1, sizeof *fetcher);
    if (!fetcher) {
        err_set(err, ERR_MEMORY, "out of memory for requests");
        return NULL;
    }
    fetcher->options = *options;
    fetcher->transfers = calloc(options->parallel, sizeof *fetcher->transfers);
    fetcher->started = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
    fetcher->multi = fetcher->started ? curl_multi_init() : NULL;
    if (!fetcher->transfers || !fetcher->multi) {
        err_set(err, ERR_MEMORY, "out of memory for requests");
        goto bad;
    }
    for (unsigned i = 0; i < options->parallel; i++) {
        struct transfer *transfer = &fetcher->transfers[i];
        transfer->easy = curl_easy_init();
        CURLcode code = transfer->easy ? set_up(fetcher, transfer) : CURLE_OUT_OF_MEMORY;
        if (code != CURLE_OK) {
            err_set(err, ERR_IO, "libcurl cannot be set up: %s", curl_easy_strerror(code));
            goto bad;
        }
    }
    return fetcher;
bad:
    fetcher_free(fetcher);
    return NULL;
}

void fetcher_free(struct fetcher *fetcher)
{
    if (!fetcher)
        return;
    for (unsigned i = 0; fetcher->transfers && i < fetcher->options.parallel; i++) {
        struct transfer *transfer = &fetcher->transfers[i];
        if (transfer->busy)
            curl_multi_remove_handle(fetcher->multi, transfer->easy);
        curl_easy_cleanup(transfer->easy);
        free(transfer->body);
    }
    curl_multi_cleanup(fetcher->multi);
    if (fetcher->started)
        curl_global_cleanup();
    free(fetcher->transfers);
    free(fetcher);
}

/* @return 0, or -1 without memory */
static int set_url(const struct fetcher *fetcher, CURL *easy, struct track_name name)
{
    static const char FORM[] = "%s?method=track.getInfo&format=json&autocorrect=1&artist=%s"
                               "&track=%s&api_key=%s";
    char *artist = curl_easy_escape(easy, name.artist.data, (int)name.artist.size);
    char *track = curl_easy_escape(easy, name.track.data, (int)name.track.size);
    char *url = NULL;
    if (!artist || !track ||
        asprintf(&url, FORM, fetcher->options.base_url, artist, track, fetcher->options.key) < 0)
        url = NULL;
    CURLcode code = url ? curl_easy_setopt(easy, CURLOPT_URL, url) : CURLE_OUT_OF_MEMORY;
    if (url)
        explicit_bzero(url, strlen(url));
    free(url);
    curl_free(track);
    curl_free(artist);
    return code == CURLE_OK ? 0 : -1;
}

int fetcher_start(struct fetcher *fetcher, uint32_t slot, struct track_name name, struct err *err)
{
    struct transfer *transfer = fetcher->transfers;
    assert(fetcher->in_flight < fetcher->options.parallel);
    assert(name.artist.size <= INT_MAX && name.track.size <= INT_MAX);
    while (transfer->busy)
        transfer++;
    transfer->slot = slot;
    transfer->size = 0;
    transfer->too_large = false;
    if (set_url(fetcher, transfer->easy, name) < 0 ||
        curl_multi_add_handle(fetcher->multi, transfer->easy) != CURLM_OK)
        return err_set(err, ERR_MEMORY, "out of memory for a request");
    transfer->busy = true;
    fetcher->in_flight++;
    return 0;
}

unsigned fetcher_in_flight(const struct fetcher *fetcher)
{
    return fetcher->in_flight;
}

static int failed(CURLMcode code, struct err *err)
{
    return err_set(err, ERR_IO, "libcurl: %s", curl_multi_strerror(code));
}

int fetcher_wait(struct fetcher *fetcher, int64_t wait_ms, struct err *err)
{
    struct curl_waitfd wake = {.fd = fetcher->options.wake_fd, .events = CURL_WAIT_POLLIN};
    int running;
    CURLMcode code = curl_multi_perform(fetcher->multi, &running);
    if (code == CURLM_OK && (unsigned)running == fetcher->in_flight)
        code = curl_multi_poll(fetcher->multi, &wake, wake.fd >= 0, (int)wait_ms, NULL);
    if (code == CURLM_OK)
        code = curl_multi_perform(fetcher->multi, &running);
    return code == CURLM_OK ? 0 : failed(code, err);
}

/* Answers repeat what was asked (an error page with the URL in it): not with the key. */
static void hide_key(struct transfer *transfer, const char *key)
{
    size_t size = strlen(key);
    char *at = transfer->body;
    if (transfer->size == 0)
        return;
    while ((at = memmem(at, (size_t)(transfer->body + transfer->size - at), key, size)))
        memset(at, 'x', size);
}

static const char *network_words(const struct transfer *transfer, CURLcode code)
{
    if (code == CURLE_OK)
        return NULL;
    if (transfer->too_large)
        return "the answer is larger than any of track.getInfo";
    switch (code) { /* what breaks off shows as one or the other, by chance: one reason for all */
    case CURLE_OPERATION_TIMEDOUT:
        return "no answer in time";
    case CURLE_GOT_NOTHING:
    case CURLE_PARTIAL_FILE:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
        return "the connection broke off";
    default:
        return curl_easy_strerror(code); /* never has the URL */
    }
}

/* What no second try can change. */
static bool is_lasting(CURLcode code)
{
    return code == CURLE_UNSUPPORTED_PROTOCOL || code == CURLE_URL_MALFORMAT ||
           code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE;
}

bool fetcher_take(struct fetcher *fetcher, uint32_t *slot, struct reply *reply)
{
    int left;
    const CURLMsg *message;
    do
        message = curl_multi_info_read(fetcher->multi, &left);
    while (message && message->msg != CURLMSG_DONE);
    if (!message)
        return false;
    CURL *easy = message->easy_handle;
    CURLcode code = message->data.result;
    struct transfer *transfer = NULL;
    curl_off_t retry_after = 0;
    *reply = (struct reply){0};
    curl_easy_getinfo(easy, CURLINFO_PRIVATE, &transfer);
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &reply->status);
    curl_easy_getinfo(easy, CURLINFO_RETRY_AFTER, &retry_after);
    curl_multi_remove_handle(fetcher->multi, easy);
    transfer->busy = false;
    fetcher->in_flight--;
    hide_key(transfer, fetcher->options.key);
    *slot = transfer->slot;
    reply->network = network_words(transfer, code);
    reply->lasting = is_lasting(code);
    reply->retry_after_s = retry_after > 0 ? retry_after : 0;
    reply->body = (struct slice){transfer->size ? transfer->body : "", transfer->size};
    return true;
}
