#include "test/support/strict.h"

#include <stdint.h>
#include <string.h>

/* A function for each rule of the grammar: it takes what the rule describes, or says what is
 * wrong. Bytes that have not come are not wrong. */
struct cursor {
    const char *at;
    const char *end;
    enum strict_verdict verdict; /* STRICT_COMPLETE: nothing has gone wrong so far */
    const char *why;
};

static bool goes_on(const struct cursor *cursor)
{
    return cursor->verdict == STRICT_COMPLETE;
}

static void refuse(struct cursor *cursor, const char *why)
{
    if (!goes_on(cursor))
        return;
    cursor->verdict = STRICT_REFUSED;
    cursor->why = why;
}

/* The next byte, which stays there; -1: it has not come, or something has gone wrong. */
static int peek(struct cursor *cursor)
{
    if (goes_on(cursor) && cursor->at == cursor->end)
        cursor->verdict = STRICT_MORE;
    return goes_on(cursor) ? (unsigned char)*cursor->at : -1;
}

static void take(struct cursor *cursor, char expected, const char *why)
{
    int byte = peek(cursor);

    if (byte == expected)
        cursor->at++;
    else if (byte >= 0)
        refuse(cursor, why);
}

static void take_line_end(struct cursor *cursor, const char *why)
{
    take(cursor, '\r', why);
    take(cursor, '\n', why);
}

static bool is_digit(int byte)
{
    return byte >= '0' && byte <= '9';
}

static bool is_blank(int byte)
{
    return byte == ' ' || byte == '\t';
}

/* tchar, RFC 9110 section 5.6.2 */
static bool is_token_byte(int byte)
{
    return is_digit(byte) || (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           (byte > 0 && strchr("!#$%&'*+-.^_`|~", byte) != NULL);
}

static bool is_visible(int byte)
{
    return byte > ' ' && byte < 0x7f;
}

/* field-vchar, and the blanks between: RFC 9110 section 5.5 */
static bool is_value_byte(int byte)
{
    return is_blank(byte) || is_visible(byte) || byte >= 0x80;
}

/* qdtext, RFC 9110 section 5.6.4 */
static bool is_quoted_byte(int byte)
{
    return is_value_byte(byte) && byte != '"' && byte != '\\';
}

/* All bytes of a kind. */
static struct text take_run(struct cursor *cursor, bool (*is_one)(int byte))
{
    const char *start = cursor->at;

    while (is_one(peek(cursor)))
        cursor->at++;
    return (struct text){.at = start, .count = (size_t)(cursor->at - start)};
}

static struct text take_some(struct cursor *cursor, bool (*is_one)(int byte), const char *why)
{
    struct text run = take_run(cursor, is_one);

    if (run.count == 0)
        refuse(cursor, why);
    return run;
}

/* --- the head: sections 3 and 5 */

/* HTTP-version, section 2.3. Others than 1.0 and 1.1 are other protocols. */
static void take_version(struct cursor *cursor, struct strict *strict)
{
    for (const char *expected = "HTTP/1."; *expected != '\0'; expected++)
        take(cursor, *expected, "3: version");
    if (peek(cursor) == '0' || peek(cursor) == '1')
        strict->minor = *cursor->at++ == '1';
    else
        refuse(cursor, "3: version");
}

static void take_request_line(struct cursor *cursor, struct strict *strict)
{
    while (peek(cursor) == '\r') /* section 2.2: empty lines before it are ignored */
        take_line_end(cursor, "2.2: bare CR");
    strict->method = take_some(cursor, is_token_byte, "3.1: method");
    take(cursor, ' ', "3: blank behind the method");
    strict->target = take_some(cursor, is_visible, "3.2: target");
    take(cursor, ' ', "3: blank behind the target");
    take_version(cursor, strict);
    take_line_end(cursor, "3: end of the request line");
}

/* field-line, section 5. A folded line begins with a blank, which is no byte of a name. */
static struct strict_field take_field(struct cursor *cursor)
{
    struct strict_field field = {.name = take_some(cursor, is_token_byte, "5.1: field name")};

    take(cursor, ':', "5.1: colon");
    (void)take_run(cursor, is_blank);
    field.value = take_run(cursor, is_value_byte);
    while (field.value.count > 0 && is_blank(field.value.at[field.value.count - 1]))
        field.value.count--;
    take_line_end(cursor, "5.5: field value");
    return field;
}

static void take_fields(struct cursor *cursor, struct strict *strict)
{
    while (goes_on(cursor) && peek(cursor) != '\r') {
        struct strict_field field = take_field(cursor);
        if (strict->fields_count == STRICT_FIELDS_MAX)
            refuse(cursor, "too many fields");
        else
            strict->fields[strict->fields_count++] = field;
    }
    take_line_end(cursor, "2.1: end of the head");
}

size_t strict_find(const struct strict *strict, const char *name, struct text *ret_value)
{
    size_t count = 0;

    for (size_t i = 0; i < strict->fields_count; i++) {
        if (!text_is_like(strict->fields[i].name, text_of(name)))
            continue;
        *ret_value = strict->fields[i].value;
        count++;
    }
    return count;
}

/* Section 3.2: exactly one in 1.1, and a value that can be one. */
static void check_host(struct cursor *cursor, const struct strict *strict)
{
    struct text host;
    size_t count = strict_find(strict, "Host", &host);

    if (count > 1 || (count == 0 && strict->minor == 1))
        refuse(cursor, "3.2: one Host");
    for (size_t i = 0; goes_on(cursor) && count > 0 && i < host.count; i++) {
        if (!is_visible((unsigned char)host.at[i]) || strchr("/?#@\\", host.at[i]) != NULL)
            refuse(cursor, "3.2: Host");
    }
}

/* --- the body: sections 6 and 7 */

/* Section 6.2: 1*DIGIT, and what is too large is not to be guessed. */
static size_t read_length(struct cursor *cursor, struct text value)
{
    uint64_t length = 0;

    if (value.count == 0)
        refuse(cursor, "6.2: Content-Length");
    for (size_t i = 0; i < value.count && goes_on(cursor); i++) {
        if (!is_digit((unsigned char)value.at[i]) || length > (INT64_MAX - 9) / 10)
            refuse(cursor, "6.2: Content-Length");
        length = length * 10 + (uint64_t)(value.at[i] - '0');
    }
    return length;
}

/* Section 6.3, in its order. */
static void decide_framing(struct cursor *cursor, struct strict *strict)
{
    struct text coding;
    struct text length;
    size_t codings = strict_find(strict, "Transfer-Encoding", &coding);
    size_t lengths = strict_find(strict, "Content-Length", &length);

    if (codings > 0 && (lengths > 0 || strict->minor == 0))
        refuse(cursor, "6.1: Transfer-Encoding with Content-Length, or in 1.0");
    else if (codings > 0 && (codings > 1 || !text_is_like(coding, text_of("chunked"))))
        refuse(cursor, "6.1: Transfer-Encoding");
    else if (lengths > 1)
        refuse(cursor, "6.3: several lengths");
    else if (codings > 0)
        strict->framing = STRICT_CHUNKED;
    else if (lengths > 0)
        strict->framing = STRICT_LENGTH;
    if (strict->framing == STRICT_LENGTH)
        strict->length = read_length(cursor, length);
}

static void take_bytes(struct cursor *cursor, struct strict *strict, size_t count)
{
    size_t here = (size_t)(cursor->end - cursor->at);

    if (!goes_on(cursor))
        return;
    if (here < count) {
        cursor->verdict = STRICT_MORE;
        return;
    }
    if (count > STRICT_BODY_MAX - strict->body_count) {
        refuse(cursor, "the body is larger than this reader");
        return;
    }
    memcpy(strict->body + strict->body_count, cursor->at, count);
    strict->body_count += count;
    cursor->at += count;
}

/* chunk-size, section 7.1: overflows must not be taken for other numbers. */
static size_t take_chunk_size(struct cursor *cursor)
{
    uint64_t size = 0;
    const char *start = cursor->at;

    for (int digit; (digit = text_hex_digit((char)peek(cursor))) >= 0; cursor->at++) {
        if (size > UINT64_MAX >> 4)
            refuse(cursor, "7.1: chunk size too large");
        size = size << 4 | (unsigned)digit;
    }
    if (cursor->at == start)
        refuse(cursor, "7.1: chunk size");
    return size;
}

/* quoted-string, RFC 9110 section 5.6.4 */
static void take_quoted(struct cursor *cursor)
{
    take(cursor, '"', "7.1.1: quoted string");
    for (;;) {
        (void)take_run(cursor, is_quoted_byte);
        if (peek(cursor) != '\\')
            break;
        cursor->at++;
        if (is_value_byte(peek(cursor)))
            cursor->at++;
        else
            refuse(cursor, "7.1.1: quoted pair");
    }
    take(cursor, '"', "7.1.1: quoted string");
}

/* chunk-ext-val, section 7.1.1 */
static void take_extension_value(struct cursor *cursor)
{
    take(cursor, '=', "7.1.1: equals sign");
    (void)take_run(cursor, is_blank);
    if (peek(cursor) == '"')
        take_quoted(cursor);
    else
        (void)take_some(cursor, is_token_byte, "7.1.1: extension value");
}

/* chunk-ext, section 7.1.1 */
static void take_extensions(struct cursor *cursor)
{
    while (goes_on(cursor) && peek(cursor) != '\r') {
        (void)take_run(cursor, is_blank);
        take(cursor, ';', "7.1.1: extension");
        (void)take_run(cursor, is_blank);
        (void)take_some(cursor, is_token_byte, "7.1.1: extension name");
        struct text blanks = take_run(cursor, is_blank);
        if (peek(cursor) == '=')
            take_extension_value(cursor);
        else if (blanks.count > 0 && peek(cursor) != ';')
            refuse(cursor, "7.1.1: blanks behind an extension");
    }
}

/* chunked-body, section 7.1. Trailer fields are read and dropped: section 7.1.2. */
static void take_chunks(struct cursor *cursor, struct strict *strict)
{
    size_t size;

    do {
        size = take_chunk_size(cursor);
        take_extensions(cursor);
        take_line_end(cursor, "7.1: end of the size");
        take_bytes(cursor, strict, size);
        if (size > 0)
            take_line_end(cursor, "7.1: end of the chunk");
    } while (size > 0 && goes_on(cursor));
    while (goes_on(cursor) && peek(cursor) != '\r')
        (void)take_field(cursor);
    take_line_end(cursor, "7.1: end of the body");
}

enum strict_verdict strict_read(struct strict *strict, struct text bytes)
{
    struct cursor cursor = {
        .at = bytes.at, .end = bytes.at + bytes.count, .verdict = STRICT_COMPLETE};

    strict->fields_count = strict->body_count = strict->length = 0;
    strict->framing = STRICT_BARE;
    take_request_line(&cursor, strict);
    take_fields(&cursor, strict);
    if (goes_on(&cursor))
        check_host(&cursor, strict);
    if (goes_on(&cursor))
        decide_framing(&cursor, strict);
    if (strict->framing == STRICT_LENGTH)
        take_bytes(&cursor, strict, strict->length);
    else if (strict->framing == STRICT_CHUNKED)
        take_chunks(&cursor, strict);
    strict->used = (size_t)(cursor.at - bytes.at);
    strict->why = cursor.why;
    return cursor.verdict;
}
