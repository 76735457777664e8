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

static const char *choose(bool *field, const char *text, const char *const words[2],
                          struct store *store)
{
    *field = strcmp(text, words[1]) == 0;
    if (*field || strcmp(text, words[0]) == 0)
        return NULL;
    return store_print(store, "must be %s or %s", words[0], words[1]);
}

const char *set_malformed(void *field, const char *text, struct store *store)
{
    return choose(field, text, (const char *[]){"default", "reject"}, store);
}

const char *set_scale(void *field, const char *text, struct store *store)
{
    return choose(field, text, (const char *[]){"cap", "proportional"}, store);
}

const char *set_mode(void *field, const char *text, struct store *store)
{
    return choose(field, text, (const char *[]){"enforce", "observe"}, store);
}

const char *set_half_close(void *field, const char *text, struct store *store)
{
    return choose(field, text, (const char *[]){"abort", "continue"}, store);
}

const char *set_on_expiry(void *field, const char *text, struct store *store)
{
    return choose(field, text, (const char *[]){"cancel", "drain"}, store);
}

const char *set_yes(void *field, const char *text, struct store *store)
{
    return choose(field, text, (const char *[]){"no", "yes"}, store) ? "must be yes or no" : NULL;
}

const char *set_log_format(void *field, const char *text, struct store *store)
{
    return choose(field, text, (const char *[]){"logfmt", "json"}, store);
}

const char *set_expose(void *field, const char *text, struct store *store)
{
    static const char *const words[] = {
        [EXPOSE_NONE] = "none", [EXPOSE_REASON] = "reason", [EXPOSE_LEDGER] = "ledger"};

    (void)store;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        *(enum expose *)field = (enum expose)i;
        if (strcmp(text, words[i]) == 0)
            return NULL;
    }
    return "must be none, reason or ledger";
}

const char *set_log_when(void *field, const char *text, struct store *store)
{
    static const char slow[] = "slow:";
    struct log_when *when = field;

    *when = (struct log_when){.kind = LOG_WHEN_ALL};
    if (strcmp(text, "all") == 0)
        return NULL;
    when->kind = LOG_WHEN_FAILED;
    if (strcmp(text, "failed") == 0)
        return NULL;
    when->kind = LOG_WHEN_SLOW;
    if (strncmp(text, slow, strlen(slow)) != 0)
        return "must be all, failed, or slow and a share, as in slow:80%";
    text += strlen(slow);
    return set_share(&when->share, text + strspn(text, " \t"), store);
}

const char *set_log_sample(void *field, const char *text, struct store *store)
{
    *(int32_t *)field = -1;
    return strcmp(text, "auto") == 0 ? NULL : set_share(field, text, store);
}

/* No JSON begins with the word call, so no body is mistaken for one. */
const char *set_fallback(void *field, const char *text, struct store *store)
{
    struct fallback *fallback = field;
    size_t count = strcspn(text, " \t");

    if (!text_is((struct text){.at = text, .count = count}, TEXT("call"))) {
        fallback->body = text_of(store_string(store, text));
        return NULL;
    }
    const char *name = text + count + strspn(text + count, " \t");
    if (!*name || name_fault(name))
        return "must be call NAME, as in call cached, or JSON";
    fallback->call = store_string(store, name);
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
