#include <stdlib.h>
#include <string.h>

#include "core/array.h"
#include "prepare/vocabulary.h"

static struct country *find(const struct countries *countries, struct slice word)
{
    for (size_t i = 0; i < countries->count; i++) {
        struct country *country = &countries->all[i];
        if (strlen(country->word) == word.size && memcmp(country->word, word.data, word.size) == 0)
            return country;
    }
    return NULL;
}

static int count(struct countries *countries, struct slice word, struct err *err)
{
    struct country *country = find(countries, word);
    if (country) {
        country->count++;
        return 0;
    }
    struct country *all =
        array_grow(countries->all, &countries->capacity, countries->count + 1, sizeof *all);
    char *copy = all ? strndup(word.data, word.size) : NULL;
    if (all)
        countries->all = all;
    if (!copy)
        return err_set(err, ERR_MEMORY, "out of memory for %zu countries", countries->count + 1);
    all[countries->count++] = (struct country){copy, 1};
    return 0;
}

/* Insertion: they are few, and equal ones keep their order. */
static void most_common_first(struct countries *countries)
{
    for (size_t i = 1; i < countries->count; i++) {
        struct country country = countries->all[i];
        size_t at = i;
        for (; at > 0 && countries->all[at - 1].count < country.count; at--)
            countries->all[at] = countries->all[at - 1];
        countries->all[at] = country;
    }
}

int countries_make(struct countries *countries, const struct profiles *profiles, struct err *err)
{
    struct word_buffer buffer = {0};
    int status = 0;
    *countries = (struct countries){0};
    for (size_t i = 0; i < profiles_count(profiles) && status == 0; i++) {
        const char *name = profiles_at(profiles, i)->country;
        struct slice word;
        status = word_of((struct slice){name, strlen(name)}, &buffer, &word, err);
        if (status == 0 && word.size > 0)
            status = count(countries, word, err);
    }
    free(buffer.data);
    if (status < 0) {
        countries_clear(countries);
        return -1;
    }
    most_common_first(countries);
    return 0;
}

void countries_clear(struct countries *countries)
{
    for (size_t i = 0; i < countries->count; i++)
        free(countries->all[i].word);
    free(countries->all);
    *countries = (struct countries){0};
}

int countries_find(const struct countries *countries, const char *country, uint32_t *id,
                   struct err *err)
{
    struct word_buffer buffer = {0};
    struct slice word;
    *id = VOCABULARY_UNKNOWN;
    int status = word_of((struct slice){country, strlen(country)}, &buffer, &word, err);
    const struct country *found = status == 0 && word.size > 0 ? find(countries, word) : NULL;
    if (found)
        *id = VOCABULARY_FIRST + (uint32_t)(found - countries->all);
    free(buffer.data);
    return status;
}
