/* Runs a fuzz target over files and folders of inputs, once: what was found before stays fixed,
 * also where libFuzzer is not at hand. usage: TARGET PATH ... */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* In a block of exactly its size, so that a sanitizer sees a read one byte too far. */
static int run_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    struct stat about;
    uint8_t *data = NULL;
    int result = -1;
    if (!file || fstat(fileno(file), &about))
        goto out;
    size_t size = (size_t)about.st_size;
    data = malloc(size ? size : 1);
    if (!data || fread(data, 1, size, file) != size)
        goto out;
    result = LLVMFuzzerTestOneInput(data, size);
out:
    if (result)
        fprintf(stderr, "%s: cannot be read, or refused by the target\n", path);
    free(data);
    if (file)
        fclose(file);
    return result;
}

static int run_folder(const char *path, size_t *ran)
{
    DIR *folder = opendir(path);
    if (!folder) {
        ++*ran;
        return run_file(path);
    }
    int result = 0;
    for (const struct dirent *entry; result == 0 && (entry = readdir(folder));) {
        char name[4096];
        if (entry->d_name[0] == '.')
            continue;
        snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
        ++*ran;
        result = run_file(name);
    }
    closedir(folder);
    return result;
}

int main(int argc, char **argv)
{
    size_t ran = 0;
    for (int i = 1; i < argc; i++) {
        if (run_folder(argv[i], &ran))
            return 1;
    }
    printf("%zu inputs\n", ran);
    return ran == 0; /* a corpus that is not there is a test that did not run */
}
