#include "conf/lines.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <ini.h>

#define BLANKS " \t"

/* Where inih would see a comment begin: a semicolon after a blank. NULL: nowhere. */
static char *find_comment(char *text)
{
    for (char *at = strchr(text, ';'); at; at = strchr(at + 1, ';')) {
        if (at > text && strchr(BLANKS, at[-1]))
            return at;
    }
    return NULL;
}

static bool is_quoted(const char *text, const char *end)
{
    bool quoted = false;

    for (const char *at = text; at < end; at++) {
        if (*at == '\\' && quoted && at + 1 < end)
            at++;
        else if (*at == '"')
            quoted = !quoted;
    }
    return quoted;
}

/* Cuts line end, byte order mark and, for the length, nothing else. */
static size_t strip_ends(struct lines *lines, size_t count)
{
    if (count > 0 && lines->text[count - 1] == '\n')
        count--;
    if (count > 0 && lines->text[count - 1] == '\r')
        count--;
    lines->text[count] = '\0';
    if (lines->line == 1 && count >= 3 && memcmp(lines->text, "\xEF\xBB\xBF", 3) == 0) {
        count -= 3;
        memmove(lines->text, lines->text + 3, count + 1);
    }
    return count;
}

/* How the sentence "this line ..." ends, or NULL. */
static const char *find_bad_byte(const char *text, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        unsigned char byte = (unsigned char)text[i];
        if (byte == '\0')
            return "holds a NUL byte";
        if ((byte < ' ' && byte != '\t') || byte == 0x7f)
            return "holds a control character";
    }
    return NULL;
}

/* [title], already known to begin with a bracket. */
static const char *check_section(char *text, char **ret_title)
{
    char *comment = find_comment(text);
    char *end = strchr(text, ']');

    if (!end || (comment && comment < end))
        return "opens a section with [ but does not close it with ]";
    char *after = end + 1 + strspn(end + 1, BLANKS);
    if (*after && *after != ';')
        return "has text after the ] of the section";
    *end = '\0';
    *ret_title = text + 1 + strspn(text + 1, BLANKS);
    while (end > *ret_title && strchr(BLANKS, end[-1]))
        *--end = '\0';
    if (strlen(*ret_title) > SECTION_MAX_BYTES)
        return "names a section with more than 49 bytes";
    return NULL;
}

static const char *check_entry(char *text)
{
    char *comment = find_comment(text);
    char *equals = strchr(text, '=');
    char *colon = strchr(text, ':');

    if (!equals || (comment && comment < equals))
        return "has no =: write key = value";
    if (equals == text)
        return "has nothing before the =: write key = value";
    if (colon && colon < equals)
        return "has a : before the =: write key = value";
    if (comment && is_quoted(equals, comment))
        return "has a blank and ; inside double quotes, where a comment would begin: leave out the "
               "blank";
    return NULL;
}

/* Says what is wrong with an entry's line, or NULL when inih may have it. */
static const char *take_entry(struct lines *lines)
{
    const char *fault = check_entry(lines->text);

    if (!fault && lines->place == BEFORE_SECTIONS)
        return "stands before the first section";
    return fault;
}

static const char *take_section(struct lines *lines)
{
    char *copy = store_string(lines->complaints->store, lines->text);
    char *title;
    const char *fault = check_section(copy, &title);

    lines->place = fault ? IN_BAD_SECTION : IN_SECTION;
    if (!fault)
        lines->on_section(lines->owner, title, lines->line);
    return fault;
}

static const char *take_line(struct lines *lines, size_t count)
{
    size_t indent = strspn(lines->text, BLANKS);

    if (count > LINE_MAX_BYTES)
        return "is longer than 198 bytes";
    if (indent > 0)
        return "is indented: begin it in the first column";
    return lines->text[0] == '[' ? take_section(lines) : take_entry(lines);
}

/* Leaves in lines->text what inih is to see: the line, or nothing. */
static void check_line(struct lines *lines, size_t count)
{
    count = strip_ends(lines, count);
    const char *fault = find_bad_byte(lines->text, count);
    const char *first = lines->text + strspn(lines->text, BLANKS);
    bool is_empty = *first == '\0' || *first == ';' || *first == '#';

    if (!fault && !is_empty)
        fault = take_line(lines, count);
    if (fault)
        complain(lines->complaints, lines->line, "this line %s", fault);
    if (fault && *first == '[')
        lines->place = IN_BAD_SECTION;
    if (fault || is_empty || lines->place != IN_SECTION)
        lines->text[0] = '\0';
}

/* inih asks here for each line. */
static char *next_line(char *buffer, int size, void *arg)
{
    struct lines *lines = arg;
    ssize_t count = getline(&lines->text, &lines->room, lines->file);

    if (count < 0)
        return NULL;
    lines->line++;
    check_line(lines, (size_t)count);
    size_t length = strlen(lines->text);
    assert(length + 2 <= (size_t)size);
    memcpy(buffer, lines->text, length);
    memcpy(buffer + length, "\n", 2);
    return buffer;
}

static int on_pair(void *arg, const char *section, const char *key, const char *value)
{
    struct lines *lines = arg;

    (void)section;
    lines->on_entry(lines->owner,
                    &(struct line_entry){.key = key, .value = value, .line = lines->line});
    return 1;
}

void lines_read(struct lines *lines)
{
    int bad_line = ini_parse_stream(next_line, lines, on_pair, lines);

    if (bad_line != 0 && lines->complaints->mistakes == 0)
        complain(lines->complaints, bad_line > 0 ? bad_line : 0, "inih cannot read this line");
    if (ferror(lines->file))
        complain(lines->complaints, 0, "cannot be read: %s", strerror(errno));
    free(lines->text);
    lines->text = NULL;
}
