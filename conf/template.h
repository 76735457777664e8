/* Text with names in braces: parsed once, when the configuration is read, and filled for each
 * request without a look at the braces again.
 *
 *   {id}                       a segment of the path, by its name in the route's pattern
 *   {query.name}               the first of that name in the client's query, decoded
 *   {header.name}              the first of that name in the client's request
 *   {call.status}              of a call in an earlier step
 *   {call.header.name}
 *   {call.body/json/pointer}   RFC 6901; strings as they are, other values as JSON writes them
 *   {call.body}                the same of the whole body, which must be JSON
 *   {call.header.name|none}    with a default for when there is no such value; may be empty
 *   {{ and }}                  the braces themselves
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "budget/checked.h"
#include "conf/store.h"
#include "conf/text.h"

/* Where the filled text goes, which decides how values are written. */
enum template_place {
    TEMPLATE_PATH,        /* of a request: percent-encoded, slashes too */
    TEMPLATE_QUERY,       /* behind its question mark: percent-encoded */
    TEMPLATE_HEADER,      /* as it is; a control character is a fault */
    TEMPLATE_BODY,        /* JSON: a number, true, false or null; of a call's body any value */
    TEMPLATE_BODY_STRING, /* inside a string of such a body: escaped. Parts have it, templates not */
};

enum template_kind {
    TEMPLATE_LITERAL,
    TEMPLATE_NAME, /* number: of the {name} segment in the pattern */
    TEMPLATE_CLIENT_QUERY,
    TEMPLATE_CLIENT_HEADER,
    TEMPLATE_CALL_STATUS, /* number: index of the call in the route */
    TEMPLATE_CALL_HEADER,
    TEMPLATE_CALL_BODY,
};

struct template_part {
    enum template_kind kind;
    enum template_place place;
    size_t number;
    struct text
        text; /* the literal; the header's or query's name; the JSON pointer, which may be empty */
    struct text otherwise; /* the default */
    bool has_otherwise;
};

struct template
{
    struct template_part *parts;
    size_t count;
};

/* What a template may speak of. */
struct template_scope {
    const struct text *names; /* of the pattern's {name} segments, in its order; NULL: not known,
                               * and no name is a fault */
    size_t names_count;
    const char *const *calls; /* the route's, as in struct conf_route */
    size_t calls_count;
    const size_t *places; /* of each call the one in whose place it is made: itself in a step */
    size_t calls_over;    /* so many of them are over when this is filled: all before its step */
    size_t calls_begun;   /* and so many have begun: those, and all of its step */
    size_t self; /* index of the call whose template this is, in that step or for one of it */
};

/* Parses text. NULL with *ret_fault the end of a sentence ("names {x}, which is no ...") when it
 * cannot be filled; the sentence and the template are in store. With place TEMPLATE_PATH, the parts
 * behind the first literal question mark are TEMPLATE_QUERY. With TEMPLATE_BODY, a text with
 * braces must be JSON, whatever its values are. */
CHECKED const struct template *template_parse(struct store *store, const char *text,
                                              enum template_place place,
                                              const struct template_scope *scope,
                                              const char **ret_fault);

/* Is it one literal, or none? Then *ret_text is what it says, borrowed. */
bool template_is_plain(const struct template *template, struct text *ret_text);

/* Does it need the body of that call? */
bool template_needs_body(const struct template *template, size_t call);

/* Where values come from. Returns a text with at == NULL when there is no such value. The text is
 * borrowed until the next call of it. Escapes of the path and the query are undone in it. Of a
 * call's body in TEMPLATE_BODY it is the value as JSON, strings in quotes; everywhere else strings
 * are without. */
typedef struct text template_value(void *arg, const struct template_part *part);

enum template_result {
    TEMPLATE_FILLED,
    TEMPLATE_NO_VALUE,  /* a value is missing, and there is no default */
    TEMPLATE_BAD_VALUE, /* a value may not stand where it would: it would change what is around it */
    TEMPLATE_TOO_LONG,  /* it does not fit the room */
};

/* Where it is written to, and what became of it. The room is empty text unless all was filled. */
struct template_filling {
    char *room; /* borrowed; the text is terminated */
    size_t room_count;
    size_t count;                       /* out: length of the text */
    const struct template_part *failed; /* out: NULL when nothing did */
};

CHECKED enum template_result template_fill(const struct template *template, template_value *value,
                                           void *arg, struct template_filling *filling);
