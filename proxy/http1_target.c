#include "proxy/http1_target.h"

#include <stdint.h>

/* What a byte may be part of. */
enum { IN_TOKEN = 1, IN_NAME = 2, IN_TARGET = 4, IN_LITERAL = 8 };

/* A name here is the name of a host: unreserved, percent-encoded or a sub-delimiter. A literal is an
 * IPv6 address between brackets. A target is anything visible but '#'. */
#define TO IN_TOKEN
#define TA IN_TARGET
#define TT (IN_TOKEN | IN_TARGET)
#define NT (IN_NAME | IN_TARGET)
#define LT (IN_LITERAL | IN_TARGET)
#define AL (IN_TOKEN | IN_NAME | IN_TARGET)
#define HX (IN_TOKEN | IN_NAME | IN_TARGET | IN_LITERAL)

/* One row for each 16 characters. */
static const uint8_t KINDS[16][16] = {
    [0x2] = {0, AL, TA, TO, AL, AL, AL, AL, NT, NT, AL, AL, NT, AL, HX, TA},
    [0x3] = {HX, HX, HX, HX, HX, HX, HX, HX, HX, HX, LT, NT, TA, NT, TA, TA},
    [0x4] = {TA, HX, HX, HX, HX, HX, HX, AL, AL, AL, AL, AL, AL, AL, AL, AL},
    [0x5] = {AL, AL, AL, AL, AL, AL, AL, AL, AL, AL, AL, TA, TA, TA, TT, AL},
    [0x6] = {TT, HX, HX, HX, HX, HX, HX, AL, AL, AL, AL, AL, AL, AL, AL, AL},
    [0x7] = {AL, AL, AL, AL, AL, AL, AL, AL, AL, AL, AL, TA, TT, TA, AL, 0},
};

static bool is_all(struct text text, unsigned kind)
{
    unsigned common = kind;

    for (size_t i = 0; i < text.count; i++) {
        unsigned char byte = (unsigned char)text.at[i];

        common &= KINDS[byte >> 4][byte & 15];
    }
    return common != 0;
}

static struct text text_from(struct text text, size_t start)
{
    return (struct text){.at = text.at + start, .count = text.count - start};
}

static const char *find(struct text text, char byte)
{
    return text.count > 0 ? memchr(text.at, byte, text.count) : NULL;
}

bool http1_is_token(struct text text)
{
    return text.count > 0 && is_all(text, IN_TOKEN);
}

/* Nothing, or a colon and digits: RFC 3986 lets a port be empty. */
static bool is_port(struct text text)
{
    if (text.count == 0)
        return true;
    if (text.at[0] != ':')
        return false;
    for (size_t i = 1; i < text.count; i++) {
        if (text.at[i] < '0' || text.at[i] > '9')
            return false;
    }
    return true;
}

bool http1_host_is_valid(struct text host)
{
    bool is_literal = host.count > 0 && host.at[0] == '[';
    const char *end = find(host, is_literal ? ']' : ':');
    size_t length = end ? (size_t)(end - host.at) : host.count;
    struct text name = {.at = host.at, .count = length};

    if (!is_literal)
        return (length > 0 || !end) && is_all(name, IN_NAME) && is_port(text_from(host, length));
    return end && length > 1 && is_all(text_from(name, 1), IN_LITERAL) &&
           is_port(text_from(host, length + 1));
}

/* The byte at *at, percent-decoded; *at is moved behind it. -1: no valid encoding, or a NUL. */
static int take_byte(struct text path, size_t *at)
{
    if (path.at[*at] != '%')
        return (unsigned char)path.at[(*at)++];
    int high = *at + 2 < path.count ? text_hex_digit(path.at[*at + 1]) : -1;
    int low = *at + 2 < path.count ? text_hex_digit(path.at[*at + 2]) : -1;
    int byte = high < 0 || low < 0 ? -1 : high * 16 + low;
    *at += 3;
    return byte == 0 ? -1 : byte;
}

/* Is every reader of this path sure to mean the same place by it? A segment . or .., in whatever
 * spelling, would be resolved by an upstream but not by the routes: a way around a route that
 * checks who asks. Clients resolve them before they send (RFC 3986 section 5.2.4). */
static bool is_one_place(struct text path)
{
    size_t length = 0; /* of the segment so far, without parameters, which some readers drop */
    bool is_dots = true, has_parameter = false;

    for (size_t at = 0; at < path.count;) {
        int byte = take_byte(path, &at);
        if (byte < 0)
            return false;
        if (byte != '/' && byte != '\\') {
            has_parameter = has_parameter || byte == ';';
            is_dots = is_dots && (byte == '.' || has_parameter);
            length += !has_parameter;
            continue;
        }
        if (is_dots && (length == 1 || length == 2))
            return false;
        length = 0;
        is_dots = true;
        has_parameter = false;
    }
    return !is_dots || length == 0 || length > 2;
}

static void split_query(struct request *request, struct text rest)
{
    const char *mark = find(rest, '?');

    request->has_query = mark != NULL;
    request->path = rest;
    request->query = TEXT_NONE;
    if (!mark)
        return;
    request->path.count = (size_t)(mark - rest.at);
    request->query = text_from(rest, request->path.count + 1);
}

/* "http://host:port/path?query". Another scheme is not ours to answer for. */
static bool read_absolute(struct request *request)
{
    static const struct text SCHEME = {"http://", 7};
    struct text target = request->target;
    struct text host;
    size_t length = 0;

    if (target.count <= SCHEME.count || strncasecmp(target.at, SCHEME.at, SCHEME.count) != 0)
        return false;
    target = text_from(target, SCHEME.count);
    while (length < target.count && target.at[length] != '/' && target.at[length] != '?')
        length++;
    host = (struct text){.at = target.at, .count = length};
    if (host.count == 0 || !http1_host_is_valid(host))
        return false;
    request->host = host;
    split_query(request, text_from(target, length));
    if (request->path.count == 0 && !request->has_query &&
        text_is(request->method, TEXT("OPTIONS")))
        request->target = request->path = TEXT("*"); /* RFC 9112 section 3.2.4 */
    if (request->path.count == 0)
        request->path = TEXT("/");
    return is_one_place(request->path);
}

/* "host:port": the port must be there. */
static bool read_authority(struct request *request)
{
    struct text target = request->target;
    char last = target.at[target.count - 1];

    if (!http1_host_is_valid(target) || !find(target, ':') || last < '0' || last > '9')
        return false;
    request->host = target;
    request->path = TEXT("/");
    return true;
}

bool http1_target_read(struct request *request)
{
    struct text target = request->target;

    request->query = TEXT_NONE;
    request->has_query = false;
    if (target.count == 0 || !is_all(target, IN_TARGET))
        return false;
    if (text_is(request->method, TEXT("CONNECT")))
        return read_authority(request);
    if (target.at[0] == '/') {
        split_query(request, target);
        return is_one_place(request->path);
    }
    if (text_is(target, TEXT("*"))) {
        request->path = target;
        return text_is(request->method, TEXT("OPTIONS"));
    }
    return read_absolute(request);
}
