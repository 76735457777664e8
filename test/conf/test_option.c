#include <criterion/criterion.h>
#include <stdlib.h>

#include "conf/conf.h"
#include "conf/kind.h"
#include "conf/option.h"

#ifndef HOURGLASS_SOURCE
#define HOURGLASS_SOURCE "."
#endif

Test(option, every_default_passes_its_own_setter)
{
    struct store store = {0};
    unsigned defaults = 0;

    for (enum section_kind kind = 0; kind < SECTION_KINDS; kind++) {
        const struct option *option = option_first(kind);
        for (size_t left = option_count(kind); left > 0; left--, option++) {
            char *draft =
                store_take(&store, sizeof(struct proxy_draft) + sizeof(struct route_draft) +
                                       sizeof(struct upstream_draft));
            if (!option->standard)
                continue;
            const char *fault = option->set(draft + option->place, option->standard, &store);
            cr_expect_null(fault, "%s.%s = %s: %s", section_word(kind), option->key,
                           option->standard, fault);
            defaults++;
        }
    }
    cr_assert_gt(defaults, 20);
    store_finish(&store);
}

Test(option, what_is_required_has_no_default_and_what_is_inherited_stands_in_budget)
{
    for (enum section_kind kind = 0; kind < SECTION_KINDS; kind++) {
        const struct option *option = option_first(kind);
        for (size_t left = option_count(kind); left > 0; left--, option++) {
            if (option->flags & (OPTION_REQUIRED | OPTION_INHERITS))
                cr_expect_null(option->standard, "%s", option->key);
            if (option->flags & OPTION_INHERITS)
                cr_expect_not_null(option_find(SECTION_BUDGET, option->key), "%s", option->key);
            cr_expect_gt(strlen(option->help), 10, "%s", option->key);
        }
    }
}

Test(option, a_key_belongs_to_its_section)
{
    cr_assert_not_null(option_find(SECTION_CALL, "retries"));
    cr_assert_null(option_find(SECTION_ROUTE, "retries"));
    cr_assert_null(option_find(SECTION_STUB, ""));
}

/* Does the line set the key, or show how to, as ";key = ..."? */
static bool names_key(const char *line, const char *key)
{
    size_t count = strlen(key);

    line += *line == ';';
    return strncmp(line, key, count) == 0 && strspn(line + count, " ") > 0 &&
           line[count + strspn(line + count, " ")] == '=';
}

static bool example_names(const struct option *option)
{
    FILE *file = fopen(HOURGLASS_SOURCE "/proxy.ini", "r");
    const char *word = section_word(option->section);
    bool is_in_section = false;
    bool is_named = false;
    char line[1024];

    cr_assert_not_null(file);
    while (fgets(line, sizeof line, file)) {
        if (*line == '[')
            is_in_section = strncmp(line + 1, word, strlen(word)) == 0;
        is_named = is_named || (is_in_section && names_key(line, option->key));
    }
    fclose(file);
    return is_named;
}

/* What a route may say as [budget] does is shown there. */
Test(option, proxy_ini_names_every_option)
{
    for (enum section_kind kind = 0; kind < SECTION_KINDS; kind++) {
        const struct option *option = option_first(kind);
        for (size_t left = option_count(kind); left > 0; left--, option++) {
            if (!(option->flags & OPTION_INHERITS))
                cr_expect(example_names(option), "[%s] %s", section_word(kind), option->key);
        }
    }
}

Test(option, the_printed_table_names_every_option)
{
    char *text;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    conf_print_options(out);
    fclose(out);
    for (enum section_kind kind = 0; kind < SECTION_KINDS; kind++) {
        const struct option *option = option_first(kind);
        cr_expect_not_null(strstr(text, section_form(kind)));
        for (size_t left = option_count(kind); left > 0; left--, option++)
            cr_expect_not_null(strstr(text, option->help), "%s", option->key);
    }
    free(text);
}
