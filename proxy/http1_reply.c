#include "proxy/http1_reply.h"

#include <assert.h>
#include <stdio.h>

/* Writes into room at the end of a chain, and finds more when that is full. */
struct writer {
    struct chain *out;
    struct pool *pool;
    char *begin; /* of what was written into the room and not yet counted */
    char *at;
    char *end;
};

static void find_room(struct writer *writer)
{
    size_t room;

    writer->begin = chain_room(writer->out, writer->pool, &room);
    writer->at = writer->begin;
    writer->end = writer->begin + room;
}

static void count_written(struct writer *writer)
{
    chain_wrote(writer->out, (size_t)(writer->at - writer->begin));
    writer->begin = writer->at;
}

static void put_slowly(struct writer *writer, struct text text)
{
    count_written(writer);
    chain_append(writer->out, writer->pool, text.at, text.count);
    find_room(writer);
}

static inline void put(struct writer *writer, struct text text)
{
    if ((size_t)(writer->end - writer->at) < text.count) {
        put_slowly(writer, text);
        return;
    }
    memcpy(writer->at, text.at, text.count);
    writer->at += text.count;
}

static inline void put_field(struct writer *writer, struct text name, struct text value)
{
    put(writer, name);
    put(writer, TEXT(": "));
    put(writer, value);
    put(writer, TEXT("\r\n"));
}

static void put_number(struct writer *writer, int64_t number)
{
    char digits[20];
    char *at = digits + sizeof(digits);

    assert(number >= 0);
    do {
        *--at = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    put(writer, (struct text){.at = at, .count = (size_t)(digits + sizeof(digits) - at)});
}

static const struct {
    int status;
    const char *phrase;
} PHRASES[] = {
    {200, "OK"},
    {100, "Continue"},
    {101, "Switching Protocols"},
    {201, "Created"},
    {202, "Accepted"},
    {203, "Non-Authoritative Information"},
    {204, "No Content"},
    {205, "Reset Content"},
    {206, "Partial Content"},
    {300, "Multiple Choices"},
    {301, "Moved Permanently"},
    {302, "Found"},
    {303, "See Other"},
    {304, "Not Modified"},
    {307, "Temporary Redirect"},
    {308, "Permanent Redirect"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {402, "Payment Required"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {407, "Proxy Authentication Required"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {410, "Gone"},
    {411, "Length Required"},
    {412, "Precondition Failed"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {416, "Range Not Satisfiable"},
    {417, "Expectation Failed"},
    {421, "Misdirected Request"},
    {422, "Unprocessable Content"},
    {425, "Too Early"},
    {426, "Upgrade Required"},
    {428, "Precondition Required"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {451, "Unavailable For Legal Reasons"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {505, "HTTP Version Not Supported"},
};

struct text http1_phrase(int status)
{
    static const char *const CLASSES[] = {"Unknown",     "Informational", "Success",
                                          "Redirection", "Client Error",  "Server Error"};

    for (size_t i = 0; i < sizeof(PHRASES) / sizeof(PHRASES[0]); i++) {
        if (PHRASES[i].status == status)
            return text_of(PHRASES[i].phrase);
    }
    return text_of(CLASSES[status >= 100 && status < 600 ? status / 100 : 0]);
}

static bool is_bodiless(int status)
{
    return status < 200 || status == 204 || status == 304;
}

enum http1_framing http1_framing_of(const struct request *request, const struct reply *reply)
{
    if (request->is_head || is_bodiless(reply->status))
        return FRAMING_NONE;
    if (reply->length != LENGTH_UNKNOWN)
        return FRAMING_LENGTH;
    return request->minor == 1 ? FRAMING_CHUNKED : FRAMING_CLOSE;
}

static void put_status_line(struct writer *writer, const struct reply *reply)
{
    put(writer, TEXT("HTTP/1.1 "));
    put_number(writer, reply->status);
    put(writer, TEXT(" "));
    put(writer, reply->phrase.count > 0 ? reply->phrase : http1_phrase(reply->status));
    put(writer, TEXT("\r\n"));
}

/* Returns whether there was a Date among them. */
static bool put_headers(struct writer *writer, const struct reply *reply)
{
    bool is_dated = false;

    for (size_t i = 0; i < reply->headers_count; i++) {
        const struct header *header = &reply->headers[i];

        put_field(writer, header->name, header->value);
        if (header->name.count == 4 && text_is_like(header->name, TEXT("Date")))
            is_dated = true;
    }
    return is_dated;
}

/* A length is said even where no body follows, if it is known (RFC 9110 section 8.6), but never in
 * 1xx and 204. A client that expects a body is never left without a word on where it ends. */
static void put_framing(struct writer *writer, const struct reply *reply,
                        enum http1_framing framing)
{
    bool says_length =
        framing == FRAMING_LENGTH || (framing == FRAMING_NONE && reply->length >= 0 &&
                                      reply->status >= 200 && reply->status != 204);

    if (says_length) {
        put(writer, TEXT("Content-Length: "));
        put_number(writer, reply->length >= 0 ? reply->length : 0);
        put(writer, TEXT("\r\n"));
    } else if (framing == FRAMING_CHUNKED) {
        put(writer, TEXT("Transfer-Encoding: chunked\r\n"));
    }
}

void http1_reply_write(struct chain *out, struct pool *pool, const struct reply *reply,
                       const struct http1_terms *terms)
{
    struct writer writer = {.out = out, .pool = pool};

    find_room(&writer);
    put_status_line(&writer, reply);
    if (!put_headers(&writer, reply))
        put_field(&writer, TEXT("Date"), terms->date);
    put_framing(&writer, reply, terms->framing);
    if (terms->closes)
        put(&writer, TEXT("Connection: close\r\n"));
    else if (terms->keeps_open)
        put(&writer, TEXT("Connection: keep-alive\r\n"));
    put(&writer, TEXT("\r\n"));
    count_written(&writer);
}

void http1_refusal_write(struct chain *out, struct pool *pool, struct http1_refusal refusal,
                         struct text date)
{
    static const struct header HEADERS[] = {
        {.name = {"Content-Type", 12}, .value = {"application/problem+json", 24}},
        {.name = {"Cache-Control", 13}, .value = {"no-store", 8}},
        {.name = {"Retry-After", 11}, .value = {"1", 1}}, /* must be the last: with 503 only */
    };
    const size_t all = sizeof(HEADERS) / sizeof(HEADERS[0]);
    const struct http1_terms terms = {.framing = FRAMING_LENGTH, .closes = true, .date = date};
    char body[512];
    int length = snprintf(body, sizeof(body),
                          "{\"type\":\"about:blank\",\"title\":\"%s\",\"status\":%d,"
                          "\"detail\":\"%s\"}\n",
                          http1_phrase(refusal.status).at, refusal.status, refusal.detail);
    const struct reply reply = {
        .status = refusal.status,
        .headers = HEADERS,
        .headers_count = refusal.status == 503 ? all : all - 1,
        .length = length,
    };

    assert(length > 0 && (size_t)length < sizeof(body));
    http1_reply_write(out, pool, &reply, &terms);
    chain_append(out, pool, body, (size_t)length);
}
