/* Any bytes: refused with a reason, or clusters that are the same after being written and read
 * again, and that assign anybody. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "bundle/cluster_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct clustering *first)
{
    struct clustering second;
    double raw[USER_COLUMNS] = {0};
    char *text = cluster_file_encode(first, NULL);
    assert(text);
    if (cluster_file_parse(text, strlen(text), &second, NULL))
        assert(!"clusters that were written cannot be read");
    char *again = cluster_file_encode(&second, NULL);
    assert(again && strcmp(text, again) == 0);
    assert(clustering_assign(first, raw) == clustering_assign(&second, raw));
    for (size_t i = 0; i < first->members; i++) {
        const char *id = first->member[i].user_id;
        assert(clustering_member(first, (struct slice){id, strlen(id)}) ==
               (int)first->member[i].label);
    }
    free(text);
    free(again);
    clustering_release(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err err = {0};
    struct clustering clustering;
    if (cluster_file_parse(data, size, &clustering, &err)) {
        assert(err.code == ERR_INPUT && err.text[0] != '\0');
        return 0;
    }
    check(&clustering);
    clustering_release(&clustering);
    return 0;
}
