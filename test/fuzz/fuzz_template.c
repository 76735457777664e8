/* A template as anybody may write it, filled with values as anybody may send them. The input is a
 * letter for the place (p, q, h or b), the template up to the end of the line, and then values,
 * each with its length in one byte before it; 0xff stands for one that is missing. */
#include "conf/template.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "conf/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

static const struct text names[] = {{"id", 2}, {"name", 4}};
static const char *const calls[] = {"auth", "stock", "price", "order", "kept"};
static const size_t places[] = {0, 1, 2, 3, 2};
static const struct template_scope scope = {.names = names,
                                            .names_count = 2,
                                            .calls = calls,
                                            .calls_count = 5,
                                            .places = places,
                                            .calls_over = 2,
                                            .calls_begun = 3,
                                            .self = 2};

/* The rest of the input. */
struct values {
    const char *at;
    size_t count;
};

static struct text next_value(void *arg, const struct template_part *part)
{
    struct values *values = arg;

    assert(part->kind != TEMPLATE_LITERAL);
    if (values->count == 0 || (uint8_t)values->at[0] == 0xff)
        return (struct text){0};
    size_t count = (uint8_t)values->at[0];
    if (count > values->count - 1)
        count = values->count - 1;
    struct text value = {.at = values->at + 1, .count = count};
    values->at += count + 1;
    values->count -= count + 1;
    return value;
}

static size_t count_in(struct text text, char c)
{
    size_t count = 0;

    for (size_t i = 0; i < text.count; i++)
        count += text.at[i] == c;
    return count;
}

static size_t count_in_literals(const struct template *template, char c)
{
    size_t count = 0;

    for (size_t i = 0; i < template->count; i++) {
        if (template->parts[i].kind == TEMPLATE_LITERAL)
            count += count_in(template->parts[i].text, c);
    }
    return count;
}

/* No mark that means something comes from a value. */
static void check_target(const struct template *template, struct text filled)
{
    static const char marks[] = "/?&=;:@+,";

    for (size_t i = 0; i < sizeof marks - 1; i++)
        assert(count_in(filled, marks[i]) == count_in_literals(template, marks[i]));
    for (size_t i = 0; i < filled.count; i++) {
        assert(filled.at[i] > ' ' && filled.at[i] < 0x7f && filled.at[i] != '#');
        assert(filled.at[i] != '%' || filled.count - i >= 3);
    }
}

static void check_header(struct text filled)
{
    for (size_t i = 0; i < filled.count; i++) {
        unsigned char c = (unsigned char)filled.at[i];
        assert((c >= ' ' || c == '\t') && c != 0x7f);
    }
}

static void check_filled(const struct template *template, enum template_place place,
                         struct text filled)
{
    struct text plain;
    bool is_plain = template_is_plain(template, &plain);

    if (is_plain)
        assert(text_is(plain, filled));
    if (place == TEMPLATE_PATH || place == TEMPLATE_QUERY)
        check_target(template, filled);
    else if (place == TEMPLATE_HEADER)
        check_header(filled);
    else
        assert(is_plain || json_is_value(filled));
}

/* room_count is exact, so that a byte behind it is found. */
static enum template_result fill(const struct template *template, enum template_place place,
                                 struct values values, size_t *room_count)
{
    struct template_filling filling = {.room = malloc(*room_count), .room_count = *room_count};

    assert(filling.room);
    enum template_result result = template_fill(template, next_value, &values, &filling);
    assert(filling.count < *room_count && filling.room[filling.count] == '\0');
    assert((result == TEMPLATE_FILLED) == !filling.failed);
    if (result == TEMPLATE_FILLED)
        check_filled(template, place, (struct text){filling.room, filling.count});
    else
        assert(filling.count == 0);
    free(filling.room);
    *room_count = filling.count + 1;
    return result;
}

static void check_template(const struct template *template, enum template_place place,
                           struct values values)
{
    size_t room_count = 65536;

    if (fill(template, place, values, &room_count) != TEMPLATE_FILLED)
        return;
    assert(fill(template, place, values, &room_count) == TEMPLATE_FILLED);
    if (--room_count > 0)
        assert(fill(template, place, values, &room_count) == TEMPLATE_TOO_LONG);
}

static enum template_place place_of(char letter)
{
    switch (letter) {
    case 'p':
        return TEMPLATE_PATH;
    case 'q':
        return TEMPLATE_QUERY;
    case 'h':
        return TEMPLATE_HEADER;
    default:
        return TEMPLATE_BODY;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    struct store store = {0};
    const char *end = count > 0 ? memchr(bytes, '\n', count) : NULL;
    const char *fault = NULL;

    if (!end || end == (const char *)bytes)
        return 0;
    const char *from = (const char *)bytes + 1;
    enum template_place place = place_of((char)bytes[0]);
    const char *text = store_copy(&store, from, (size_t)(end - from));
    const struct template *template = template_parse(&store, text, place, &scope, &fault);

    assert(!template == (fault != NULL));
    if (template)
        check_template(template, place,
                       (struct values){end + 1, count - (size_t)(end + 1 - (const char *)bytes)});
    store_finish(&store);
    return 0;
}
