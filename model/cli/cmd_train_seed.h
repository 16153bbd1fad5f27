/* cmd_train_seed.h - `outro train --seed-compat`: the models of the re-implemented system, trained
 * by its own protocol. Options of its own: it shares nothing with the training of a predictor. */
#ifndef OUTRO_CLI_CMD_TRAIN_SEED_H
#define OUTRO_CLI_CMD_TRAIN_SEED_H

/** As a command of commands.h; argv without the flag itself. */
int cmd_train_seed(int argc, char **argv);

#endif
