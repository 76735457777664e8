/* Setters under test: what they say to a text, and a store for what they make of it. */
#pragma once

#include <criterion/criterion.h>
#include <stddef.h>

#include "conf/store.h"
#include "conf/value.h"

/* A text and how the sentence of complaint ends; NULL: it is taken. */
struct setter_case {
    const char *text;
    const char *fault;
};

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* Each case writes into its own zeroed piece of `size` bytes. */
static inline void check_setter(option_set *set, size_t size, const struct setter_case *cases,
                                size_t count)
{
    struct store store = {0};

    for (size_t i = 0; i < count; i++) {
        const char *fault = set(store_take(&store, size), cases[i].text, &store);
        if (cases[i].fault)
            cr_expect_str_eq(fault ? fault : "(taken)", cases[i].fault, "\"%s\": %s", cases[i].text,
                             fault ? fault : "(taken)");
        else
            cr_expect_null(fault, "\"%s\": %s", cases[i].text, fault);
    }
    store_finish(&store);
}
