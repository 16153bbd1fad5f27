#include "bundle/hdf5_file.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <hdf5.h>

#include "core/array.h"

#define STRING_MAX  ((size_t)1 << 20)
#define STRINGS_MAX ((size_t)64 << 20) /* bytes of a list of fixed-length strings */
#define RANK_MAX    4                  /* that is told to people */
#define SHAPE_TEXT  128
#define SIGNATURE   "\x89HDF\r\n\x1a\n"
#define ELEMENT_MAX 8 /* bytes of a double */

struct hdf5_file {
    hid_t id;
    H5E_auto2_t report; /* libhdf5's printing, as it was */
    void *report_data;
};

bool hdf5_is(const void *bytes, size_t size)
{
    size_t length = sizeof SIGNATURE - 1;
    return size >= length && memcmp(bytes, SIGNATURE, length) == 0;
}

/* ---- errors ---- */

/* The innermost reason is the first one that a walk upwards meets. */
static herr_t first_reason(unsigned n, const H5E_error2_t *reason, void *data)
{
    char *text = data;
    if (n == 0 && reason->desc)
        snprintf(text, 128, "%s", reason->desc);
    return 0;
}

static int broken(const char *path, struct err *err)
{
    char reason[128] = "cannot be read";
    H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, first_reason, reason);
    return err_set(err, ERR_INPUT, "%.200s: HDF5: %s", path, reason);
}

/* ---- opening ---- */

/* The file as an image in memory: no path is opened, and nothing is ever written. */
static hid_t open_image(const void *bytes, size_t size)
{
    hid_t access = H5Pcreate(H5P_FILE_ACCESS), id = H5I_INVALID_HID;
    union {
        const void *from;
        void *to; /* libhdf5 takes what it copies without const */
    } image = {bytes};
    if (access >= 0 && H5Pset_fapl_core(access, 1 << 20, 0) >= 0 &&
        H5Pset_file_image(access, image.to, size) >= 0)
        id = H5Fopen("weights", H5F_ACC_RDONLY, access);
    if (access >= 0)
        H5Pclose(access);
    return id;
}

struct hdf5_file *hdf5_open(const void *bytes, size_t size, struct err *err)
{
    struct hdf5_file *file = calloc(1, sizeof *file);
    if (!file) {
        err_set(err, ERR_MEMORY, "out of memory for an HDF5 file");
        return NULL;
    }
    file->id = H5I_INVALID_HID;
    if (H5open() < 0 || H5Eget_auto2(H5E_DEFAULT, &file->report, &file->report_data) < 0 ||
        H5Eset_auto2(H5E_DEFAULT, NULL, NULL) < 0) {
        err_set(err, ERR_INPUT, "libhdf5 cannot start");
        free(file);
        return NULL;
    }
    if (hdf5_is(bytes, size))
        file->id = open_image(bytes, size);
    if (file->id < 0) {
        broken("/", err);
        hdf5_close(file);
        return NULL;
    }
    return file;
}

void hdf5_close(struct hdf5_file *file)
{
    if (!file)
        return;
    if (file->id >= 0)
        H5Fclose(file->id);
    H5Eset_auto2(H5E_DEFAULT, file->report, file->report_data);
    free(file);
}

bool hdf5_has(const struct hdf5_file *file, const char *path)
{
    return H5Lexists(file->id, path, H5P_DEFAULT) > 0;
}

bool hdf5_has_attribute(const struct hdf5_file *file, const char *path, const char *name)
{
    return H5Aexists_by_name(file->id, path, name, H5P_DEFAULT) > 0;
}

/* ---- names ---- */

void hdf5_names_release(struct hdf5_names *names)
{
    for (size_t i = 0; i < names->count; i++)
        free(names->name[i]);
    free(names->name);
    *names = (struct hdf5_names){0};
}

/* @param text NULL: "", as a variable-length string that was never written is */
static int names_add(struct hdf5_names *names, const char *text, size_t size, struct err *err)
{
    char **grown = array_grow(names->name, &names->capacity, names->count + 1, sizeof *grown);
    if (grown)
        names->name = grown;
    char *copy = grown && text ? strndup(text, size) : strdup("");
    if (!grown || !copy) {
        free(copy);
        return err_set(err, ERR_MEMORY, "out of memory for names");
    }
    names->name[names->count++] = copy;
    return 0;
}

static int add_variable(hid_t attribute, hid_t type, hid_t space, size_t count,
                        struct hdf5_names *names, const char *where, struct err *err)
{
    char **text = calloc(count, sizeof *text);
    if (!text)
        return err_set(err, ERR_MEMORY, "%.200s: out of memory", where);
    int result = H5Aread(attribute, type, text) < 0 ? broken(where, err) : 0;
    for (size_t i = 0; result == 0 && i < count; i++)
        result = names_add(names, text[i], STRING_MAX, err);
    H5Dvlen_reclaim(type, space, H5P_DEFAULT, text);
    free(text);
    return result;
}

static int add_fixed(hid_t attribute, hid_t type, size_t count, struct hdf5_names *names,
                     const char *where, struct err *err)
{
    size_t size = H5Tget_size(type);
    if (size == 0 || size > STRING_MAX || size * count > STRINGS_MAX)
        return err_set(err, ERR_INPUT, "%.200s: strings of %zu bytes", where, size);
    char *text = malloc(size * count);
    if (!text)
        return err_set(err, ERR_MEMORY, "%.200s: out of memory", where);
    int result = H5Aread(attribute, type, text) < 0 ? broken(where, err) : 0;
    for (size_t i = 0; result == 0 && i < count; i++)
        result = names_add(names, text + i * size, size, err);
    free(text);
    return result;
}

static int add_all(hid_t attribute, hid_t type, hid_t space, struct hdf5_names *names,
                   const char *where, struct err *err)
{
    hssize_t count = H5Sget_simple_extent_npoints(space);
    if (count < 0 || count > HDF5_NAMES_MAX)
        return err_set(err, ERR_INPUT, "%.200s: a list of %lld names", where, (long long)count);
    if (count == 0)
        return 0; /* h5py gives an empty list the type float64 */
    if (H5Tget_class(type) != H5T_STRING)
        return err_set(err, ERR_INPUT, "%.200s: not strings", where);
    if (H5Tis_variable_str(type) > 0)
        return add_variable(attribute, type, space, (size_t)count, names, where, err);
    return add_fixed(attribute, type, (size_t)count, names, where, err);
}

int hdf5_names_read(const struct hdf5_file *file, const char *path, const char *attribute,
                    struct hdf5_names *names, struct err *err)
{
    char where[256];
    snprintf(where, sizeof where, "%.160s, attribute %.60s", path, attribute);
    hid_t id = H5Aopen_by_name(file->id, path, attribute, H5P_DEFAULT, H5P_DEFAULT);
    hid_t type = id >= 0 ? H5Aget_type(id) : H5I_INVALID_HID;
    hid_t space = id >= 0 ? H5Aget_space(id) : H5I_INVALID_HID;
    int result =
        type < 0 || space < 0 ? broken(where, err) : add_all(id, type, space, names, where, err);
    if (space >= 0)
        H5Sclose(space);
    if (type >= 0)
        H5Tclose(type);
    if (id >= 0)
        H5Aclose(id);
    return result;
}

/* ---- datasets ---- */

static void shape_text(int rank, const hsize_t *shape, char out[SHAPE_TEXT])
{
    size_t used = (size_t)snprintf(out, SHAPE_TEXT, "(");
    for (int i = 0; i < rank && i < RANK_MAX; i++)
        used += (size_t)snprintf(out + used, SHAPE_TEXT - used, "%s%llu", i ? ", " : "",
                                 (unsigned long long)shape[i]);
    snprintf(out + used, SHAPE_TEXT - used, rank > RANK_MAX ? ", ...)" : ")");
}

static int check_shape(hid_t space, const char *path, int rank, const size_t *shape,
                       struct err *err)
{
    hsize_t found[H5S_MAX_RANK] = {0}, expected[RANK_MAX] = {0};
    char expected_text[SHAPE_TEXT], found_text[SHAPE_TEXT];
    int found_rank = H5Sget_simple_extent_dims(space, found, NULL);
    bool same = found_rank == rank;
    for (int i = 0; i < rank; i++) {
        expected[i] = shape[i];
        same = same && found[i] == shape[i];
    }
    if (same)
        return 0;
    if (found_rank < 0)
        return broken(path, err);
    shape_text(rank, expected, expected_text);
    shape_text(found_rank, found, found_text);
    return err_set(err, ERR_SHAPE, "tensor %.160s: shape %s expected, %s found", path,
                   expected_text, found_text);
}

/* Only numbers that lie in this file: not in another one that it names. */
static int check_storage(hid_t data, hid_t type, const char *path, struct err *err)
{
    hid_t plist = H5Dget_create_plist(data);
    bool here =
        plist >= 0 && H5Pget_layout(plist) != H5D_VIRTUAL && H5Pget_external_count(plist) == 0;
    if (plist >= 0)
        H5Pclose(plist);
    if (!here)
        return err_set(err, ERR_INPUT, "tensor %.160s: its values are in another file", path);
    if (H5Tget_class(type) != H5T_FLOAT || H5Tget_size(type) > ELEMENT_MAX)
        return err_set(err, ERR_SHAPE, "tensor %.160s: floating-point numbers expected", path);
    return 0;
}

static int read_values(hid_t data, const char *path, size_t count, double *out, struct err *err)
{
    if (H5Dread(data, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, out) < 0)
        return broken(path, err);
    for (size_t i = 0; i < count; i++) {
        if (!isfinite(out[i]))
            return err_set(err, ERR_CHECK, "tensor %.160s: value %zu is %s", path, i,
                           isnan(out[i]) ? "not a number" : "infinite");
    }
    return 0;
}

int hdf5_rows(const struct hdf5_file *file, const char *path, size_t *rows, struct err *err)
{
    hsize_t shape[H5S_MAX_RANK] = {0};
    hid_t data = H5Dopen2(file->id, path, H5P_DEFAULT);
    hid_t space = data >= 0 ? H5Dget_space(data) : H5I_INVALID_HID;
    int result = 0, rank = space >= 0 ? H5Sget_simple_extent_dims(space, shape, NULL) : -1;
    if (rank < 0)
        result = broken(path, err);
    else if (rank != 2)
        result = err_set(err, ERR_SHAPE, "tensor %.160s: a matrix expected, %d dimensions found",
                         path, rank);
    *rows = (size_t)shape[0];
    if (space >= 0)
        H5Sclose(space);
    if (data >= 0)
        H5Dclose(data);
    return result;
}

int hdf5_read(const struct hdf5_file *file, const char *path, int rank, const size_t *shape,
              double *out, struct err *err)
{
    size_t count = 1;
    hid_t type = H5I_INVALID_HID, space = H5I_INVALID_HID;
    hid_t data = H5Dopen2(file->id, path, H5P_DEFAULT);
    int result = -1;
    if (data >= 0) {
        type = H5Dget_type(data);
        space = H5Dget_space(data);
    }
    if (type < 0 || space < 0) {
        broken(path, err);
        goto out;
    }
    if (check_shape(space, path, rank, shape, err) || check_storage(data, type, path, err))
        goto out;
    for (int i = 0; i < rank; i++)
        count *= shape[i];
    result = read_values(data, path, count, out, err);
out:
    if (space >= 0)
        H5Sclose(space);
    if (type >= 0)
        H5Tclose(type);
    if (data >= 0)
        H5Dclose(data);
    return result;
}
