#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "shell_fixture.h"

#include <sys/stat.h>
#include <sys/wait.h>

#include "temp_file.h"

char shell_folder[256];
static const char *programs_folder;
static bool both_outputs;

int shell_run(const char *command, char *output, size_t capacity)
{
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    size_t size = fread(output, 1, capacity - 1, pipe);
    output[size] = '\0';
    int status = pclose(pipe);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

int shell_folder_make(const char *programs, bool both)
{
    struct temp_file name; /* its name is nobody else's: a folder takes it over */
    programs_folder = programs;
    both_outputs = both;
    temp_file_make(&name);
    unlink(name.path);
    snprintf(shell_folder, sizeof shell_folder, "%s", name.path);
    return mkdir(shell_folder, 0777);
}

int shell_folder_remove(void **state)
{
    (void)state;
    char command[600];
    snprintf(command, sizeof command, "rm -r %s", shell_folder);
    return system(command);
}

int shell_in_folder(const char *text, char *output, size_t capacity)
{
    char command[2048];
    int size =
        snprintf(command, sizeof command, "cd %s && PATH=%s:$PATH && %s%s%s", shell_folder,
                 programs_folder, both_outputs ? "{ " : "", text, both_outputs ? "; } 2>&1" : "");
    assert_true(size > 0 && (size_t)size < sizeof command);
    return shell_run(command, output, capacity);
}

void shell_in_folder_all(const struct command *commands, size_t count)
{
    static char output[4 * 1024 * 1024];
    for (size_t i = 0; i < count; i++) {
        int status = shell_in_folder(commands[i].text, output, sizeof output);
        if (status != commands[i].status || !strstr(output, commands[i].says))
            fail_msg("%s: status %d, says %.2000s", commands[i].text, status, output);
    }
}
