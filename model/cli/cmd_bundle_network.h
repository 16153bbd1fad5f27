/* cmd_bundle_network.h - what the parts of `outro bundle` share. */
#ifndef OUTRO_CLI_CMD_BUNDLE_NETWORK_H
#define OUTRO_CLI_CMD_BUNDLE_NETWORK_H

#include "bundle/net_file.h"

int cmd_bundle_import(int argc, char **argv); /* argv[0] = "import" */
int cmd_bundle_export(int argc, char **argv); /* argv[0] = "export" */
int cmd_bundle_diff(int argc, char **argv);   /* argv[0] = "diff" */

/** Prints what a network is, as `outro bundle show` does. */
void show_network(const struct net_file *net);

#endif
