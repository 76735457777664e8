/* Whole configurations from texts, for tests. */
#pragma once

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/conf.h"

/* What stands before the part that a test is about. */
#define HEAD                                                      \
    "[proxy]\nlisten = 127.0.0.1:0\n[budget]\ndefault = 1200ms\n" \
    "[upstream a]\nurl = http://127.0.0.1:9001\n"

/* Reads a text; *ret_complaints is the caller's. */
static inline struct conf *read_text(const char *text, char **ret_complaints)
{
    size_t size;
    FILE *complaints = open_memstream(ret_complaints, &size);
    FILE *file = tmpfile();

    cr_assert_eq(fwrite(text, 1, strlen(text), file), strlen(text));
    rewind(file);
    struct conf *conf = conf_read(file, "f", complaints);
    fclose(complaints);
    fclose(file);
    return conf;
}

/* Reads a text that holds no mistake and gives no cause for a warning. */
static inline struct conf *read_good(const char *text)
{
    char *complaints;
    struct conf *conf = read_text(text, &complaints);

    cr_assert_str_eq(complaints, "", "%s", complaints);
    cr_assert_not_null(conf);
    free(complaints);
    return conf;
}

static inline void check_complaints(const char *text, const char *expected)
{
    char *complaints;
    struct conf *conf = read_text(text, &complaints);

    cr_expect_str_eq(complaints, expected, "%s", complaints);
    conf_destroy(conf);
    free(complaints);
}

/* A template that has nothing to fill in. */
static inline void check_plain(const struct template *template, const char *expected)
{
    struct text text;

    cr_assert(template_is_plain(template, &text));
    cr_expect(text_is(text, text_of(expected)), "%.*s", (int)text.count, text.at);
}
