/* The rules are those of RFC 9112, read strictly: whatever two readers of the same bytes could
 * disagree about is refused.
 *
 *   http1_head_read
 *     read_request_line   method, target, version
 *     read_fields         llhttp -> headers
 *     check_fields        each header for itself, and what it says about the body
 *     decide_framing      what they say together
 *     conclude
 *
 * Where llhttp says no, the rules are still asked about what it has read so far: they know more
 * exactly what is wrong, and whether it is a 400 or a 501. */
#include "proxy/http1_head.h"

#include <llhttp.h>
#include <stdint.h>

#include "proxy/http1_target.h"

/* What the headers that the codec reads itself have said. */
struct fields {
    unsigned hosts;
    unsigned lengths;
    unsigned encodings;
    int64_t length;
    bool is_chunked; /* each Transfer-Encoding so far */
    bool closes;
    bool keeps_alive;
    bool expects_continue;
};

static const struct http1_refusal FINE = {.status = 0};

static struct http1_refusal refused(int status, const char *detail)
{
    return (struct http1_refusal){.status = status, .detail = detail};
}

static struct http1_refusal invalid(const char *detail)
{
    return refused(400, detail);
}

static struct http1_refusal unknown_coding(void)
{
    return refused(501, "The only transfer coding that is known here is chunked, once.");
}

static bool is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

/* The text up to `end`, which is taken off the front of *rest with what it held. */
static struct text take_until(struct text *rest, char end)
{
    const char *at = rest->count > 0 ? memchr(rest->at, end, rest->count) : NULL;
    struct text taken = {.at = rest->at, .count = at ? (size_t)(at - rest->at) : rest->count};
    size_t gone = at ? taken.count + 1 : taken.count;

    *rest = (struct text){.at = rest->at + gone, .count = rest->count - gone};
    return taken;
}

static struct http1_refusal read_version(struct request *request, struct text version)
{
    const char *at = version.at;

    if (version.count != 8 || memcmp(at, "HTTP/", 5) != 0 || !is_digit(at[5]) || at[6] != '.' ||
        !is_digit(at[7]))
        return invalid("The request line does not end in an HTTP version.");
    if (at[5] != '1' || at[7] > '1')
        return refused(505, "Only HTTP/1.0 and HTTP/1.1 are spoken here.");
    request->minor = at[7] - '0';
    return FINE;
}

static struct http1_refusal read_request_line(struct request *request, struct text bytes)
{
    struct text line = take_until(&bytes, '\r');
    struct http1_refusal refusal;

    request->method = take_until(&line, ' ');
    request->target = take_until(&line, ' ');
    if (!http1_is_token(request->method))
        return invalid("The request line does not begin with a method.");
    refusal = read_version(request, line);
    if (refusal.status != 0)
        return refusal;
    if (!http1_target_read(request))
        return invalid("The target of the request is not valid.");
    request->is_head = text_is(request->method, TEXT("HEAD"));
    return FINE;
}

/* llhttp is given the head in one piece, so that no name and no value comes in two. */

struct collected {
    struct header *headers;
    size_t room;
    size_t count;
};

static int on_name(llhttp_t *parser, const char *at, size_t count)
{
    struct collected *collected = parser->data;

    if (collected->count == collected->room)
        return HPE_USER;
    collected->headers[collected->count++] = (struct header){
        .name = {.at = at, .count = count},
        .value = {.at = at + count, .count = 0},
    };
    return 0;
}

static int on_value(llhttp_t *parser, const char *at, size_t count)
{
    struct collected *collected = parser->data;

    if (collected->count == 0)
        return HPE_USER;
    collected->headers[collected->count - 1].value = (struct text){.at = at, .count = count};
    return 0;
}

/* What follows the head is not this parser's business. */
static int on_complete(llhttp_t *parser)
{
    (void)parser;
    return HPE_PAUSED;
}

static struct http1_refusal read_fields(struct request *request, struct text bytes,
                                        struct header *headers, size_t room)
{
    static const llhttp_settings_t SETTINGS = {
        .on_header_field = on_name,
        .on_header_value = on_value,
        .on_headers_complete = on_complete,
    };
    struct collected collected = {.headers = headers, .room = room};
    llhttp_t parser;
    enum llhttp_errno error;

    memset(&parser, 0, sizeof(parser));
    llhttp_init(&parser, HTTP_REQUEST, &SETTINGS);
    parser.data = &collected;
    error = llhttp_execute(&parser, bytes.at, bytes.count);
    request->headers = headers;
    request->headers_count = collected.count;
    if (error == HPE_PAUSED)
        return FINE;
    if (error == HPE_OK || !parser.reason)
        return invalid("The head of the request does not end.");
    if (error == HPE_INVALID_METHOD || strncmp(parser.reason, "Invalid method", 14) == 0)
        return refused(501, "The method of the request is not known here.");
    if (error == HPE_INVALID_TRANSFER_ENCODING)
        return unknown_coding();
    return invalid("The head of the request is not valid HTTP.");
}

static struct http1_refusal read_length(struct fields *fields, struct text value)
{
    if (fields->lengths++ > 0 || value.count == 0)
        return invalid("Content-Length must be there once, with one number.");
    fields->length = 0;
    for (size_t i = 0; i < value.count; i++) {
        if (!is_digit(value.at[i]) || __builtin_mul_overflow(fields->length, 10, &fields->length) ||
            __builtin_add_overflow(fields->length, value.at[i] - '0', &fields->length))
            return invalid("Content-Length is not a number that can be.");
    }
    return FINE;
}

static struct http1_refusal read_connection(struct fields *fields, struct text value)
{
    while (value.count > 0) {
        struct text option = text_trimmed(take_until(&value, ','));

        if (text_is_like(option, TEXT("close")))
            fields->closes = true;
        else if (text_is_like(option, TEXT("keep-alive")))
            fields->keeps_alive = true;
    }
    return FINE;
}

static struct http1_refusal read_host(struct request *request, struct fields *fields,
                                      struct text value)
{
    if (fields->hosts++ > 0)
        return invalid("There is more than one Host.");
    if (!http1_host_is_valid(value))
        return invalid("Host is not valid.");
    if (request->host.count == 0) /* else an absolute target has said it: RFC 9112 section 3.2.2 */
        request->host = value;
    return FINE;
}

/* The headers that the codec itself goes by; told apart by their length first. */
static struct http1_refusal read_field(struct request *request, struct fields *fields,
                                       const struct header *header)
{
    switch (header->name.count) {
    case 4:
        if (text_is_like(header->name, TEXT("Host")))
            return read_host(request, fields, header->value);
        break;
    case 6:
        if (!text_is_like(header->name, TEXT("Expect")))
            break;
        if (!text_is_like(header->value, TEXT("100-continue")))
            return refused(417, "Nothing but 100-continue can be expected here.");
        fields->expects_continue = true;
        break;
    case 10:
        if (text_is_like(header->name, TEXT("Connection")))
            return read_connection(fields, header->value);
        break;
    case 14:
        if (text_is_like(header->name, TEXT("Content-Length")))
            return read_length(fields, header->value);
        break;
    case 17:
        if (!text_is_like(header->name, TEXT("Transfer-Encoding")))
            break;
        fields->is_chunked =
            fields->encodings++ == 0 && text_is_like(header->value, TEXT("chunked"));
        break;
    default:
        break;
    }
    return FINE;
}

/* Nothing may stand between a name and its colon (RFC 9112 section 5.1). */
static struct http1_refusal check_fields(struct request *request, struct fields *fields,
                                         struct header *headers)
{
    for (size_t i = 0; i < request->headers_count; i++) {
        struct header *header = &headers[i];
        struct http1_refusal refusal;

        if (!http1_is_token(header->name) || header->name.at[header->name.count] != ':')
            return invalid("The name of a header is not valid.");
        header->value = text_trimmed(header->value);
        refusal = read_field(request, fields, header);
        if (refusal.status != 0)
            return refusal;
    }
    return FINE;
}

static struct http1_refusal decide_framing(struct request *request, const struct fields *fields)
{
    if (fields->encodings > 0) {
        if (fields->lengths > 0)
            return invalid("Content-Length and Transfer-Encoding do not go together.");
        if (request->minor == 0)
            return invalid("There is no Transfer-Encoding in HTTP/1.0.");
        if (!fields->is_chunked)
            return unknown_coding();
        request->body = BODY_CHUNKED;
    } else if (fields->length > 0) {
        request->body = BODY_LENGTH;
        request->body_length = fields->length;
    }
    return FINE;
}

/* What only the whole head can say. */
static struct http1_refusal conclude(struct http1_head *head, const struct fields *fields)
{
    struct request *request = &head->request;

    if (request->minor == 1 && fields->hosts == 0)
        return invalid("There is no Host.");
    request->expects_continue =
        fields->expects_continue && request->minor == 1 && request->body != BODY_NONE;
    head->keeps_alive = !fields->closes && (request->minor == 1 || fields->keeps_alive);
    return FINE;
}

struct http1_refusal http1_head_read(struct http1_head *head, struct text bytes,
                                     struct header *headers, size_t room)
{
    struct fields fields = {.hosts = 0};
    struct http1_refusal by_parser;
    struct http1_refusal refusal;

    *head = (struct http1_head){.request = {.host = TEXT_NONE, .query = TEXT_NONE}};
    refusal = read_request_line(&head->request, bytes);
    if (refusal.status != 0)
        return refusal;
    by_parser = read_fields(&head->request, bytes, headers, room);
    refusal = check_fields(&head->request, &fields, headers);
    if (refusal.status == 0)
        refusal = decide_framing(&head->request, &fields);
    if (refusal.status != 0)
        return refusal;
    if (by_parser.status != 0)
        return by_parser;
    return conclude(head, &fields);
}

#define QUOTE(word) #word
#define AS_TEXT(number) QUOTE(number)

const char *http1_parser_version(void)
{
    return "llhttp/" AS_TEXT(LLHTTP_VERSION_MAJOR) "." AS_TEXT(LLHTTP_VERSION_MINOR) "." AS_TEXT(
        LLHTTP_VERSION_PATCH);
}
