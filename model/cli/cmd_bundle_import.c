/* outro bundle import: a network that Keras or PyTorch wrote, as a directory of ours or as a bundle
 * that can be served. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bundle/bundle.h"
#include "bundle/files.h"
#include "bundle/keras_import.h"
#include "bundle/net_directory.h"
#include "bundle/torch_names.h"
#include "cli/cmd_bundle_network.h"
#include "cli/created.h"
#include "cli/isolated.h"
#include "cli/options.h"
#include "cli/progress.h"

#define FILE_MAX      ((size_t)1 << 30) /* bytes */
#define KERAS_SECONDS 20                /* of processor time that its file may take */

struct import {
    bool keras;
    const char *torch, *out, *like, *head, *prefix;
    const char *architecture, *weights; /* of Keras; architecture NULL: a whole model */
};

struct text {
    void *bytes;
    size_t size;
};

void show_network(const struct net_file *net)
{
    const struct net_spec *spec = &net->spec;
    struct net_tensor tensor[NET_TENSORS_MAX];
    char lines[2][NET_TEXT_MAX], number[32];
    net_spec_print(spec, lines[0], lines[1]);
    printf("from         %s\n", *net->source ? net->source : "not said");
    printf("net          %s\nhead         %s\n", lines[0], lines[1]);
    printf("inputs       %u a step, %u beside the last state\n", spec->inputs, spec->features);
    printf("parameters   %s in %zu tensors\n", progress_number(net_params_count(spec), number),
           net_tensors(spec, tensor));
    if (net->masked)
        printf("masked       steps whose inputs all equal %.17g\n", net->mask_value);
    fputs(net->notes, stdout);
}

struct keras_files {
    struct text json, weights;
};

/* In the child: the notes, then the network as a file of ours. */
static int import_keras(void *context, unsigned char **bytes, size_t *size, struct err *err)
{
    const struct keras_files *files = context;
    struct net_file net;
    unsigned char *file = NULL;
    if (keras_import(files->json.bytes, files->json.size, files->weights.bytes, files->weights.size,
                     &net, err))
        return -1;
    int result = net_file_encode(&net, &file, size, err);
    *bytes = result == 0 ? malloc(sizeof net.notes + *size) : NULL;
    if (*bytes) {
        memcpy(*bytes, net.notes, sizeof net.notes);
        memcpy(*bytes + sizeof net.notes, file, *size);
        *size += sizeof net.notes;
    } else if (result == 0) {
        result = err_set(err, ERR_MEMORY, "out of memory for the network");
    }
    free(file);
    net_file_release(&net);
    return result;
}

static int take_imported(const unsigned char *bytes, size_t size, struct net_file *net,
                         struct err *err)
{
    if (size < sizeof net->notes ||
        net_file_decode(bytes + sizeof net->notes, size - sizeof net->notes, net, err))
        return -1;
    memcpy(net->notes, bytes, sizeof net->notes);
    return 0;
}

static int read_keras(const struct import *import, struct net_file *net, struct err *err)
{
    struct keras_files files = {0};
    unsigned char *bytes = NULL;
    size_t size;
    int result = -1;
    if ((import->architecture && file_read(AT_FDCWD, import->architecture, FILE_MAX,
                                           &files.json.bytes, &files.json.size, err)) ||
        file_read(AT_FDCWD, import->weights, FILE_MAX, &files.weights.bytes, &files.weights.size,
                  err))
        goto out;
    result = isolated_run(import_keras, &files, KERAS_SECONDS, &bytes, &size, err);
    if (result == 0)
        result = take_imported(bytes, size, net, err);
    if (result)
        err_prefix(err, "%s%s%s", import->architecture ? import->architecture : "",
                   import->architecture ? ", " : "", import->weights);
out:
    free(bytes);
    free(files.json.bytes);
    free(files.weights.bytes);
    return result;
}

static int read_torch(const struct import *import, struct net_file *net, struct err *err)
{
    struct text file;
    if (file_read(AT_FDCWD, import->torch, FILE_MAX, &file.bytes, &file.size, err))
        return -1;
    int result = torch_decode(file.bytes, file.size, import->prefix, import->head, net, err);
    if (result)
        err_prefix(err, "%s", import->torch);
    free(file.bytes);
    return result;
}

static int serve(const struct import *import, const struct net_file *net, const char *created,
                 struct err *err)
{
    char version[BUNDLE_VERSION_MAX + 1];
    struct bundle *like = bundle_load(import->like, err);
    if (!like)
        return -1;
    int result = net_directory_serve(import->out, net, like, created, version, err);
    bundle_release(like);
    if (result == 0)
        printf("%s\t%s\n", import->out, version);
    return result;
}

static int run(const struct import *import, struct err *err)
{
    struct net_file net;
    char created[32];
    created_now(created);
    if (import->keras ? read_keras(import, &net, err) : read_torch(import, &net, err))
        return -1;
    int result = import->like ? serve(import, &net, created, err)
                              : net_directory_save(import->out, &net, created, err);
    if (result == 0)
        show_network(&net);
    net_file_release(&net);
    return result;
}

/* @return 0, or the exit status of a usage error */
static int check_usage(struct import *import, int operands, char **argv)
{
    if (import->keras == (import->torch != NULL))
        return options_usage("bundle import", "one of --keras and --torch is needed");
    if (!import->out)
        return options_usage("bundle import", "--out is needed");
    if (import->torch && operands)
        return options_usage("bundle import", "--torch takes one file, \"%s\" is left over",
                             argv[1]);
    if (import->keras && (import->head || *import->prefix))
        return options_usage("bundle import", "--head and --prefix go with --torch");
    if (import->keras && !operands)
        return options_usage("bundle import", "--keras needs [ARCH.json] WEIGHTS");
    import->architecture = operands == 2 ? argv[1] : NULL;
    import->weights = operands ? argv[operands] : NULL;
    return 0;
}

int cmd_bundle_import(int argc, char **argv)
{
    struct import import = {.prefix = ""};
    const struct option_row rows[] = {
        {"keras", NULL, OPTION_FLAG, &import.keras, 0, 0,
         "ARCH.json (to_json) and WEIGHTS (save_weights, HDF5); or a whole model: .h5, .keras"},
        {"torch", "FILE", OPTION_TEXT, &import.torch, 0, 0,
         "safetensors of a state dict: nn.GRU, nn.LSTM, nn.Linear"},
        {"out", "DIR", OPTION_TEXT, &import.out, 0, 0, "the network, as a directory of its own"},
        {"like", "BUNDLE", OPTION_TEXT, &import.like, 0, 0,
         "make DIR a bundle to serve: all but the net is that of BUNDLE, whose inputs it must "
         "have"},
        {"head", "LINE", OPTION_TEXT, &import.head, 0, 0,
         "--torch: the dense layers with what is between them, as \"64 relu, 64 relu, 3\""},
        {"prefix", "TEXT", OPTION_TEXT, &import.prefix, 0, 0,
         "--torch: only tensors whose names begin with TEXT"},
        OPTION_ROW_END,
    };
    const struct options options = {
        .command = "bundle import",
        .operands = "--keras [ARCH.json] WEIGHTS | --torch FILE",
        .summary = "Makes a network of ours from a model that Keras or PyTorch wrote: every value "
                   "as it is in\nthe file, gates and versions minded. What does not fit is "
                   "refused by its name and shape.",
        .min_operands = 0,
        .max_operands = 2,
        .rows = rows,
    };
    struct err err = {0};
    int count = options_parse(&options, argc, argv);
    if (count < 0)
        return options_status(count);
    int usage = check_usage(&import, count, argv);
    if (usage)
        return usage;
    return run(&import, &err) ? options_fail("bundle import", &err) : 0;
}
