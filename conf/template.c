#include "conf/template.h"

#include "conf/template_write.h"

bool template_is_plain(const struct template *template, struct text *ret_text)
{
    if (template->count > 1 ||
        (template->count == 1 && template->parts[0].kind != TEMPLATE_LITERAL))
        return false;
    *ret_text = template->count == 1 ? template->parts[0].text : TEXT_NONE;
    return true;
}

bool template_needs_body(const struct template *template, size_t call)
{
    for (size_t i = 0; i < template->count; i++) {
        if (template->parts[i].kind == TEMPLATE_CALL_BODY && template->parts[i].number == call)
            return true;
    }
    return false;
}

struct filler {
    struct template_filling *filling; /* borrowed */
    template_value *value;
    void *arg;
    size_t segment;                   /* where the path's segment under way begins */
    const struct template_part *last; /* the last value in that segment; NULL: none */
};

/* Does a segment say more than nothing, `.` or `..`? Those are taken out by whoever resolves the
 * path (RFC 3986 section 5.2.4), also when their dots are escaped. */
static bool segment_is_solid(struct text segment)
{
    size_t dots = 0;

    for (size_t at = 0; at < segment.count; dots++) {
        if (segment.at[at] == '.')
            at++;
        else if (segment.count - at >= 3 && strncasecmp(segment.at + at, "%2e", 3) == 0)
            at += 3;
        else
            return true;
    }
    return dots > 2;
}

/* A value decides what is in its segment, never how many segments there are. */
static enum template_result end_segment(struct filler *filler)
{
    struct template_filling *filling = filler->filling;
    struct text segment = {.at = filling->room + filler->segment,
                           .count = filling->count - filler->segment};

    if (filler->last && !segment_is_solid(segment)) {
        filling->failed = filler->last;
        return TEMPLATE_BAD_VALUE;
    }
    filler->last = NULL;
    return TEMPLATE_FILLED;
}

static size_t count_to_mark(struct text text)
{
    size_t count = 0;

    while (count < text.count && text.at[count] != '/' && text.at[count] != '?')
        count++;
    return count;
}

/* Behind a question mark there is no value in a segment any more, and slashes do not matter. */
static enum template_result fill_path(struct filler *filler, struct text literal)
{
    for (;;) {
        size_t count = count_to_mark(literal);
        if (!template_append(filler->filling, (struct text){.at = literal.at, .count = count}))
            return TEMPLATE_TOO_LONG;
        if (count == literal.count)
            return TEMPLATE_FILLED;
        enum template_result result = end_segment(filler);
        if (result != TEMPLATE_FILLED)
            return result;
        if (!template_append(filler->filling, (struct text){.at = literal.at + count, .count = 1}))
            return TEMPLATE_TOO_LONG;
        filler->segment = filler->filling->count;
        literal.at += count + 1;
        literal.count -= count + 1;
    }
}

static enum template_result fill_value(struct filler *filler, const struct template_part *part)
{
    struct text value = filler->value(filler->arg, part);

    if (!value.at && part->has_otherwise)
        value = part->otherwise;
    if (!value.at)
        return TEMPLATE_NO_VALUE;
    if (part->place == TEMPLATE_PATH)
        filler->last = part;
    return template_write(filler->filling, part, value);
}

static enum template_result fill_part(struct filler *filler, const struct template_part *part)
{
    if (part->kind != TEMPLATE_LITERAL)
        return fill_value(filler, part);
    if (part->place == TEMPLATE_PATH)
        return fill_path(filler, part->text);
    return template_append(filler->filling, part->text) ? TEMPLATE_FILLED : TEMPLATE_TOO_LONG;
}

static enum template_result fill_parts(struct filler *filler, const struct template *template)
{
    for (size_t i = 0; i < template->count; i++) {
        enum template_result result = fill_part(filler, &template->parts[i]);
        if (result == TEMPLATE_FILLED)
            continue;
        if (!filler->filling->failed)
            filler->filling->failed = &template->parts[i];
        return result;
    }
    return end_segment(filler);
}

enum template_result template_fill(const struct template *template, template_value *value,
                                   void *arg, struct template_filling *filling)
{
    struct filler filler = {.filling = filling, .value = value, .arg = arg};

    filling->count = 0;
    filling->failed = NULL;
    if (filling->room_count == 0)
        return TEMPLATE_TOO_LONG;
    enum template_result result = fill_parts(&filler, template);
    if (result != TEMPLATE_FILLED)
        filling->count = 0;
    filling->room[filling->count] = '\0';
    return result;
}
