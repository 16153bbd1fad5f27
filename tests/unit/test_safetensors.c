#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bundle/safetensors.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* A file of a header and data_bytes of 0, 1, 2 ...; the header's length as it is, or as the case
 * claims. */
static unsigned char *make_file(const char *header, uint64_t claimed_length, size_t data_bytes,
                                size_t *size)
{
    size_t length = strlen(header);
    unsigned char *bytes = malloc(8 + length + data_bytes);
    assert_non_null(bytes);
    for (int i = 0; i < 8; i++)
        bytes[i] = (unsigned char)(claimed_length >> (8 * i));
    memcpy(bytes + 8, header, length);
    for (size_t i = 0; i < data_bytes; i++)
        bytes[8 + length + i] = (unsigned char)i;
    *size = 8 + length + data_bytes;
    return bytes;
}

static int parse_text(const char *header, size_t data_bytes, struct err *err)
{
    size_t size;
    struct safetensors file = {0};
    unsigned char *bytes = make_file(header, strlen(header), data_bytes, &size);
    int result = safetensors_parse(bytes, size, &file, err);
    if (result == 0)
        safetensors_release(&file);
    assert_null(file.header);
    free(bytes);
    return result;
}

#define ENTRY(name, dtype, shape, offsets)                                                         \
    "\"" name "\":{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":" offsets "}"
#define F32_2(name, offsets) ENTRY(name, "F32", "[2]", offsets)

static void test_safetensors_valid_files_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *header;
        size_t data_bytes;
    } cases[] = {
        {"{}", 0},
        {"{}      ", 0}, /* padding behind the header */
        {"{\"__metadata__\":{}}", 0},
        {"{\"__metadata__\":{\"a\":\"b\",\"\":\"\"}}", 0},
        {"{" F32_2("a", "[0,8]") "}", 8},
        {"{" F32_2("b", "[8,16]") "," F32_2("a", "[0,8]") "}", 16}, /* in any order */
        {"{" ENTRY("scalar", "F64", "[]", "[0,8]") "}", 8},
        {"{" ENTRY("none", "F32", "[0,7]", "[0,0]") "}", 0},
        {"{" F32_2("a", "[0,8]") "," ENTRY("none", "F32", "[0]", "[8,8]") "," F32_2("b",
                                                                                    "[8,16]") "}",
         16},
        {"{" ENTRY("a", "BOOL", "[3]", "[0,3]") "," ENTRY("b", "BF16", "[1,1]", "[3,5]") "," ENTRY(
             "c", "U64", "[1]", "[5,13]") "}",
         13},
        {"{" ENTRY("a", "I8", "[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]", "[0,1]") "}", 1},
        {"{\"a\":{\"shape\":[1],\"later\":7,\"data_offsets\":[0,1],\"dtype\":\"U8\"}}", 1},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct err err = {0};
        if (parse_text(cases[i].header, cases[i].data_bytes, &err))
            fail_msg("%s: %s", cases[i].header, err.text);
    }
}

static void test_safetensors_broken_rules_are_named(void **state)
{
    (void)state;
    static const struct {
        const char *header;
        size_t data_bytes;
        const char *reason;
    } cases[] = {
        {"", 0, "does not begin with {"},
        {" {}", 0, "does not begin with {"},
        {"[]", 0, "does not begin with {"},
        {"{", 0, "header, byte"},
        {"{}}", 0, "header, byte"},
        {"{\"a\":}", 0, "header, byte"},
        {"{\"\xff\":1}", 0, "unable to decode byte"},
        {"{\"\xc0\xaf\":1}", 0, "unable to decode byte"},
        {"{\"\\ud800\":1}", 0, "header, byte"},
        {"{" F32_2("a", "[0,8]") "," F32_2("a", "[8,16]") "}", 16, "duplicate"},
        {"{\"__metadata__\":{\"a\":\"1\",\"a\":\"2\"}}", 0, "duplicate"},
        {"{\"__metadata__\":[]}", 0, "__metadata__"},
        {"{\"__metadata__\":{\"a\":1}}", 0, "__metadata__ a is not a string"},
        {"{\"a\":[]}", 0, "not an object"},
        {"{\"a\":{\"shape\":[2],\"data_offsets\":[0,8]}}", 8, "dtype"},
        {"{" ENTRY("a", "F33", "[2]", "[0,8]") "}", 8, "unknown dtype F33"},
        {"{" ENTRY("a", "f32", "[2]", "[0,8]") "}", 8, "unknown dtype f32"},
        {"{\"a\":{\"dtype\":\"F32\",\"data_offsets\":[0,8]}}", 8, "shape"},
        {"{" ENTRY("a", "F32", "2", "[0,8]") "}", 8, "shape"},
        {"{" ENTRY("a", "F32", "[-2]", "[0,8]") "}", 8, "shape[0]"},
        {"{" ENTRY("a", "F32", "[1,2.0]", "[0,8]") "}", 8, "shape[1]"},
        {"{" ENTRY("a", "F32", "[\"2\"]", "[0,8]") "}", 8, "shape[0]"},
        {"{" ENTRY("a", "U8", "[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]", "[0,1]") "}", 1, "shape"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2]}}", 8, "data_offsets"},
        {"{" F32_2("a", "[0]") "}", 8, "data_offsets"},
        {"{" F32_2("a", "[0,8,8]") "}", 8, "data_offsets"},
        {"{" F32_2("a", "[0,8.0]") "}", 8, "data_offsets"},
        {"{" F32_2("a", "[-8,0]") "}", 8, "outside"},
        {"{" F32_2("a", "[8,0]") "}", 8, "outside"},
        {"{" F32_2("a", "[0,9]") "}", 8, "outside"},
        {"{" F32_2("a", "[8,16]") "}", 8, "outside"},
        {"{" F32_2("a", "[0,9223372036854775807]") "}", 8, "outside"},
        {"{" F32_2("a", "[0,9223372036854775808]") "}", 8, "header, byte"},
        {"{" ENTRY("a", "F32", "[3]", "[0,8]") "}", 8, "shape says 12 bytes, data_offsets 8"},
        {"{" ENTRY("a", "F64", "[2]", "[0,8]") "}", 8, "shape says 16 bytes"},
        /* 2^62 * 4 and 2^32 * 2^32 wrap to 0 in 64 bits */
        {"{" ENTRY("a", "F32", "[4611686018427387904]", "[0,0]") "}", 0, "overflows"},
        {"{" ENTRY("a", "U8", "[4294967296,4294967296]", "[0,0]") "}", 0, "overflows"},
        {"{" F32_2("a", "[0,8]") "," F32_2("b", "[4,12]") "}", 12, "b overlaps"},
        {"{" F32_2("a", "[0,8]") "," F32_2("b", "[0,8]") "}", 8, "overlaps"},
        {"{" F32_2("a", "[4,12]") "}", 12, "hole of 4 bytes before tensor a"},
        {"{" F32_2("a", "[0,8]") "," F32_2("b", "[12,20]") "}", 20,
         "hole of 4 bytes before tensor b"},
        {"{" F32_2("a", "[0,8]") "}", 9, "1 bytes of data behind"},
        {"{}", 1, "1 bytes of data behind"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct err err = {0};
        assert_int_equal(parse_text(cases[i].header, cases[i].data_bytes, &err), -1);
        assert_int_equal(err.code, ERR_INPUT);
        if (!strstr(err.text, cases[i].reason))
            fail_msg("%s: \"%s\" does not say \"%s\"", cases[i].header, err.text, cases[i].reason);
    }
}

static void test_safetensors_header_length_is_checked(void **state)
{
    (void)state;
    static const struct {
        uint64_t claimed;
        const char *reason;
    } cases[] = {
        {3, "past the end"},
        {UINT64_C(100000000), "past the end"},
        {UINT64_C(100000001), "limit"},
        {UINT64_MAX, "limit"},
        {UINT64_MAX - 7, "limit"}, /* 8 + N wraps to 0 */
        {1, "header, byte"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        size_t size;
        struct err err = {0};
        struct safetensors file;
        unsigned char *bytes = make_file("{}", cases[i].claimed, 0, &size);
        assert_int_equal(safetensors_parse(bytes, size, &file, &err), -1);
        if (!strstr(err.text, cases[i].reason))
            fail_msg("%s instead of %s", err.text, cases[i].reason);
        free(bytes);
    }
    for (size_t size = 0; size < 8; size++) {
        struct err err = {0};
        struct safetensors file;
        assert_int_equal(safetensors_parse("\2\0\0\0\0\0\0", size, &file, &err), -1);
        assert_non_null(strstr(err.text, "too few"));
    }
}

static void test_safetensors_values_come_back(void **state)
{
    (void)state;
    static const float matrix[6] = {0.1f, -2, 3e38f, 1e-45f, -0.0f, 7};
    static const float vector[2] = {5, 6};
    static const double wide[2] = {.1, 5e-324};
    static const struct safetensors_source source[] = {{"matrix", 2, 3, matrix, NULL},
                                                       {"vector", 2, 0, vector, NULL},
                                                       {"empty", 0, 3, NULL, NULL},
                                                       {"wide", 2, 0, NULL, wide}};
    static const struct safetensors_pair metadata[] = {{"cell", "gru"}, {"who", "Beyoncé \"x\""}};
    unsigned char *bytes;
    size_t size;
    struct safetensors file;
    float back[6];
    assert_int_equal(safetensors_encode(source, 4, metadata, 2, &bytes, &size, NULL), 0);
    assert_int_equal(safetensors_parse(bytes, size, &file, NULL), 0);
    assert_int_equal(file.count, 4);
    assert_int_equal((size_t)(file.data - bytes) % 8, 0);
    assert_string_equal(safetensors_metadata(&file, "who"), "Beyoncé \"x\"");
    assert_null(safetensors_metadata(&file, "where"));

    const struct safetensor *found = safetensors_find(&file, "matrix");
    assert_non_null(found);
    assert_int_equal(found->dtype, DTYPE_F32);
    assert_int_equal(found->rank, 2);
    assert_int_equal(found->shape[0], 2);
    assert_int_equal(found->shape[1], 3);
    assert_int_equal(safetensor_values(found), 6);
    safetensor_read_f32(&file, found, back);
    assert_memory_equal(back, matrix, sizeof matrix);

    found = safetensors_find(&file, "vector");
    assert_int_equal(found->rank, 1);
    safetensor_read_f32(&file, found, back);
    assert_memory_equal(back, vector, sizeof vector);
    assert_int_equal(safetensor_values(safetensors_find(&file, "empty")), 0);

    double back_wide[2];
    found = safetensors_find(&file, "wide");
    assert_int_equal(found->dtype, DTYPE_F64);
    safetensor_read_f64(&file, found, back_wide);
    assert_memory_equal(back_wide, wide, sizeof wide);
    assert_null(safetensors_find(&file, "matri"));
    safetensors_release(&file);
    free(bytes);
}

/* Bytes that another writer (the reference implementation, in Python) made of [[1.5, -2.0]] and
 * {"a": "b"}. */
static void test_safetensors_f64_laid_out_by_hand(void **state)
{
    (void)state;
    static const char header[] =
        "{\"__metadata__\":{\"a\":\"b\"},\"x\":{\"dtype\":\"F64\",\"shape\":[1,2],"
        "\"data_offsets\":[0,16]}}      ";
    static const unsigned char data[16] = {0, 0, 0, 0, 0, 0, 0xf8, 0x3f, 0, 0, 0, 0, 0, 0, 0, 0xc0};
    size_t size;
    struct safetensors file;
    double back[2];
    unsigned char *bytes = make_file(header, strlen(header), sizeof data, &size);
    memcpy(bytes + size - sizeof data, data, sizeof data);
    assert_int_equal(safetensors_parse(bytes, size, &file, NULL), 0);
    safetensor_read_f64(&file, safetensors_find(&file, "x"), back);
    assert_true(back[0] == 1.5 && back[1] == -2.0);
    safetensors_release(&file);
    free(bytes);
}

static void test_safetensors_every_cut_is_refused(void **state)
{
    (void)state;
    static const float values[4] = {1, 2, 3, 4};
    static const struct safetensors_source source[] = {{"a", 2, 2, values, NULL}};
    unsigned char *bytes;
    size_t size;
    assert_int_equal(safetensors_encode(source, 1, NULL, 0, &bytes, &size, NULL), 0);
    for (size_t cut = 0; cut < size; cut++) {
        struct safetensors file;
        unsigned char *part =
            malloc(cut ? cut : 1); /* its own block, so that ASan sees one byte too far */
        memcpy(part, bytes, cut);
        assert_int_equal(safetensors_parse(part, cut, &file, NULL), -1);
        free(part);
    }
    free(bytes);
}

static void test_safetensors_bad_names_are_not_written(void **state)
{
    (void)state;
    static const float value = 1;
    static const struct safetensors_source twice[] = {{"a", 1, 0, &value, NULL},
                                                      {"a", 1, 0, &value, NULL}};
    static const struct safetensors_source latin1[] = {{"caf\xe9", 1, 0, &value, NULL}};
    unsigned char *bytes;
    size_t size;
    struct err err = {0};
    assert_int_equal(safetensors_encode(twice, 2, NULL, 0, &bytes, &size, &err), -1);
    assert_int_equal(err.code, ERR_INPUT);
    assert_int_equal(safetensors_encode(latin1, 1, NULL, 0, &bytes, &size, NULL), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_safetensors_valid_files_are_read),
        cmocka_unit_test(test_safetensors_broken_rules_are_named),
        cmocka_unit_test(test_safetensors_header_length_is_checked),
        cmocka_unit_test(test_safetensors_values_come_back),
        cmocka_unit_test(test_safetensors_f64_laid_out_by_hand),
        cmocka_unit_test(test_safetensors_every_cut_is_refused),
        cmocka_unit_test(test_safetensors_bad_names_are_not_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
