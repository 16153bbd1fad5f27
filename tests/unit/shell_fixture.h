/* shell_fixture.h - what tests of commands share: a shell command's output and exit status, and a
 * folder to run commands in. Every function asserts that the shell itself worked. */
#ifndef OUTRO_TESTS_SHELL_FIXTURE_H
#define OUTRO_TESTS_SHELL_FIXTURE_H

#include <stdbool.h>
#include <stddef.h>

/** Runs a command by the shell. @param output its standard output, cut to capacity, NUL-terminated
 *  @return exit status */
int shell_run(const char *command, char *output, size_t capacity);

/* Absolute; "" before shell_folder_make. */
extern char shell_folder[256];

/** A new folder. @param programs folder that shell_in_folder puts on the path, a literal
 *  @param both whether the output of shell_in_folder has standard error, too  @return 0, -1 */
int shell_folder_make(const char *programs, bool both);
/** Teardown of a group: the folder and all in it. */
int shell_folder_remove(void **state);
/** shell_run in the folder. */
int shell_in_folder(const char *text, char *output, size_t capacity);

struct command {
    const char *text;
    int status;
    const char *says; /* stands somewhere in the output */
};
/** Each in the folder, in order; fails at the first that ends or says otherwise. */
void shell_in_folder_all(const struct command *commands, size_t count);
#define RUN_ALL(commands) shell_in_folder_all(commands, sizeof(commands) / sizeof *(commands))

#endif
