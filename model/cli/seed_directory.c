#include "cli/seed_directory.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bundle/cluster_file.h"
#include "core/array.h"
#include "data/line_reader.h"

#define SUFFIX      ".csv"
#define CLUSTER_MAX 10000

int seed_names_add(struct seed_names *names, const char *id, uint32_t number, struct err *err)
{
    void *grown = array_grow(names->user, &names->capacity, names->users + 1, sizeof *names->user);
    if (!grown)
        return err_set(err, ERR_MEMORY, "out of memory for %zu users", names->users + 1);
    names->user = grown;
    struct seed_user_name *user = &names->user[names->users++];
    *user = (struct seed_user_name){.number = number};
    snprintf(user->id, sizeof user->id, "%s", id);
    return 0;
}

void seed_names_release(struct seed_names *names)
{
    free(names->user);
    *names = (struct seed_names){0};
}

/* ---- a directory ---- */

static int is_summary(const struct dirent *entry)
{
    size_t length = strlen(entry->d_name);
    return length > strlen(SUFFIX) && length <= USER_ID_MAX + strlen(SUFFIX) &&
           strcmp(entry->d_name + length - strlen(SUFFIX), SUFFIX) == 0;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

/* @param names NULL: they are known already */
static int read_user(const char *folder, const char *file, struct seed_rows *rows,
                     struct seed_names *names, struct err *err)
{
    char path[PATH_MAX], id[USER_ID_MAX + 1];
    size_t before = rows->count;
    if (snprintf(path, sizeof path, "%s/%s", folder, file) >= (int)sizeof path)
        return err_set(err, ERR_IO, "%.80s...: the name is too long", folder);
    if (seed_rows_read(rows, path, err))
        return -1;
    if (!names || rows->count == before)
        return 0;
    snprintf(id, sizeof id, "%.*s", (int)(strlen(file) - strlen(SUFFIX)), file);
    return seed_names_add(names, id, seed_user(&rows->row[before]), err);
}

/* @return -1, with err */
static int no_training_set(const char *path, struct err *err)
{
    if (access(path, F_OK) < 0)
        return err_errno(err, "%s", path);
    return err_set(err, ERR_INPUT,
                   "%s: no folder of `outro prepare --seed-compat`: it has no summary/train", path);
}

/* @param needed an error when it is not there */
static int read_set(const char *path, const char *set, bool needed, struct seed_rows *rows,
                    struct seed_names *names, struct err *err)
{
    char folder[PATH_MAX];
    struct dirent **entry = NULL;
    if (snprintf(folder, sizeof folder, "%s/summary/%s", path, set) >= (int)sizeof folder)
        return err_set(err, ERR_IO, "%.80s...: the name is too long", path);
    int count = scandir(folder, &entry, is_summary, by_name);
    if (count < 0 && needed && (errno == ENOENT || errno == ENOTDIR))
        return no_training_set(path, err);
    if (count < 0)
        return needed || errno != ENOENT ? err_errno(err, "%s", folder) : 0;
    int result = 0;
    for (int i = 0; i < count; i++) {
        if (result == 0)
            result = read_user(folder, entry[i]->d_name, rows, names, err);
        free(entry[i]);
    }
    free((void *)entry);
    if (result == 0 && needed && rows->count == 0)
        return err_set(err, ERR_INPUT,
                       "%s: no summary file (USER.csv) with a session; `outro prepare "
                       "--seed-compat` makes them",
                       folder);
    return result;
}

int seed_directory_read(const char *path, struct seed_data *data, struct seed_names *names,
                        struct err *err)
{
    *data = (struct seed_data){0};
    *names = (struct seed_names){0};
    return read_set(path, "train", true, &data->train, names, err) ||
                   read_set(path, "test", false, &data->test, NULL, err) ||
                   read_set(path, "validate", false, &data->validate, NULL, err)
               ? -1
               : 0;
}

/* ---- clusters ---- */

static int by_id(const void *a, const void *b)
{
    return strcmp(((const struct seed_user_name *)a)->id, ((const struct seed_user_name *)b)->id);
}

/* @return 0, or -1 when it is no number of a cluster */
static int cluster_number(struct slice text, uint32_t *out)
{
    char copy[16], *end;
    if (text.size == 0 || text.size >= sizeof copy || text.data[0] < '0' || text.data[0] > '9')
        return -1;
    memcpy(copy, text.data, text.size);
    copy[text.size] = '\0';
    unsigned long number = strtoul(copy, &end, 10);
    *out = (uint32_t)number;
    return *end || number > CLUSTER_MAX ? -1 : 0;
}

/* @param names sorted */
static int read_member(const struct line *line, const char *path, const struct seed_names *names,
                       struct seed_members *members, struct err *err)
{
    struct slice field[2];
    struct seed_member member;
    struct seed_user_name key = {.id = ""};
    if (line->too_long || line_split(line->text, field, 2) != 2)
        return err_set(err, ERR_INPUT, "%s:%llu: expected a user, a tab and a cluster", path,
                       (unsigned long long)line->number);
    if (cluster_number(field[1], &member.cluster))
        return line->number == 1
                   ? 0
                   : err_set(err, ERR_INPUT, "%s:%llu: \"%.*s\" is not the number of a cluster",
                             path, (unsigned long long)line->number, line_printable(field[1]),
                             field[1].data);
    if (field[0].size > USER_ID_MAX)
        return 0;
    memcpy(key.id, field[0].data, field[0].size);
    const struct seed_user_name *user = bsearch(&key, names->user, names->users, sizeof key, by_id);
    if (!user)
        return 0;
    member.user = user->number;
    return seed_members_add(members, member, err);
}

static int read_lines(const char *path, const struct seed_names *names,
                      struct seed_members *members, struct err *err)
{
    struct line line;
    int more;
    struct line_reader *reader = line_reader_open(path, err);
    if (!reader)
        return -1;
    while ((more = line_reader_next(reader, &line, err)) > 0)
        if (read_member(&line, path, names, members, err)) {
            more = -1;
            break;
        }
    line_reader_free(reader);
    return more;
}

static int read_clustering(const char *path, const struct seed_names *names,
                           struct seed_members *members, struct err *err)
{
    struct clustering clustering;
    if (cluster_file_load(path, &clustering, err))
        return -1;
    int result = 0;
    members->clusters = clustering.k;
    for (size_t u = 0; result == 0 && u < names->users; u++) {
        const struct slice id = {names->user[u].id, strlen(names->user[u].id)};
        int label = clustering_member(&clustering, id);
        const struct seed_member member = {names->user[u].number, (uint32_t)label};
        result = label >= 0 ? seed_members_add(members, member, err) : 0;
    }
    clustering_release(&clustering);
    return result;
}

/* The file of `outro cluster` is a JSON object, a table is not. */
static bool is_clustering(const char *path)
{
    FILE *file = fopen(path, "re");
    int first = file ? fgetc(file) : EOF;
    if (file)
        fclose(file);
    return first == '{';
}

int seed_clusters_read(const char *path, const struct seed_names *names,
                       struct seed_members *members, struct err *err)
{
    *members = (struct seed_members){0};
    struct seed_names sorted = {.users = names->users};
    sorted.user = malloc((names->users + 1) * sizeof *sorted.user);
    if (!sorted.user)
        return err_set(err, ERR_MEMORY, "out of memory for %zu users", names->users);
    memcpy(sorted.user, names->user, names->users * sizeof *sorted.user);
    qsort(sorted.user, sorted.users, sizeof *sorted.user, by_id);
    int result = is_clustering(path) ? read_clustering(path, &sorted, members, err)
                                     : read_lines(path, &sorted, members, err);
    if (result == 0 && members->count == 0)
        result = err_set(err, ERR_INPUT, "%s: none of its users is among those of the log", path);
    if (result == 0 && seed_members_sort(members, err))
        result = err_prefix(err, "%s", path);
    free(sorted.user);
    return result;
}
