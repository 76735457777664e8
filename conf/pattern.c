#include "conf/pattern.h"

#include <string.h>

#include "conf/route.h"
#include "conf/words.h"

/* What a path may hold (RFC 3986 section 3.3), but for slashes and letters and digits. */
#define PATH_MARKS "-._~!$&'()*+,;=:@%"
#define HEX "0123456789ABCDEFabcdef"

struct text segment_next(const char **at, const char *end)
{
    const char *from = *at;
    const char *slash = memchr(from, '/', (size_t)(end - from));

    *at = slash ? slash + 1 : NULL;
    return (struct text){.at = from, .count = (size_t)((slash ? slash : end) - from)};
}

enum segment_kind segment_kind(struct text segment)
{
    if (text_is(segment, TEXT("*")))
        return SEGMENT_REST;
    return segment.count > 0 && segment.at[0] == '{' ? SEGMENT_NAME : SEGMENT_LITERAL;
}

static const char *check_literal(struct text segment)
{
    if (memchr(segment.at, '*', segment.count))
        return "may have * only alone, as its last segment";
    if (memchr(segment.at, '{', segment.count) || memchr(segment.at, '}', segment.count))
        return "may have {name} only as a whole segment";
    if (text_is(segment, TEXT(".")) || text_is(segment, TEXT("..")))
        return "has a segment . or .., which clients take out before they send";
    for (size_t i = 0; i < segment.count; i++) {
        char c = segment.at[i];
        bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!is_plain && !memchr(PATH_MARKS, c, sizeof PATH_MARKS - 1))
            return "has a character that no path can have: write it as %20 and the like";
        if (c == '%' && (i + 2 >= segment.count || !strchr(HEX, segment.at[i + 1]) ||
                         !strchr(HEX, segment.at[i + 2])))
            return "has a % without two hexadecimal digits";
    }
    return NULL;
}

/* earlier: what stands before this segment, to be searched for the same name. */
static const char *check_name(struct text segment, const char *earlier, struct store *store)
{
    if (segment.at[segment.count - 1] != '}')
        return "may have {name} only as a whole segment";
    const char *name = store_copy(store, segment.at + 1, segment.count - 2);
    const char *fault = name_fault(name);
    if (fault)
        return store_print(store, "has a name in braces that %s", fault);
    const char *whole = store_print(store, "/{%s}/", name);
    if (strstr(store_copy(store, earlier, (size_t)(segment.at - earlier)), whole))
        return store_print(store, "has {%s} twice", name);
    return NULL;
}

static const char *check_path(const char *path, struct store *store)
{
    const char *end = path + strlen(path);
    size_t names_count = 0;

    for (const char *at = path + 1; at;) {
        const char *fault = NULL;
        struct text segment = segment_next(&at, end);
        enum segment_kind kind = segment_kind(segment);
        if (kind == SEGMENT_LITERAL)
            fault = check_literal(segment);
        else if (kind == SEGMENT_NAME)
            fault = check_name(segment, path, store);
        else if (at)
            fault = "may have * only alone, as its last segment";
        if (fault)
            return fault;
        names_count += kind == SEGMENT_NAME;
    }
    return names_count > ROUTE_NAMES_MAX ? "has more than 16 names in braces" : NULL;
}

static const char *read_methods(const char *list, method_set *methods, struct store *store)
{
    method_set get = method_of(TEXT("GET"));
    method_set seen = 0;

    while (list) {
        method_set method;
        const char *name = items_next(&list, ',', store);
        if (strpbrk(name, " \t"))
            return "needs commas between its methods, as in GET,POST /order/{id}";
        const char *fault = method_read(name, &method, store);
        if (fault)
            return fault;
        if (seen & method)
            return "has a method twice";
        seen |= method;
    }
    *methods = seen & get ? seen | method_of(TEXT("HEAD")) : seen;
    return NULL;
}

/* As other proxies mark a regular expression, or as one begins. No method has these. */
static bool is_expression(const char *text)
{
    char first = text[strcspn(text, "~^/")];

    return first == '~' || first == '^';
}

const char *set_match(void *field, const char *text, struct store *store)
{
    struct pattern *pattern = field;
    const char *path = strchr(text, '/');
    const char *fault = NULL;

    if (is_expression(text))
        return "takes a path and no regular expression: {name} is one segment, * at the end the "
               "rest";
    if (!path)
        return "needs a path that begins with /, as in GET,POST /order/{id}";
    if (path > text && !is_blank(path[-1]))
        return "needs a blank between the methods and the path";
    pattern->methods = METHODS_ANY;
    if (path > text)
        fault =
            read_methods(store_copy(store, text, (size_t)(path - text)), &pattern->methods, store);
    if (!fault)
        fault = check_path(path, store);
    if (!fault)
        pattern->path = store_string(store, path);
    return fault;
}

size_t pattern_names(const struct pattern *pattern, struct text *names)
{
    const char *end = pattern->path + strlen(pattern->path);
    size_t count = 0;

    for (const char *at = pattern->path + 1; at;) {
        struct text segment = segment_next(&at, end);
        if (segment_kind(segment) == SEGMENT_NAME)
            names[count++] = (struct text){.at = segment.at + 1, .count = segment.count - 2};
    }
    return count;
}

const char *set_request(void *field, const char *text, struct store *store)
{
    struct request *request = field;
    size_t count = strcspn(text, " \t");
    method_set methods;
    char *method = store_copy(store, text, count);
    const char *target = text + count + strspn(text + count, " \t");
    const char *fault;

    if (*target != '/' && strstr(text, "://"))
        return "must have a path and no host, which is said by url in [upstream NAME]";
    if (*target != '/')
        return "must be a method and a path, as in GET /stock?fast=1";
    fault = method_read(method, &methods, store);
    if (!fault)
        *request = (struct request){.method = method, .target = store_string(store, target)};
    return fault;
}
