/* Setters of words and plain text. */
#include <stdbool.h>
#include <string.h>

#include "conf/text.h"
#include "conf/value.h"
#include "conf/words.h"

const char *set_text(void *field, const char *text, struct store *store)
{
    *(char **)field = store_string(store, text);
    return NULL;
}

const char *set_name(void *field, const char *text, struct store *store)
{
    const char *fault = name_fault(text);

    if (fault)
        return fault;
    return set_text(field, text, store);
}

static const char *choose(bool *field, const char *text, const char *const words[2])
{
    *field = strcmp(text, words[1]) == 0;
    return *field || strcmp(text, words[0]) == 0 ? NULL : "";
}

const char *set_malformed(void *field, const char *text, struct store *store)
{
    (void)store;
    return choose(field, text, (const char *[]){"default", "reject"}) ? "must be default or reject"
                                                                      : NULL;
}

const char *set_scale(void *field, const char *text, struct store *store)
{
    (void)store;
    return choose(field, text, (const char *[]){"cap", "proportional"})
               ? "must be cap or proportional"
               : NULL;
}

const char *set_optional(void *field, const char *text, struct store *store)
{
    (void)store;
    return choose(field, text, (const char *[]){"no", "yes"}) ? "must be yes or no" : NULL;
}

const char *set_fallback(void *field, const char *text, struct store *store)
{
    if (strncmp(text, "call ", strlen("call ")) == 0)
        return "to another call is not supported yet: write the body itself";
    *(struct text *)field = text_of(store_string(store, text));
    return NULL;
}

/* A bare word is more likely a misspelt stderr than a file. */
const char *set_log(void *field, const char *text, struct store *store)
{
    bool is_word = strcmp(text, "stderr") == 0 || strcmp(text, "off") == 0;

    if (!is_word && !strpbrk(text, "./"))
        return "must be stderr, off or the path of a file, such as ./access.log";
    return set_text(field, text, store);
}

/* words[0] is what is done today, words[1] is known but not there yet. */
static const char *only_first(const char *text, const char *const words[2], struct store *store)
{
    bool is_second;

    if (choose(&is_second, text, words))
        return store_print(store, "must be %s or %s", words[0], words[1]);
    return is_second ? store_print(store, "= %s is not supported yet", text) : NULL;
}

const char *set_mode(void *field, const char *text, struct store *store)
{
    (void)field;
    return only_first(text, (const char *[]){"enforce", "observe"}, store);
}

const char *set_half_close(void *field, const char *text, struct store *store)
{
    (void)field;
    return only_first(text, (const char *[]){"abort", "continue"}, store);
}

const char *set_hedge(void *field, const char *text, struct store *store)
{
    struct span delay;
    const char *fault;

    (void)field;
    if (strcmp(text, "off") == 0)
        return NULL;
    fault = set_some_span(&delay, text, store);
    return fault ? "must be off or a duration such as 80ms"
                 : store_print(store, "= %s is not supported yet", text);
}
