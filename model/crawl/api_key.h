/* api_key.h - the key of Last.fm's API: a secret. It comes from a file that nobody else can read,
 * or from a text (of the environment); no message has it. */
#ifndef OUTRO_CRAWL_API_KEY_H
#define OUTRO_CRAWL_API_KEY_H

#include "core/err.h"

/* Last.fm's have 32. Shorter ones could be words of an answer, in which the key is overwritten. */
#define API_KEY_MIN 16
#define API_KEY_MAX 128

struct api_key {
    char text[API_KEY_MAX + 1]; /* letters and digits */
};

/** @param path of a regular file of mode 600 or 400, white space around the key is left out; NULL:
 * text is taken  @param text borrowed, may be NULL
 *  @return 0, or -1: ERR_USAGE (there is no key, or the file may be read by others: the sentence
 * says what to do), ERR_INPUT (what is there is no key), ERR_IO */
int api_key_load(struct api_key *key, const char *path, const char *text,
                 struct err *err) MUST_CHECK;

/** Overwrites it. */
void api_key_forget(struct api_key *key);

#endif
