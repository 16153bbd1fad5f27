#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <archive.h>
#include <archive_entry.h>
#include <hdf5.h>

#include "bundle/keras_import.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define INPUTS       2
#define WIDTH        1 /* of the GRU */

/* A GRU of one unit that resets after, and a dense layer: every value is its own number. */
static const char ARCHITECTURE[] =
    "{\"class_name\":\"Sequential\",\"keras_version\":\"2.21.0\",\"config\":{\"layers\":["
    "{\"class_name\":\"GRU\",\"config\":{\"name\":\"g\",\"units\":1,\"reset_after\":true,"
    "\"batch_input_shape\":[null,3,2]}},"
    "{\"class_name\":\"Dropout\",\"config\":{\"name\":\"o\",\"rate\":0.5}},"
    "{\"class_name\":\"Dense\",\"config\":{\"name\":\"d\",\"units\":2}}]}}";
static const double KERNEL[] = {1, 2, 3, 4, 5, 6}; /* (2 inputs, z r h) */
static const double RECURRENT[] = {7, 8, 9};
static const double BIAS[] = {10, 11, 12, 13, 14, 15}; /* rows of x and of h */
static const double DENSE[] = {16, 17};
static const double DENSE_BIAS[] = {18, 19};
/* The same as it stands in a network of ours: r z n, (out, in). */
static const double EXPECTED[] = {2,  5,  1,  4,  3,  6,  8,  7,  9, 11,
                                  10, 12, 14, 13, 15, 16, 17, 18, 19};

/* ---- files of Keras, made by hand ---- */

struct form {
    bool variable; /* names of variable length */
    bool split;    /* layer_names0, layer_names1 */
    bool whole;    /* under model_weights, with model_config */
    bool narrow;   /* float32 */
};

static void put_text(hid_t at, const char *name, const char *const *text, size_t count,
                     bool variable)
{
    char fixed[4][64] = {{0}};
    hsize_t shape = count;
    hid_t type = H5Tcopy(H5T_C_S1), space = H5Screate_simple(1, &shape, NULL);
    H5Tset_size(type, variable ? H5T_VARIABLE : sizeof *fixed);
    H5Tset_strpad(type, variable ? H5T_STR_NULLTERM : H5T_STR_NULLPAD);
    for (size_t i = 0; i < count; i++)
        snprintf(fixed[i], sizeof fixed[i], "%s", text[i]);
    hid_t id = H5Acreate2(at, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    assert_true(H5Awrite(id, type, variable ? (const void *)text : fixed) >= 0);
    H5Aclose(id);
    H5Sclose(space);
    H5Tclose(type);
}

/* As h5py writes an empty list: no values, of type float64. */
static void put_empty(hid_t at, const char *name)
{
    hsize_t shape = 0;
    hid_t space = H5Screate_simple(1, &shape, NULL);
    hid_t id = H5Acreate2(at, name, H5T_IEEE_F64LE, space, H5P_DEFAULT, H5P_DEFAULT);
    assert_true(id >= 0);
    H5Aclose(id);
    H5Sclose(space);
}

static void put_config(hid_t at)
{
    const char *text = ARCHITECTURE;
    hid_t type = H5Tcopy(H5T_C_S1), space = H5Screate(H5S_SCALAR);
    H5Tset_size(type, H5T_VARIABLE);
    hid_t id = H5Acreate2(at, "model_config", type, space, H5P_DEFAULT, H5P_DEFAULT);
    assert_true(H5Awrite(id, type, (const void *)&text) >= 0);
    H5Aclose(id);
    H5Sclose(space);
    H5Tclose(type);
}

/* @param second 0: a vector */
static void put_values(hid_t at, const char *path, hid_t type, hsize_t first, hsize_t second,
                       const double *values)
{
    const hsize_t shape[2] = {first, second};
    hid_t links = H5Pcreate(H5P_LINK_CREATE);
    H5Pset_create_intermediate_group(links, 1);
    hid_t space = H5Screate_simple(second ? 2 : 1, shape, NULL);
    hid_t id = H5Dcreate2(at, path, type, space, links, H5P_DEFAULT, H5P_DEFAULT);
    assert_true(H5Dwrite(id, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0);
    H5Dclose(id);
    H5Sclose(space);
    H5Pclose(links);
}

static hid_t new_file(void)
{
    hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    H5Pset_fapl_core(access, 1 << 16, 0);
    hid_t id = H5Fcreate("made-in-memory", H5F_ACC_TRUNC, H5P_DEFAULT, access);
    assert_true(id >= 0);
    H5Pclose(access);
    return id;
}

static void *image_of(hid_t file, size_t *size)
{
    H5Fflush(file, H5F_SCOPE_GLOBAL);
    ssize_t length = H5Fget_file_image(file, NULL, 0);
    assert_true(length > 0);
    void *bytes = malloc((size_t)length);
    assert_non_null(bytes);
    assert_int_equal(H5Fget_file_image(file, bytes, (size_t)length), length);
    *size = (size_t)length;
    return bytes;
}

static hid_t group(hid_t at, const char *name)
{
    hid_t id = H5Gcreate2(at, name, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    assert_true(id >= 0);
    return id;
}

/* The legacy form. Its groups and names are not those of the layers: only the lists tell. */
static hid_t legacy_file(const struct form *form)
{
    static const char *const layers[] = {"the_gru", "dropout", "the_dense"};
    static const char *const gru[] = {"z/kernel:0", "a/recurrent:0", "m/bias:0"};
    static const char *const dense[] = {"kernel", "bias"};
    hid_t type = form->narrow ? H5T_IEEE_F32LE : H5T_IEEE_F64LE, file = new_file();
    hid_t root = form->whole ? group(file, "model_weights") : H5Gopen2(file, "/", H5P_DEFAULT);
    if (form->whole)
        put_config(file);
    if (form->split) {
        put_text(root, "layer_names0", layers, 2, form->variable);
        put_text(root, "layer_names1", layers + 2, 1, form->variable);
    } else {
        put_text(root, "layer_names", layers, 3, form->variable);
    }
    hid_t of_gru = group(root, layers[0]), none = group(root, layers[1]);
    hid_t of_dense = group(root, layers[2]);
    put_text(of_gru, "weight_names", gru, 3, form->variable);
    put_empty(none, "weight_names");
    put_text(of_dense, "weight_names", dense, 2, form->variable);
    put_values(of_gru, gru[0], type, INPUTS, 3, KERNEL);
    put_values(of_gru, gru[1], type, WIDTH, 3, RECURRENT);
    put_values(of_gru, gru[2], type, 2, 3, BIAS);
    put_values(of_dense, dense[0], type, WIDTH, 2, DENSE);
    put_values(of_dense, dense[1], type, 2, 0, DENSE_BIAS);
    H5Gclose(of_gru);
    H5Gclose(none);
    H5Gclose(of_dense);
    H5Gclose(root);
    return file;
}

static hid_t newer_file(void)
{
    hid_t file = new_file();
    put_values(file, "/layers/gru/cell/vars/0", H5T_IEEE_F64LE, INPUTS, 3, KERNEL);
    put_values(file, "/layers/gru/cell/vars/1", H5T_IEEE_F64LE, WIDTH, 3, RECURRENT);
    put_values(file, "/layers/gru/cell/vars/2", H5T_IEEE_F64LE, 2, 3, BIAS);
    put_values(file, "/layers/dense/vars/0", H5T_IEEE_F64LE, WIDTH, 2, DENSE);
    put_values(file, "/layers/dense/vars/1", H5T_IEEE_F64LE, 2, 0, DENSE_BIAS);
    return file;
}

static void assert_the_network(const struct net_file *net)
{
    assert_int_equal(net_params_count(&net->spec), COUNT(EXPECTED));
    assert_memory_equal(net->params, EXPECTED, sizeof EXPECTED);
    assert_int_equal(net->spec.inputs, INPUTS);
    assert_string_equal(net->source, "Keras 2.21.0");
    assert_non_null(strstr(net->notes, "layer o (Dropout 0.5) is nothing outside training"));
}

static void test_keras_import_reads_every_form(void **state)
{
    (void)state;
    for (unsigned bits = 0; bits < 17; bits++) {
        const struct form form = {bits & 1, bits & 2, bits & 4, bits & 8};
        struct net_file net;
        struct err err = {0};
        size_t size;
        hid_t file = bits == 16 ? newer_file() : legacy_file(&form);
        void *bytes = image_of(file, &size);
        H5Fclose(file);
        if (keras_import(form.whole ? NULL : ARCHITECTURE, form.whole ? 0 : sizeof ARCHITECTURE - 1,
                         bytes, size, &net, &err))
            fail_msg("form %u: %s", bits, err.text);
        assert_the_network(&net);
        net_file_release(&net);
        free(bytes);
    }
}

/* ---- what does not fit ---- */

static void replace(hid_t file, const char *path, hid_t type, hsize_t first, hsize_t second,
                    const double *values)
{
    H5Ldelete(file, path, H5P_DEFAULT);
    if (values)
        put_values(file, path, type, first, second, values);
}

static void test_keras_import_says_which_tensor(void **state)
{
    (void)state;
    const double nan_values[] = {1, 2, (double)NAN, 4, 5, 6};
    const struct {
        bool newer;
        const char *path;
        hid_t type;
        hsize_t first, second;
        const double *values; /* NULL: the dataset is missing */
        const char *words;
    } cases[] = {
        {false, "/the_gru/z/kernel:0", H5T_IEEE_F64LE, 3, 2, KERNEL,
         "tensor /the_gru/z/kernel:0: shape (2, 3) expected, (3, 2) found"},
        {false, "/the_gru/m/bias:0", H5T_IEEE_F64LE, 3, 0, BIAS,
         "tensor /the_gru/m/bias:0: shape (2, 3) expected, (3) found"},
        {false, "/the_gru/z/kernel:0", H5T_STD_I32LE, 2, 3, KERNEL, "floating-point"},
        {false, "/the_gru/z/kernel:0", H5T_IEEE_F64LE, 2, 3, nan_values,
         "tensor /the_gru/z/kernel:0: value 2 is not a number"},
        {false, "/the_dense/kernel", H5T_IEEE_F64LE, 0, 0, NULL,
         "/the_dense/kernel: HDF5: object 'kernel' doesn't exist"},
        {true, "/layers/dense/vars/1", H5T_IEEE_F64LE, 0, 0, NULL,
         "layer d: 2 tensors expected, /layers/dense/vars/1 is missing"},
        {true, "/layers/dense/vars/2", H5T_IEEE_F64LE, 2, 0, DENSE,
         "layer d: 2 tensors expected, /layers/dense/vars/2 is there as well"},
        {true, "/layers", H5T_IEEE_F64LE, 0, 0, NULL, "no weights of Keras"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct form form = {0};
        struct net_file net;
        struct err err = {0};
        size_t size;
        hid_t file = cases[i].newer ? newer_file() : legacy_file(&form);
        H5Eset_auto2(H5E_DEFAULT, NULL, NULL); /* deleting what is not there is no failure here */
        replace(file, cases[i].path, cases[i].type, cases[i].first, cases[i].second,
                cases[i].values);
        void *bytes = image_of(file, &size);
        H5Fclose(file);
        assert_int_equal(
            keras_import(ARCHITECTURE, sizeof ARCHITECTURE - 1, bytes, size, &net, &err), -1);
        if (!strstr(err.text, cases[i].words))
            fail_msg("case %zu: \"%s\" where \"%s\" was expected", i, err.text, cases[i].words);
        free(bytes);
    }
}

static void test_keras_import_wants_as_many_layers(void **state)
{
    (void)state;
    static const char *const one[] = {"the_gru"}, *const three[] = {"the_gru", "the_gru",
                                                                    "the_gru"};
    static const struct {
        const char *const *layers;
        size_t count;
        const char *words;
    } cases[] = {
        {one, 1, "layer d: its weights are missing"},
        {three, 3, "layer d: 2 tensors expected, 3 found in /the_gru"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct form form = {0};
        struct net_file net;
        struct err err = {0};
        size_t size;
        hid_t file = legacy_file(&form);
        H5Adelete(file, "layer_names");
        put_text(file, "layer_names", cases[i].layers, cases[i].count, false);
        void *bytes = image_of(file, &size);
        H5Fclose(file);
        assert_int_equal(
            keras_import(ARCHITECTURE, sizeof ARCHITECTURE - 1, bytes, size, &net, &err), -1);
        if (!strstr(err.text, cases[i].words))
            fail_msg("case %zu: \"%s\" where \"%s\" was expected", i, err.text, cases[i].words);
        free(bytes);
    }
}

/* ---- .keras ---- */

struct member {
    const char *name;
    const void *bytes;
    size_t size;
};

static size_t zip(const struct member *member, size_t count, bool deflate, void *out, size_t room)
{
    size_t used = 0;
    struct archive *to = archive_write_new();
    archive_write_set_format_zip(to);
    assert_int_equal(deflate ? archive_write_zip_set_compression_deflate(to)
                             : archive_write_zip_set_compression_store(to),
                     ARCHIVE_OK);
    assert_int_equal(archive_write_open_memory(to, out, room, &used), ARCHIVE_OK);
    for (size_t i = 0; i < count; i++) {
        struct archive_entry *entry = archive_entry_new();
        archive_entry_set_pathname(entry, member[i].name);
        archive_entry_set_size(entry, (la_int64_t)member[i].size);
        archive_entry_set_filetype(entry, AE_IFREG);
        archive_entry_set_perm(entry, 0644);
        assert_int_equal(archive_write_header(to, entry), ARCHIVE_OK);
        assert_int_equal(archive_write_data(to, member[i].bytes, member[i].size), member[i].size);
        archive_entry_free(entry);
    }
    archive_write_close(to);
    archive_write_free(to);
    return used;
}

static void test_keras_import_reads_an_archive(void **state)
{
    (void)state;
    static const char metadata[] = "{\"keras_version\": \"3.15.1\"}";
    static unsigned char bytes[1 << 17];
    size_t size;
    hid_t file = newer_file();
    void *weights = image_of(file, &size);
    H5Fclose(file);
    const struct member member[] = {{"metadata.json", metadata, sizeof metadata - 1},
                                    {"config.json", ARCHITECTURE, sizeof ARCHITECTURE - 1},
                                    {"model.weights.h5", weights, size}};
    struct net_file net;
    struct err err = {0};
    for (int deflate = 0; deflate < 2; deflate++) {
        size_t length = zip(member, COUNT(member), deflate, bytes, sizeof bytes);
        if (keras_import(NULL, 0, bytes, length, &net, &err))
            fail_msg("%s", err.text);
        assert_the_network(&net);
        net_file_release(&net);
        assert_int_equal(keras_import("{}", 2, bytes, length, &net, &err), -1);
        assert_non_null(strstr(err.text, "has its own architecture"));
        assert_int_equal(keras_import(NULL, 0, bytes, length / 2, &net, &err), -1);
    }
    size_t length = zip(member, 2, false, bytes, sizeof bytes);
    assert_int_equal(keras_import(NULL, 0, bytes, length, &net, &err), -1);
    assert_string_equal(err.text, "the zip has no model.weights.h5");
    free(weights);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keras_import_reads_every_form),
        cmocka_unit_test(test_keras_import_says_which_tensor),
        cmocka_unit_test(test_keras_import_wants_as_many_layers),
        cmocka_unit_test(test_keras_import_reads_an_archive),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
