#include <assert.h>

#include "conf/json.h"
#include "conf/template.h"
#include "conf/template_name.h"

#define HEX "0123456789ABCDEFabcdef"

/* Writing takes a byte to at most six of them, as in \u0000. */
enum { WRITTEN_MAX = 6 };

struct parser {
    struct store *store;                /* borrowed */
    const struct template_scope *scope; /* borrowed */
    const char *at;                     /* the rest of the text */
    char *literals;                     /* room for those to come */
    struct template_part *parts;
    size_t count;
    enum template_place place; /* of what comes next */
    bool is_escaped;           /* in a JSON string, behind a backslash */
};

static struct template_part *add_part(struct parser *parser)
{
    parser->parts = store_grow(parser->store, parser->parts, parser->count, sizeof *parser->parts);
    return &parser->parts[parser->count++];
}

/* Where does one stand behind this character of a literal? */
static void step_place(struct parser *parser, char c)
{
    bool was_escaped = parser->is_escaped;

    parser->is_escaped = false;
    if (parser->place == TEMPLATE_PATH && c == '?')
        parser->place = TEMPLATE_QUERY;
    else if (parser->place == TEMPLATE_BODY && c == '"')
        parser->place = TEMPLATE_BODY_STRING;
    else if (parser->place == TEMPLATE_BODY_STRING && c == '\\')
        parser->is_escaped = !was_escaped;
    else if (parser->place == TEMPLATE_BODY_STRING && c == '"' && !was_escaped)
        parser->place = TEMPLATE_BODY;
}

static const char *target_fault(struct text literal)
{
    for (size_t i = 0; i < literal.count; i++) {
        unsigned char c = (unsigned char)literal.at[i];
        if (c <= ' ' || c >= 0x7f || strchr("#\"<>\\^`{|}", c))
            return "has a character that no target can have: write it as %20 and the like";
        /* Else a value could end the escape. */
        if (c == '%' && (literal.count - i < 3 || !strchr(HEX, literal.at[i + 1]) ||
                         !strchr(HEX, literal.at[i + 2])))
            return "has a % without two hexadecimal digits";
    }
    return NULL;
}

static const char *header_fault(struct text literal)
{
    for (size_t i = 0; i < literal.count; i++) {
        unsigned char c = (unsigned char)literal.at[i];
        if ((c < ' ' && c != '\t') || c == 0x7f)
            return "holds a control character";
    }
    return NULL;
}

static const char *literal_fault(const struct template_part *part)
{
    if (part->place == TEMPLATE_PATH || part->place == TEMPLATE_QUERY)
        return target_fault(part->text);
    return part->place == TEMPLATE_HEADER ? header_fault(part->text) : NULL;
}

/* Is what comes next a part of a literal? A brace is when it stands twice. */
static bool is_literal(const struct parser *parser)
{
    char c = *parser->at;

    return c && ((c != '{' && c != '}') || parser->at[1] == c);
}

static const char *parse_literal(struct parser *parser)
{
    struct template_part part = {.kind = TEMPLATE_LITERAL, .place = parser->place};
    char *from = parser->literals;

    while (is_literal(parser)) {
        char c = *parser->at;
        parser->at += c == '{' || c == '}' ? 2 : 1;
        *parser->literals++ = c;
        step_place(parser, c);
    }
    part.text = (struct text){.at = from, .count = (size_t)(parser->literals - from)};
    if (part.text.count == 0)
        return NULL;
    *add_part(parser) = part;
    return literal_fault(&part);
}

/* From a brace to the one that closes it. */
static const char *parse_braces(struct parser *parser)
{
    const char *from = parser->at + 1;
    size_t count = strcspn(from, "{}");

    if (*parser->at == '}')
        return "has a } without its {: a brace itself is written }}";
    if (from[count] != '}')
        return "has a { without its }: a brace itself is written {{";
    struct template_part part = {.place = parser->place};
    char *name = store_copy(parser->store, from, count);
    char *bar = strchr(name, '|');
    if (bar) {
        *bar = '\0';
        part.has_otherwise = true;
        part.otherwise = text_of(bar + 1);
    }
    const char *fault = template_name_parse(parser->store, name, parser->scope, &part);
    *add_part(parser) = part;
    parser->at = from + count + 1;
    return fault;
}

static const char *parse_parts(struct parser *parser)
{
    const char *fault = NULL;

    while (*parser->at && !fault) {
        fault = parse_literal(parser);
        if (!fault && *parser->at)
            fault = parse_braces(parser);
    }
    return fault;
}

/* A value that is right in every place and, in JSON, cannot be joined to what is around it. */
static struct text value_given(void *arg, const struct template_part *part)
{
    (void)arg;
    return part->place == TEMPLATE_BODY ? TEXT("null") : TEXT("x");
}

static struct text value_missing(void *arg, const struct template_part *part)
{
    return part->has_otherwise ? (struct text){0} : value_given(arg, part);
}

/* What can be known before there are values: that defaults may stand where they do, and that the
 * values of a body stand where JSON can have some. */
static const char *try_fill(struct parser *parser, const struct template *template,
                            size_t text_count)
{
    struct template_filling filling = {.room_count = text_count * WRITTEN_MAX + 1};
    struct text plain;

    if (template_is_plain(template, &plain))
        return NULL;
    filling.room = store_take(parser->store, filling.room_count);
    enum template_result result = template_fill(template, value_missing, NULL, &filling);
    assert(result == TEMPLATE_FILLED || filling.failed->has_otherwise);
    if (result != TEMPLATE_FILLED)
        return store_print(parser->store, "has a default \"%s\" that may not stand where it would",
                           filling.failed->otherwise.at);
    result = template_fill(template, value_given, NULL, &filling);
    assert(result == TEMPLATE_FILLED);
    bool is_body = parser->place == TEMPLATE_BODY || parser->place == TEMPLATE_BODY_STRING;
    if (is_body && !json_is_value((struct text){.at = filling.room, .count = filling.count}))
        return "is not JSON when its braces are filled";
    return NULL;
}

const struct template *template_parse(struct store *store, const char *text,
                                      enum template_place place, const struct template_scope *scope,
                                      const char **ret_fault)
{
    struct parser parser = {.store = store, .scope = scope, .at = text, .place = place};
    struct template *template = store_take(store, sizeof *template);

    assert(place != TEMPLATE_BODY_STRING);
    parser.literals = store_take(store, strlen(text) + 1);
    const char *fault = parse_parts(&parser);
    *template = (struct template){.parts = parser.parts, .count = parser.count};
    if (!fault)
        fault = try_fill(&parser, template, strlen(text));
    *ret_fault = fault;
    return fault ? NULL : template;
}
