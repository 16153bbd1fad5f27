#include "cli/prepare_manifest.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bundle/files.h"
#include "cli/prepare_files.h"

static const char NAME[] = "manifest.json", PART[] = "manifest.json.part";
enum { FORMAT_VERSION = 1, SIZE_MAX_BYTES = 1 << 24 };

static bool is_stdin(const struct prepare_input *input)
{
    return strcmp(input->path, "-") == 0;
}

static const char *name_of(const struct prepare_input *input)
{
    return is_stdin(input) ? "standard input" : input->path;
}

int prepare_input_look(struct prepare_input *input, struct err *err)
{
    struct stat status;
    input->size = -1;
    if (!input->path || is_stdin(input))
        return 0;
    if (stat(input->path, &status) < 0)
        return err_errno(err, "cannot open %s", input->path);
    if (S_ISREG(status.st_mode))
        input->size = status.st_size;
    return 0;
}

int prepare_input_hash(struct prepare_input *input, struct err *err)
{
    if (!input->path || input->size < 0 || input->sha256[0])
        return 0;
    int fd = open(input->path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return err_errno(err, "cannot open %s", input->path);
    int status = sha256_hex_file(fd, input->sha256, err);
    close(fd);
    return status < 0 ? err_prefix(err, "%s", input->path) : 0;
}

static json_t *known(const char *text)
{
    return text && text[0] ? json_string(text) : json_null();
}

static json_t *inputs_json(const struct prepare_manifest *manifest)
{
    json_t *inputs = json_object();
    for (size_t i = 0; i < manifest->input_count; i++) {
        const struct prepare_input *input = &manifest->inputs[i];
        if (!input->path)
            continue;
        json_t *size = input->size < 0 ? json_null() : json_integer(input->size);
        json_object_set_new(inputs, input->role,
                            json_pack("{s:s, s:o, s:o}", "path", name_of(input), "size_bytes", size,
                                      "sha256", known(input->sha256)));
    }
    return inputs;
}

int prepare_manifest_write(const struct prepare_manifest *manifest, struct err *err)
{
    json_t *json =
        json_pack("{s:s, s:i, s:s, s:s, s:o, s:O, s:O, s:O, s:O}", "format", "outro-prepared",
                  "format_version", FORMAT_VERSION, "outro", OUTRO_VERSION, "form",
                  manifest->seed_compat ? "seed" : "tidy", "inputs", inputs_json(manifest),
                  "options", manifest->options, "counts", manifest->counts, "rejected",
                  manifest->rejected, "stages", manifest->stages);
    char *text = json ? json_dumps(json, JSON_INDENT(2) | JSON_REAL_PRECISION(17)) : NULL;
    int status = -1;
    if (!text)
        err_set(err, ERR_MEMORY, "out of memory for %s", NAME);
    else if (file_write(manifest->folder, PART, text, strlen(text), err) == 0)
        status = renameat(manifest->folder, PART, manifest->folder, NAME) == 0
                     ? 0
                     : err_errno(err, "cannot rename %s to %s", PART, NAME);
    free(text);
    json_decref(json);
    return status;
}

/* Of an input: the same file as it was, so far as can be known. */
static bool same_input(const json_t *inputs, struct prepare_input *input, struct err *err)
{
    const json_t *before = json_object_get(inputs, input->role);
    if (!input->path || !before)
        return !input->path && !before;
    const json_t *size = json_object_get(before, "size_bytes");
    const char *path = json_string_value(json_object_get(before, "path"));
    const char *sha256 = json_string_value(json_object_get(before, "sha256"));
    if (prepare_input_is_pipe(input)) /* whose bytes are not known yet */
        return path && strcmp(path, name_of(input)) == 0;
    if (json_integer_value(size) != input->size)
        return false;
    if (!sha256) /* stopped before it was known: no stage was whole then */
        return true;
    return prepare_input_hash(input, err) == 0 && strcmp(sha256, input->sha256) == 0;
}

/* Whether a manifest is of what we are asked to do; err has ERR_NONE when it just is not. */
static bool is_ours(const struct prepare_manifest *manifest, const json_t *before, struct err *err)
{
    const char *version = json_string_value(json_object_get(before, "outro"));
    const char *form = json_string_value(json_object_get(before, "form"));
    if (!version || strcmp(version, OUTRO_VERSION) != 0 || !form ||
        strcmp(form, manifest->seed_compat ? "seed" : "tidy") != 0 ||
        !json_equal(json_object_get(before, "options"), manifest->options))
        return false;
    for (size_t i = 0; i < manifest->input_count; i++)
        if (!same_input(json_object_get(before, "inputs"), &manifest->inputs[i], err))
            return false;
    return true;
}

static void replace(json_t **place, json_t *value)
{
    if (!value)
        return;
    json_decref(*place);
    *place = json_incref(value);
}

static int take_over(struct prepare_manifest *manifest, json_t *before, struct err *err)
{
    struct err reason = {0};
    if (!is_ours(manifest, before, &reason)) {
        if (reason.code != ERR_NONE) {
            *err = reason;
            return -1;
        }
        if (json_array_size(json_object_get(before, "stages")) == 0)
            return prepare_files_refuse(manifest->folder, err); /* it came to nothing */
        return err_set(err, ERR_INPUT,
                       "the folder holds what other inputs or options gave (its manifest.json says "
                       "which): give another --out, or remove it");
    }
    replace(&manifest->counts, json_object_get(before, "counts"));
    replace(&manifest->rejected, json_object_get(before, "rejected"));
    /* What came from a pipe cannot be compared. */
    for (size_t i = 0; i < manifest->input_count; i++)
        if (prepare_input_is_pipe(&manifest->inputs[i]))
            return 0;
    replace(&manifest->stages, json_object_get(before, "stages"));
    return 0;
}

int prepare_manifest_open(struct prepare_manifest *manifest, int folder, bool seed_compat,
                          json_t *options, struct prepare_input *inputs, size_t input_count,
                          struct err *err)
{
    *manifest = (struct prepare_manifest){
        .folder = folder,
        .seed_compat = seed_compat,
        .options = options,
        .inputs = inputs,
        .input_count = input_count,
        .stages = json_array(),
        .counts = json_object(),
        .rejected = json_array(),
    };
    void *bytes = NULL;
    size_t size = 0;
    if (!options || !manifest->stages || !manifest->counts || !manifest->rejected)
        return err_set(err, ERR_MEMORY, "out of memory for %s", NAME);
    /* What a kill left, also where nothing will be written any more. */
    if (unlinkat(folder, PART, 0) < 0 && errno != ENOENT)
        return err_errno(err, "cannot remove %s", PART);
    if (faccessat(folder, NAME, F_OK, 0) < 0)
        return prepare_files_refuse(folder, err);
    if (file_read(folder, NAME, SIZE_MAX_BYTES, &bytes, &size, err) < 0)
        return -1;
    json_error_t reason;
    json_t *before = json_loadb(bytes, size, 0, &reason);
    free(bytes);
    int status =
        before ? take_over(manifest, before, err)
               : err_set(err, ERR_INPUT, "%s:%d: %s: give another --out, or remove the folder",
                         NAME, reason.line, reason.text);
    json_decref(before);
    return status;
}

void prepare_manifest_clear(struct prepare_manifest *manifest)
{
    json_decref(manifest->options);
    json_decref(manifest->stages);
    json_decref(manifest->counts);
    json_decref(manifest->rejected);
    *manifest = (struct prepare_manifest){0};
}

unsigned prepare_manifest_done(const struct prepare_manifest *manifest)
{
    const struct prepare_stage *stages = prepare_stages(manifest->seed_compat);
    unsigned done = 0;
    size_t i;
    json_t *noted;
    json_array_foreach(manifest->stages, i, noted)
    {
        const char *name = json_string_value(json_object_get(noted, "name"));
        for (unsigned s = 0; name && stages[s].name; s++)
            if (strcmp(stages[s].name, name) == 0 &&
                prepare_files_are(manifest->folder, json_object_get(noted, "paths")))
                done |= 1u << s;
    }
    return done;
}

int prepare_manifest_add(struct prepare_manifest *manifest, unsigned stage, struct err *err)
{
    const struct prepare_stage *added = &prepare_stages(manifest->seed_compat)[stage];
    size_t i;
    json_t *noted, *paths = prepare_files_of(manifest->folder, added, err);
    if (!paths)
        return -1;
    json_array_foreach(manifest->stages, i, noted)
    {
        const char *name = json_string_value(json_object_get(noted, "name"));
        if (name && strcmp(name, added->name) == 0)
            json_array_remove(manifest->stages, i--);
    }
    return json_array_append_new(manifest->stages,
                                 json_pack("{s:s, s:o}", "name", added->name, "paths", paths)) < 0
               ? err_set(err, ERR_MEMORY, "out of memory for %s", NAME)
               : 0;
}

int prepare_manifest_count(struct prepare_manifest *manifest, const struct history *history,
                           const struct prepare_counts *counts, struct err *err)
{
    const struct catalog *catalog = &history->catalog;
    json_t *all = json_pack(
        "{s:I, s:I, s:I, s:I, s:I}", "rows", (json_int_t)history->rows, "rejected",
        (json_int_t)history->rejected, "users", (json_int_t)history_users(history), "tracks",
        (json_int_t)catalog->track_index.count, "artists", (json_int_t)catalog->artist_index.count);
    json_t *rows = json_array();
    for (size_t i = 0; i < history->rejected && i < HISTORY_REJECTS; i++)
        json_array_append_new(rows,
                              json_pack("{s:I, s:s}", "line", (json_int_t)history->rejects[i].line,
                                        "reason", history->rejects[i].reason.text));
    if (!all || !rows) {
        json_decref(all);
        json_decref(rows);
        return err_set(err, ERR_MEMORY, "out of memory for %s", NAME);
    }
    if (counts->users + counts->left_out > 0) /* a pass over the users was made */
        json_object_update_new(
            all, json_pack("{s:I, s:I, s:I, s:I, s:I}", "users_written", (json_int_t)counts->users,
                           "users_left_out", (json_int_t)counts->left_out, "sessions",
                           (json_int_t)counts->sessions, "scrobbles", (json_int_t)counts->scrobbles,
                           "duplicates", (json_int_t)counts->duplicates));
    json_object_update_missing_new(all, json_incref(manifest->counts));
    replace(&manifest->counts, all);
    replace(&manifest->rejected, rows);
    json_decref(all);
    json_decref(rows);
    return 0;
}
