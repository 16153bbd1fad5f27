#include "cli/isolated.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/array.h"

/* What a child sends before the bytes. */
struct answer {
    int result;
    struct err err;
};

static int write_all(int fd, const void *bytes, size_t size)
{
    const char *from = bytes;
    while (size) {
        ssize_t n = write(fd, from, size);
        if (n < 0 && errno != EINTR)
            return -1;
        from += n > 0 ? n : 0;
        size -= n > 0 ? (size_t)n : 0;
    }
    return 0;
}

/* What a broken library says on its way down is of no use to anybody: the parent has a sentence. */
static void close_streams(void)
{
    int null = open("/dev/null", O_RDWR);
    for (int fd = STDIN_FILENO; null >= 0 && fd <= STDERR_FILENO; fd++)
        dup2(null, fd);
}

static void run_child(isolated_work *work, void *context, unsigned seconds, int to)
{
    const struct rlimit cpu = {seconds, seconds}, core = {0, 0};
    struct answer answer = {0};
    unsigned char *bytes = NULL;
    size_t size = 0;
    close_streams();
    int failed = setrlimit(RLIMIT_CPU, &cpu) || setrlimit(RLIMIT_CORE, &core);
    if (!failed) {
        answer.result = work(context, &bytes, &size, &answer.err);
        failed = write_all(to, &answer, sizeof answer) || write_all(to, bytes, size);
    }
    _exit(failed);
}

/* All that comes through the pipe. @return new, or NULL with err */
static unsigned char *read_all(int from, size_t *size, struct err *err)
{
    unsigned char *bytes = NULL;
    size_t capacity = 0;
    ssize_t n;
    *size = 0;
    do {
        unsigned char *grown = array_grow(bytes, &capacity, *size + 65536, 1);
        if (!grown) {
            free(bytes);
            err_set(err, ERR_MEMORY, "out of memory for what the child made");
            return NULL;
        }
        bytes = grown;
        n = read(from, bytes + *size, capacity - *size);
        *size += n > 0 ? (size_t)n : 0;
    } while (n > 0 || (n < 0 && errno == EINTR));
    if (n < 0) {
        err_errno(err, "cannot read what the child made");
        free(bytes);
        return NULL;
    }
    return bytes;
}

static int explain(int status, struct err *err)
{
    int signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    if (signal == SIGXCPU || signal == SIGKILL)
        return err_set(err, ERR_INPUT,
                       "the library that reads it does not come to an end: it is damaged");
    return err_set(err, ERR_INPUT, "the library that reads it broke over it (%s): it is damaged",
                   signal ? strsignal(signal) : "its own check");
}

/* Splits what came into the answer and the bytes behind it. Takes all. */
static int take_answer(unsigned char *all, size_t count, unsigned char **bytes, size_t *size,
                       struct err *err)
{
    struct answer answer;
    memcpy(&answer, all, sizeof answer);
    if (answer.result) {
        free(all);
        if (err)
            *err = answer.err;
        return -1;
    }
    *size = count - sizeof answer;
    memmove(all, all + sizeof answer, *size);
    *bytes = all;
    return 0;
}

int isolated_run(isolated_work *work, void *context, unsigned seconds, unsigned char **bytes,
                 size_t *size, struct err *err)
{
    int pipes[2], status = 0;
    size_t count;
    if (pipe2(pipes, O_CLOEXEC))
        return err_errno(err, "pipe");
    pid_t child = fork();
    if (child < 0) {
        err_errno(err, "fork");
        close(pipes[0]);
        close(pipes[1]);
        return -1;
    }
    if (child == 0)
        run_child(work, context, seconds, pipes[1]);
    close(pipes[1]);
    unsigned char *all = read_all(pipes[0], &count, err);
    close(pipes[0]);
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    if (!all)
        return -1;
    if (status != 0 || count < sizeof(struct answer)) {
        free(all);
        return explain(status, err);
    }
    return take_answer(all, count, bytes, size, err);
}
