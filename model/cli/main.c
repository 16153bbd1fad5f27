/* outro: the workbench. A table of commands; each lives in cmd_<name>.c and knows its own options.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/commands.h"

struct command {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *summary;
};

static const struct command COMMANDS[] = {
    {"train", cmd_train, "train a bundle from a listening log"},
    {"replay", cmd_replay, "run a log through a bundle: predictions, sessions, scores"},
    {"evaluate", cmd_evaluate, "judge predictions beside baselines, by cluster"},
    {"bundle", cmd_bundle, "show or check a bundle; import and export nets"},
    {"cluster", cmd_cluster, "find groups of people: how many, who, and what they look like"},
    {"crawl", cmd_crawl, "ask Last.fm for durations and tags of a log's tracks"},
    {"events", cmd_events, "write a log as ordered JSON lines, ready for Kafka"},
    {"prepare", cmd_prepare, "write a log as tables: sessions, scrobbles, tracks, users"},
    {"synth", cmd_synth, "invent a listening log of any size from a seed"},
};

enum { COMMAND_COUNT = sizeof COMMANDS / sizeof *COMMANDS };

static void print_help(FILE *out)
{
    fputs("usage: outro COMMAND [options] ...\n\n"
          "Predicts when a music-listening session will end: the workbench beside the daemon "
          "outrod.\n\n"
          "commands:\n",
          out);
    for (int i = 0; i < COMMAND_COUNT; i++)
        fprintf(out, "  %-8s %s\n", COMMANDS[i].name, COMMANDS[i].summary);
    fputs("\n`outro COMMAND --help` lists a command's options; `outro --version` prints the "
          "version.\n"
          "Exit status: 0 done, 1 bad input or a failure (with file, line and reason), 2 usage.\n",
          out);
}

static int run(int argc, char **argv)
{
    if (argc < 2) {
        print_help(stderr);
        return 2;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        print_help(stdout);
        return 0;
    }
    if (strcmp(argv[1], "--version") == 0) {
        puts("outro " OUTRO_VERSION);
        return 0;
    }
    for (int i = 0; i < COMMAND_COUNT; i++)
        if (strcmp(argv[1], COMMANDS[i].name) == 0)
            return COMMANDS[i].run(argc - 1, argv + 1);
    fprintf(stderr, "outro: unknown command \"%s\"; `outro --help` lists them\n", argv[1]);
    return 2;
}

/* With a closed standard stream, the next file opened would be taken for it: a log for standard
 * input, a temporary file for standard output. Opened for reading only, writing to it fails as it
 * should. */
static void fill_standard_streams(void)
{
    int fd;
    do {
        fd = open("/dev/null", O_RDONLY);
    } while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd > STDERR_FILENO)
        close(fd);
}

int main(int argc, char **argv)
{
    fill_standard_streams();
    /* A reader that has seen enough (head, a closed pager) shows as EPIPE where it is written, not
     * as a death. */
    signal(SIGPIPE, SIG_IGN);
    int status = run(argc, argv);
    errno = 0;
    if ((fflush(stdout) != 0 || ferror(stdout)) && errno != 0 && errno != EPIPE) {
        fprintf(stderr, "outro: standard output: %s\n", strerror(errno));
        return status ? status : 1;
    }
    return status;
}
