/* commands.h - the commands of `outro`: each in a file of its own, named cmd_<name>.c, listed in
 * main.c's table. Each gets argv with argv[0] = its name and returns the exit status: 0, 1 (bad
 * input, with file, line and reason) or 2 (usage). Each prints its own --help. Diagnostics and
 * progress go to standard error, results to standard output. */
#ifndef OUTRO_CLI_COMMANDS_H
#define OUTRO_CLI_COMMANDS_H

int cmd_bundle(int argc, char **argv);
int cmd_cluster(int argc, char **argv);
int cmd_crawl(int argc, char **argv);
int cmd_evaluate(int argc, char **argv);
int cmd_events(int argc, char **argv);
int cmd_prepare(int argc, char **argv);
int cmd_replay(int argc, char **argv);
int cmd_synth(int argc, char **argv);
int cmd_train(int argc, char **argv);

#endif
