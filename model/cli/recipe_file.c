#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/recipe.h"

#define FILE_MAX (1 << 20) /* bytes */

static char *trim(char *text)
{
    while (isspace((unsigned char)*text))
        text++;
    for (size_t n = strlen(text); n > 0 && isspace((unsigned char)text[n - 1]); n--)
        text[n - 1] = '\0';
    return text;
}

/* @param seen bit i: key i was set on an earlier line; a file that says two things says nothing */
static int set_once(struct recipe *recipe, uint64_t *seen, const char *name, const char *value,
                    struct err *err)
{
    size_t count;
    const struct recipe_key *keys = recipe_keys(&count);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(keys[i].name, name) != 0)
            continue;
        if (*seen & UINT64_C(1) << i)
            return err_set(err, ERR_USAGE, "%s is already set on an earlier line", name);
        *seen |= UINT64_C(1) << i;
    }
    return recipe_set(recipe, name, value, err);
}

static int parse_line(struct recipe *recipe, uint64_t *seen, char *line, struct err *err)
{
    line[strcspn(line, "#")] = '\0'; /* no value has one */
    line = trim(line);
    if (*line == '\0')
        return 0;
    char *equals = strchr(line, '=');
    if (!equals)
        return err_set(err, ERR_USAGE, "\"%.80s\" is not of the form key = value", line);
    *equals = '\0';
    return set_once(recipe, seen, trim(line), trim(equals + 1), err);
}

int recipe_parse(struct recipe *recipe, const char *text, const char *name, struct err *err)
{
    uint64_t seen = 0;
    char *copy = strdup(text), *rest = copy, *line;
    if (!copy)
        return err_set(err, ERR_MEMORY, "%s: out of memory", name);
    int result = 0;
    for (size_t number = 1; result == 0 && (line = strsep(&rest, "\n")); number++)
        if (parse_line(recipe, &seen, line, err) != 0)
            result = err_prefix(err, "%s:%zu", name, number);
    free(copy);
    return result;
}

int recipe_load(struct recipe *recipe, const char *path, struct err *err)
{
    FILE *file = fopen(path, "re");
    char *text = calloc(1, FILE_MAX + 1);
    int result = -1;
    if (!file) {
        bool missing = errno == ENOENT;
        err_errno(err, "%s", path);
        if (err && missing)
            err->code = ERR_USAGE;
        goto out;
    }
    if (!text) {
        err_set(err, ERR_MEMORY, "%s: out of memory", path);
        goto out;
    }
    size_t size = fread(text, 1, FILE_MAX + 1, file);
    if (ferror(file))
        err_errno(err, "%s", path);
    else if (size > FILE_MAX || memchr(text, '\0', size))
        err_set(err, ERR_USAGE, "%s: is no recipe: too large, or not text", path);
    else
        result = recipe_parse(recipe, text, path, err);
out:
    if (file)
        fclose(file);
    free(text);
    return result;
}

char *recipe_text(const struct recipe *recipe, struct err *err)
{
    char *text = NULL, value[RECIPE_VALUE_MAX];
    size_t size, count;
    const struct recipe_key *keys = recipe_keys(&count);
    FILE *out = open_memstream(&text, &size);
    for (size_t i = 0; out && i < count; i++) {
        recipe_value(&keys[i], recipe, value);
        fprintf(out, "%s = %s\n", keys[i].name, value);
    }
    if (out && fclose(out) == 0)
        return text;
    free(text);
    err_set(err, ERR_MEMORY, "out of memory for a recipe");
    return NULL;
}
