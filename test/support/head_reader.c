#include "test/support/head_reader.h"

#include <assert.h>
#include <string.h>

static bool take_line(struct text *rest, struct text *line)
{
    const char *end = rest->count > 0 ? memmem(rest->at, rest->count, "\r\n", 2) : NULL;

    if (!end)
        return false;
    *line = (struct text){.at = rest->at, .count = (size_t)(end - rest->at)};
    size_t count = line->count + 2;
    *rest = (struct text){.at = rest->at + count, .count = rest->count - count};
    return true;
}

/* field-content and reason-phrase: HTAB, SP, VCHAR, obs-text. */
static bool is_printable(struct text text)
{
    for (size_t i = 0; i < text.count; i++) {
        unsigned char byte = (unsigned char)text.at[i];
        if ((byte < 0x20 && byte != '\t') || byte == 0x7f)
            return false;
    }
    return true;
}

static bool is_among(char byte, const char *bytes)
{
    return byte != '\0' && strchr(bytes, byte);
}

#define DIGITS "0123456789"
#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define TOKEN_BYTES "!#$%&'*+-.^_`|~" DIGITS LETTERS

static bool is_all(struct text text, const char *bytes)
{
    for (size_t i = 0; i < text.count; i++) {
        if (!is_among(text.at[i], bytes))
            return false;
    }
    return text.count > 0;
}

static struct text part(struct text text, size_t from, size_t to)
{
    return (struct text){.at = text.at + from, .count = to - from};
}

/* "HTTP/1." DIGIT SP 3DIGIT, and then nothing, or SP and a phrase. */
static bool read_status(struct text line, struct head_reading *reading)
{
    bool is_right = line.count >= 12 && text_is(part(line, 0, 7), TEXT("HTTP/1.")) &&
                    is_among(line.at[7], "01") && line.at[8] == ' ' &&
                    is_all(part(line, 9, 12), DIGITS) && (line.count == 12 || line.at[12] == ' ') &&
                    is_printable(line);

    if (!is_right)
        return false;
    *reading = (struct head_reading){.length = -1, .minor = line.at[7] - '0'};
    for (size_t i = 9; i < 12; i++)
        reading->status = reading->status * 10 + (line.at[i] - '0');
    return reading->status >= 100;
}

static bool split_field(struct text line, struct text *name, struct text *value)
{
    const char *colon = line.count > 0 ? memchr(line.at, ':', line.count) : NULL;

    if (!colon)
        return false;
    size_t at = (size_t)(colon - line.at);
    *name = part(line, 0, at);
    *value = part(line, at + 1, line.count);
    while (value->count > 0 && is_among(value->at[0], " \t"))
        *value = part(*value, 1, value->count);
    while (value->count > 0 && is_among(value->at[value->count - 1], " \t"))
        value->count--;
    return is_all(*name, TOKEN_BYTES) && is_printable(*value);
}

static bool read_length(struct text value, struct head_reading *reading)
{
    int64_t length = 0;

    if (!is_all(value, DIGITS))
        return false;
    if (value.count > reading->length_digits)
        reading->length_digits = value.count;
    for (size_t i = 0; i < value.count && i < 18; i++)
        length = length * 10 + (value.at[i] - '0');
    if (reading->length >= 0 && reading->length != length)
        return false;
    reading->length = length;
    return true;
}

/* Of the codings only one `chunked` has one reading with everybody, and none in HTTP/1.0 (RFC 9112
 * section 6.1). An interim response has no body (RFC 9110 section 15.2). */
static bool read_field(struct text line, struct head_reading *reading)
{
    struct text name, value;

    if (!split_field(line, &name, &value))
        return false;
    reading->fields++;
    bool is_length = text_is_like(name, TEXT("content-length"));
    bool is_coding = text_is_like(name, TEXT("transfer-encoding"));
    if (reading->status < 200)
        return true;
    if (is_length)
        return read_length(value, reading);
    if (!is_coding)
        return true;
    if (reading->is_chunked || reading->minor == 0 || !text_is_like(value, TEXT("chunked")))
        return false;
    reading->is_chunked = true;
    return true;
}

static bool read_head(struct text *rest, struct head_reading *reading)
{
    struct text line;

    if (!take_line(rest, &line) || !read_status(line, reading))
        return false;
    while (take_line(rest, &line)) {
        if (line.count == 0)
            return !reading->is_chunked || reading->length < 0;
        if (!read_field(line, reading))
            return false;
    }
    return false;
}

struct head_reading head_reader_read(struct text bytes)
{
    struct head_reading reading = {.length = -1};
    struct text rest = bytes;

    do {
        reading.is_right = read_head(&rest, &reading) && reading.status != 101;
    } while (reading.is_right && reading.status < 200);
    reading.used = bytes.count - rest.count;
    return reading;
}

void head_reader_field(struct text bytes, size_t n, struct text *name, struct text *value)
{
    struct head_reading reading = {.length = -1};
    struct text rest = bytes, line = TEXT_NONE, before;
    bool is_there;

    do {
        before = rest;
        is_there = read_head(&rest, &reading);
    } while (is_there && reading.status < 200);
    for (size_t i = 0; i <= n + 1 && is_there; i++)
        is_there = take_line(&before, &line);
    assert(is_there);
    is_there = split_field(line, name, value);
    assert(is_there);
}
