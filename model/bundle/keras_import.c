#include "bundle/keras_import.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "bundle/hdf5_file.h"
#include "bundle/keras_archive.h"
#include "bundle/keras_model.h"
#include "bundle/keras_weights.h"

struct text {
    const void *bytes;
    size_t size;
};

/* An attribute that is one string; *out stays NULL when the file has none. */
static int read_text(const struct hdf5_file *file, const char *name, char **out, struct err *err)
{
    struct hdf5_names names = {0};
    if (!hdf5_has_attribute(file, "/", name))
        return 0;
    int result = hdf5_names_read(file, "/", name, &names, err);
    if (result == 0 && names.count == 1) {
        *out = names.name[0];
        names.count = 0;
    }
    hdf5_names_release(&names);
    return result;
}

/* @param architecture bytes NULL: the file's own model_config  @param version NULL: the file's */
static int from_hdf5(struct text architecture, const char *version, struct text weights,
                     struct net_file *out, struct err *err)
{
    struct keras_model model;
    char *own = NULL, *own_version = NULL;
    int result = -1;
    struct hdf5_file *file = hdf5_open(weights.bytes, weights.size, err);
    if (!file)
        return -1;
    if (read_text(file, "keras_version", &own_version, err))
        goto out;
    if (!architecture.bytes) {
        if (read_text(file, "model_config", &own, err))
            goto out;
        if (!own) {
            err_set(err, ERR_INPUT,
                    "weights without a model_config; give the architecture (to_json) before them");
            goto out;
        }
        architecture = (struct text){own, strlen(own)};
    }
    if (keras_model_parse(architecture.bytes, architecture.size, version ? version : own_version,
                          &model, out, err) == 0)
        result = keras_weights_read(file, &model, out, err);
out:
    free(own);
    free(own_version);
    hdf5_close(file);
    return result;
}

static int from_archive(struct text file, struct net_file *out, struct err *err)
{
    struct keras_archive archive;
    if (keras_archive_read(file.bytes, file.size, &archive, err))
        return -1;
    int result = from_hdf5((struct text){archive.config, archive.config_size}, archive.version,
                           (struct text){archive.weights, archive.weights_size}, out, err);
    keras_archive_release(&archive);
    return result;
}

int keras_import(const void *architecture, size_t architecture_size, const void *weights,
                 size_t weights_size, struct net_file *out, struct err *err)
{
    const struct text json = {architecture, architecture_size}, file = {weights, weights_size};
    struct net_file net = {0};
    int result;
    if (keras_archive_is(weights, weights_size) && architecture)
        return err_set(err, ERR_INPUT, "a .keras file has its own architecture; give it alone");
    if (keras_archive_is(weights, weights_size))
        result = from_archive(file, &net, err);
    else if (hdf5_is(weights, weights_size))
        result = from_hdf5(json, NULL, file, &net, err);
    else
        result = err_set(err, ERR_INPUT, "the weights are neither HDF5 nor a .keras file");
    if (result)
        net_file_release(&net);
    else
        *out = net;
    return result;
}
