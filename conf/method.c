#include "conf/method.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

#include "conf/nearest.h"

#define OTHER (UINT64_C(1) << 63)

/* In the order in which Allow names them. CONNECT and TRACE are missing: the proxy refuses them
 * before it looks for a route. */
static const char *const names[] = {
    "GET",    "HEAD",       "POST",       "PUT",      "PATCH",  "DELETE",    "OPTIONS",
    "QUERY",  "COPY",       "LOCK",       "MKCOL",    "MOVE",   "PROPFIND",  "PROPPATCH",
    "SEARCH", "UNLOCK",     "BIND",       "REBIND",   "UNBIND", "ACL",       "REPORT",
    "MERGE",  "CHECKOUT",   "MKACTIVITY", "M-SEARCH", "NOTIFY", "SUBSCRIBE", "UNSUBSCRIBE",
    "PURGE",  "MKCALENDAR", "LINK",       "UNLINK",   "SOURCE",
};
enum { NAMES_COUNT = sizeof names / sizeof names[0] };
static_assert(NAMES_COUNT < 63, "one bit is kept for all others");

method_set method_of(struct text name)
{
    for (size_t i = 0; i < NAMES_COUNT; i++) {
        if (name.count > 0 && name.at[0] == names[i][0] && text_is(name, text_of(names[i])))
            return UINT64_C(1) << i;
    }
    return OTHER;
}

const char *method_read(const char *name, method_set *ret_set, struct store *store)
{
    struct nearest nearest = nearest_to(name);

    *ret_set = method_of(text_of(name));
    if (*ret_set != OTHER)
        return NULL;
    if (strcmp(name, "CONNECT") == 0 || strcmp(name, "TRACE") == 0)
        return store_print(store, "names %s, which is always refused", name);
    for (size_t i = 0; i < NAMES_COUNT; i++)
        nearest_offer(&nearest, names[i]);
    return store_print(store, "has an unknown method \"%s\"%s", name,
                       nearest_question(&nearest, store));
}

bool method_is_idempotent(method_set set)
{
    static const char *const safe[] = {"GET", "HEAD", "OPTIONS", "PUT", "DELETE"};

    for (size_t i = 0; i < sizeof safe / sizeof safe[0]; i++) {
        if (set & method_of(text_of(safe[i])))
            return true;
    }
    return false;
}

char *method_list(method_set set, struct store *store)
{
    char *list = store_string(store, "");

    for (size_t i = 0; i < NAMES_COUNT; i++) {
        if (set & (UINT64_C(1) << i))
            list = store_print(store, "%s%s%s", list, *list ? ", " : "", names[i]);
    }
    return list;
}
