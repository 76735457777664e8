#include "conf/template_name.h"

#include "conf/nearest.h"
#include "conf/words.h"

struct naming {
    struct store *store;                /* borrowed */
    const struct template_scope *scope; /* borrowed */
    const char *whole;                  /* what stands in the braces */
    const char *rest;                   /* behind its first dot; NULL: it has none */
};

static const char *name_unknown(const struct naming *naming)
{
    struct nearest nearest = nearest_to(naming->whole);

    for (size_t i = 0; i < naming->scope->names_count; i++) {
        struct text name = naming->scope->names[i];
        nearest_offer(&nearest, store_copy(naming->store, name.at, name.count));
    }
    return store_print(naming->store, "names {%s}, which is not in the path%s", naming->whole,
                       nearest_question(&nearest, naming->store));
}

static const char *call_unknown(const struct naming *naming, const char *call)
{
    struct nearest nearest = nearest_to(call);

    nearest_offer(&nearest, "query");
    nearest_offer(&nearest, "header");
    for (size_t i = 0; i < naming->scope->calls_over; i++)
        nearest_offer(&nearest, naming->scope->calls[i]);
    return store_print(naming->store, "names {%s}, but there is no call %s%s", naming->whole, call,
                       nearest_question(&nearest, naming->store));
}

static const char *part_unknown(const struct naming *naming)
{
    return store_print(naming->store,
                       "names {%s}: a call has status, header.NAME, body and body/POINTER",
                       naming->whole);
}

static const char *query_unnamed(const struct naming *naming)
{
    return store_print(naming->store, "names {%s} without which: {query.page}, for example",
                       naming->whole);
}

static const char *header_unnamed(const struct naming *naming)
{
    return store_print(naming->store,
                       "names {%s}, which has no header's name: letters, digits and - will do",
                       naming->whole);
}

static const char *parse_header(const struct naming *naming, const char *header,
                                struct template_part *part)
{
    if (!token_is(header))
        return header_unnamed(naming);
    part->text = text_of(header);
    return NULL;
}

/* RFC 6901 section 3. An empty pointer is for the whole. */
static const char *parse_pointer(const struct naming *naming, const char *pointer,
                                 struct template_part *part)
{
    if (*pointer && *pointer != '/')
        return store_print(naming->store,
                           "names {%s}: body is followed by nothing, or by / and a JSON pointer, "
                           "as in body/a/b",
                           naming->whole);
    for (const char *at = strchr(pointer, '~'); at; at = strchr(at + 1, '~')) {
        if (at[1] != '0' && at[1] != '1')
            return store_print(naming->store,
                               "names {%s}: a JSON pointer has ~0 for ~ and ~1 for a / in a name",
                               naming->whole);
    }
    part->text = text_of(pointer);
    return NULL;
}

static const char *parse_call_part(const struct naming *naming, struct template_part *part)
{
    const char *rest = naming->rest;

    if (strcmp(rest, "status") == 0) {
        part->kind = TEMPLATE_CALL_STATUS;
        return NULL;
    }
    if (strncmp(rest, "header.", 7) == 0) {
        part->kind = TEMPLATE_CALL_HEADER;
        return parse_header(naming, rest + 7, part);
    }
    if (strncmp(rest, "body", 4) == 0 && strcspn(rest, "./") == 4) {
        part->kind = TEMPLATE_CALL_BODY;
        return parse_pointer(naming, rest + 4, part);
    }
    return part_unknown(naming);
}

/* Why nothing can be known of a call that there is. */
static const char *call_not_over(const struct naming *naming, size_t i)
{
    const struct template_scope *scope = naming->scope;
    const char *call = scope->calls[i];

    if (i == scope->self)
        return store_print(naming->store, "names %s, which is this very call", call);
    if (scope->places[i] != i)
        return store_print(naming->store, "names %s, which stands in for %s: name that one", call,
                           scope->calls[scope->places[i]]);
    if (i == scope->places[scope->self])
        return store_print(naming->store, "names %s, which has failed by then", call);
    return store_print(naming->store, "names %s, which runs %s", call,
                       i < scope->calls_begun ? "at the same time" : "later");
}

static const char *parse_call(const struct naming *naming, const char *call,
                              struct template_part *part)
{
    const struct template_scope *scope = naming->scope;
    size_t i = 0;

    while (i < scope->calls_count && strcmp(scope->calls[i], call) != 0)
        i++;
    if (i == scope->calls_count)
        return call_unknown(naming, call);
    if (scope->places[i] == i && i < scope->calls_over) {
        part->number = i;
        return parse_call_part(naming, part);
    }
    return call_not_over(naming, i);
}

static const char *parse_query(const struct naming *naming, struct template_part *part)
{
    if (!*naming->rest)
        return query_unnamed(naming);
    part->kind = TEMPLATE_CLIENT_QUERY;
    part->text = text_of(naming->rest);
    return NULL;
}

/* Names of the path have no dot, and all others have one. */
static const char *parse_undotted(const struct naming *naming, struct template_part *part)
{
    const struct template_scope *scope = naming->scope;
    struct text name = text_of(naming->whole);

    for (size_t i = 0; i < scope->names_count; i++) {
        if (text_is(scope->names[i], name)) {
            part->kind = TEMPLATE_NAME;
            part->number = i;
            part->text = name;
            return NULL;
        }
    }
    for (size_t i = 0; i < scope->calls_count; i++) {
        if (strcmp(scope->calls[i], naming->whole) == 0)
            return part_unknown(naming);
    }
    if (text_is(name, TEXT("query")))
        return query_unnamed(naming);
    if (text_is(name, TEXT("header")))
        return header_unnamed(naming);
    if (scope->names)
        return name_unknown(naming);
    part->kind = TEMPLATE_NAME;
    part->text = name;
    return NULL;
}

const char *template_name_parse(struct store *store, const char *name,
                                const struct template_scope *scope, struct template_part *part)
{
    size_t count = strcspn(name, ".");
    struct naming naming = {.store = store, .scope = scope, .whole = name};
    const char *first = store_copy(store, name, count);

    if (!*name)
        return "has braces without a name";
    if (name_fault(first))
        return store_print(store, "names {%s}, which is no name: a brace itself is written {{",
                           name);
    if (!name[count])
        return parse_undotted(&naming, part);
    naming.rest = name + count + 1;
    if (strcmp(first, "query") == 0)
        return parse_query(&naming, part);
    if (strcmp(first, "header") != 0)
        return parse_call(&naming, first, part);
    part->kind = TEMPLATE_CLIENT_HEADER;
    return parse_header(&naming, naming.rest, part);
}
