/* keras_import() of a build without libhdf5. */
#include "bundle/keras_import.h"

int keras_import(const void *architecture, size_t architecture_size, const void *weights,
                 size_t weights_size, struct net_file *out, struct err *err)
{
    (void)architecture;
    (void)architecture_size;
    (void)weights;
    (void)weights_size;
    (void)out;
    return err_set(err, ERR_INPUT,
                   "this outro was built without libhdf5, which files of Keras need");
}
