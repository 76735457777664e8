#include "proxy/response.h"

#include <assert.h>

#include "proxy/headers.h"

void response_init(struct response *response, struct arena *arena)
{
    *response = (struct response){.arena = arena, .length = LENGTH_UNKNOWN};
}

static bool refuse(struct response *response, enum response_fault fault)
{
    response->fault = fault;
    return false;
}

/* What has come counts on: a head could else be as long as interim responses go on. */
static void begin_again(struct response *response)
{
    size_t bytes = response->bytes;

    response_init(response, response->arena);
    response->bytes = bytes;
}

static bool is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

/* HTTP/1.1 200 OK; the phrase may be missing, and the space before it with it. */
static bool is_status_line(struct text line)
{
    const char *at = line.at;

    return line.count >= 12 && memcmp(at, "HTTP/1.", 7) == 0 && (at[7] == '0' || at[7] == '1') &&
           at[8] == ' ' && is_digit(at[9]) && is_digit(at[10]) && is_digit(at[11]) &&
           (line.count == 12 || at[12] == ' ');
}

static bool take_status_line(struct response *response, struct text line)
{
    const char *at = line.at;

    if (!is_status_line(line))
        return refuse(response, FAULT_STATUS_LINE);
    int status = (at[9] - '0') * 100 + (at[10] - '0') * 10 + (at[11] - '0');
    if (status < 100 || status > 599)
        return refuse(response, FAULT_STATUS);
    if (status == 101)
        return refuse(response, FAULT_SWITCH);

    begin_again(response);
    response->progress = status < 200 ? RESPONSE_INTERIM : RESPONSE_HEAD;
    response->minor = at[7] - '0';
    response->status = status;
    if (line.count > 13) {
        struct text phrase = {.at = at + 13, .count = line.count - 13};
        if (!header_value_is_valid(phrase))
            return refuse(response, FAULT_CONTROL);
        const char *copy = arena_copy(response->arena, phrase);
        response->phrase = (struct text){.at = copy, .count = phrase.count};
    }
    return true;
}

static bool take_length(struct response *response, struct text value)
{
    int64_t length = 0;

    if (value.count == 0 || value.count > 18)
        return refuse(response, FAULT_LENGTH);
    for (size_t i = 0; i < value.count; i++) {
        if (!is_digit(value.at[i]))
            return refuse(response, FAULT_LENGTH);
        length = length * 10 + (value.at[i] - '0');
    }
    if (response->length != LENGTH_UNKNOWN && response->length != length)
        return refuse(response, FAULT_LENGTHS);
    response->length = length;
    return true;
}

static bool take_framing(struct response *response, const struct header *header)
{
    if (text_is_like(header->name, TEXT("content-length")))
        return take_length(response, header->value);
    if (!text_is_like(header->name, TEXT("transfer-encoding")))
        return true;
    if (response->is_chunked || response->minor == 0 ||
        !text_is_like(header->value, TEXT("chunked")))
        return refuse(response, FAULT_ENCODING);
    response->is_chunked = true;
    return true;
}

static bool split_header(struct response *response, struct text line, struct header *header)
{
    const char *colon = memchr(line.at, ':', line.count);

    if (!colon)
        return refuse(response, FAULT_HEADER);
    size_t name = (size_t)(colon - line.at);
    header->name = (struct text){.at = line.at, .count = name};
    header->value = text_trimmed((struct text){.at = colon + 1, .count = line.count - name - 1});
    if (!header_name_is_valid(header->name))
        return refuse(response, FAULT_HEADER);
    return header_value_is_valid(header->value) || refuse(response, FAULT_CONTROL);
}

/* An interim response is its head alone (RFC 9110 section 15.2), whatever lengths it tells of. */
static bool check_interim_header(struct response *response, struct text line)
{
    struct header header;

    return split_header(response, line, &header);
}

static bool take_header(struct response *response, struct text line)
{
    struct header header;

    if (response->headers_count == RESPONSE_HEADERS_MAX)
        return refuse(response, FAULT_HEAD_COUNT);
    if (!response->headers)
        response->headers =
            arena_take(response->arena, RESPONSE_HEADERS_MAX / 4 * sizeof *response->headers);
    if (response->headers_count == RESPONSE_HEADERS_MAX / 4) {
        struct header *more =
            arena_take(response->arena, RESPONSE_HEADERS_MAX * sizeof *response->headers);
        memcpy(more, response->headers, response->headers_count * sizeof *more);
        response->headers = more;
    }
    line.at = arena_copy(response->arena, line);
    if (!split_header(response, line, &header))
        return false;
    response->headers[response->headers_count++] = header;
    return take_framing(response, &header);
}

static bool take_end(struct response *response)
{
    if (response->progress == RESPONSE_INTERIM) {
        begin_again(response);
        return true;
    }
    if (response->is_chunked && response->length != LENGTH_UNKNOWN)
        return refuse(response, FAULT_LENGTH_AND_CHUNKS);
    response->progress = RESPONSE_DONE;
    return true;
}

bool response_take(struct response *response, struct text line)
{
    if (line.count < 2 || memcmp(line.at + line.count - 2, "\r\n", 2) != 0)
        return refuse(response, FAULT_LINE_END);
    response->bytes += line.count;
    if (response->bytes > RESPONSE_BYTES_MAX)
        return refuse(response, FAULT_HEAD_SIZE);
    line.count -= 2;
    if (response->progress == RESPONSE_DONE)
        return true;
    if (response->progress == RESPONSE_NONE)
        return take_status_line(response, line);
    if (line.count == 0)
        return take_end(response);
    if (response->progress == RESPONSE_INTERIM)
        return check_interim_header(response, line);
    return take_header(response, line);
}

bool response_has_body(int status, bool is_head)
{
    return !is_head && status >= 200 && status != 204 && status != 304;
}
