/* outro bundle export: the net of a bundle, or a network, as one safetensors file. */
#include <stdio.h>
#include <stdlib.h>

#include "bundle/files.h"
#include "bundle/net_directory.h"
#include "bundle/torch_names.h"
#include "cli/cmd_bundle_network.h"
#include "cli/options.h"

static int run(const char *from, const char *torch, const char *own, struct err *err)
{
    struct net_file net;
    unsigned char *bytes = NULL;
    size_t size;
    if (net_directory_load(from, &net, err))
        return -1;
    int result =
        torch ? torch_encode(&net, &bytes, &size, err) : net_file_encode(&net, &bytes, &size, err);
    if (result)
        err_prefix(err, "%s", from);
    else
        result = file_replace(torch ? torch : own, bytes, size, err);
    free(bytes);
    net_file_release(&net);
    return result;
}

int cmd_bundle_export(int argc, char **argv)
{
    const char *torch = NULL, *own = NULL;
    const struct option_row rows[] = {
        {"torch", "FILE", OPTION_TEXT, &torch, 0, 0,
         "a state dict: rnn.0 ... of nn.GRU or nn.LSTM, head.0 ... of nn.Linear"},
        {"safetensors", "FILE", OPTION_TEXT, &own, 0, 0, "the same with names and cells of ours"},
        OPTION_ROW_END,
    };
    const struct options options = {
        .command = "bundle export",
        .operands = "BUNDLE",
        .summary = "Writes the net of BUNDLE, or a network that was imported, as safetensors. To "
                   "the bit: imported\nagain it is the same network. F32, or F64 when a value "
                   "needs it.",
        .min_operands = 1,
        .max_operands = 1,
        .rows = rows,
    };
    struct err err = {0};
    int count = options_parse(&options, argc, argv);
    if (count < 0)
        return options_status(count);
    if ((torch != NULL) == (own != NULL))
        return options_usage("bundle export", "one of --torch and --safetensors is needed");
    return run(argv[1], torch, own, &err) ? options_fail("bundle export", &err) : 0;
}
