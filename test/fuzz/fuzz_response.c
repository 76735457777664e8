/* What an upstream answers, as libcurl hands it on: the head line by line, then the body in pieces.
 * What is accepted must be what a plain reader of the RFC makes of it, to the byte. The input is
 * how many cuts the body has, how many bytes each piece before a cut has, one byte each, and the
 * answer. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/http1_chunked.h"
#include "proxy/response.h"
#include "test/support/chunk_reader.h"
#include "test/support/head_reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

struct cuts {
    const uint8_t *sizes;
    size_t count;
};

static struct text after(struct text text, size_t count)
{
    return (struct text){.at = text.at + count, .count = text.count - count};
}

/* A line ends with its line feed, whatever comes before that. */
static size_t line_count(struct text rest)
{
    const char *end = rest.count > 0 ? memchr(rest.at, '\n', rest.count) : NULL;

    return end ? (size_t)(end - rest.at) + 1 : 0;
}

/* Each line lies in memory of its own, so that a look behind it is found. */
static bool take_line(struct response *response, struct text line)
{
    char *copy = malloc(line.count);

    assert(copy);
    memcpy(copy, line.at, line.count);
    bool is_taken = response_take(response, (struct text){.at = copy, .count = line.count});
    free(copy);
    return is_taken;
}

/* How many bytes the head has; 0: it is refused, or not whole. */
static size_t take_head(struct response *response, struct text answer)
{
    struct text rest = answer;

    for (size_t count; (count = line_count(rest)) > 0;) {
        if (!take_line(response, (struct text){.at = rest.at, .count = count}))
            return 0;
        rest = after(rest, count);
        if (response->progress == RESPONSE_DONE)
            return answer.count - rest.count;
    }
    return 0;
}

static void check_fields(const struct response *response, struct text answer)
{
    for (size_t i = 0; i < response->headers_count; i++) {
        struct text name, value;
        head_reader_field(answer, i, &name, &value);
        assert(text_is(name, response->headers[i].name));
        assert(text_is(value, response->headers[i].value));
    }
}

/* May a head be refused although nothing in it is wrong? */
static bool is_over_limits(const struct head_reading *reading, struct text answer)
{
    return reading->status > 599 || reading->length_digits > 18 ||
           reading->fields > RESPONSE_HEADERS_MAX || answer.count > RESPONSE_BYTES_MAX;
}

static void check_head(const struct response *response, size_t used, struct text answer)
{
    struct head_reading reading = head_reader_read(answer);

    if (used == 0) {
        assert(!reading.is_right || is_over_limits(&reading, answer));
        return;
    }
    assert(reading.is_right && reading.used == used);
    assert(reading.status == response->status && reading.minor == response->minor);
    assert(reading.is_chunked == response->is_chunked && reading.length == response->length);
    assert(reading.fields == response->headers_count);
    check_fields(response, answer);
}

struct decoded {
    char *body; /* owned */
    size_t count;
    size_t used; /* bytes of the input */
    enum chunked_result result;
};

static void take_piece(struct http1_chunked *chunked, struct decoded *decoded, struct text bytes)
{
    char *copy = malloc(bytes.count + 1);
    struct text rest = {.at = copy, .count = bytes.count}, piece;

    assert(copy);
    memcpy(copy, bytes.at, bytes.count);
    while ((decoded->result = http1_chunked_next(chunked, &rest, SIZE_MAX, &piece)) ==
           CHUNKED_PIECE) {
        memcpy(decoded->body + decoded->count, piece.at, piece.count);
        decoded->count += piece.count;
    }
    assert(decoded->result != CHUNKED_MORE || rest.count == 0);
    decoded->used += bytes.count - rest.count;
    free(copy);
}

static struct decoded decode(struct pool *pool, struct text body, struct cuts cuts)
{
    struct http1_chunked *chunked = http1_chunked_create(pool, RESPONSE_BYTES_MAX);
    struct decoded decoded = {.body = malloc(body.count + 1), .result = CHUNKED_MORE};

    assert(decoded.body);
    for (size_t i = 0; i <= cuts.count && decoded.result == CHUNKED_MORE; i++) {
        struct text rest = after(body, decoded.used);
        if (i < cuts.count && cuts.sizes[i] < rest.count)
            rest.count = cuts.sizes[i];
        take_piece(chunked, &decoded, rest);
    }
    http1_chunked_destroy(chunked, pool);
    return decoded;
}

/* The decoder may refuse more than the plain reader does of what it then drops, and of sizes that
 * nothing has; never less. */
static void check_chunks(struct pool *pool, struct text body, struct cuts cuts)
{
    struct decoded decoded = decode(pool, body, cuts);
    char *expected = malloc(body.count + 1);

    assert(expected);
    struct chunk_reading reading = chunk_reader_read(body, expected);
    assert(decoded.count <= reading.body_count);
    assert(memcmp(decoded.body, expected, decoded.count) == 0);
    if (decoded.result == CHUNKED_END)
        assert(reading.state == CHUNKS_WHOLE && reading.used == decoded.used);
    if (decoded.result == CHUNKED_MORE)
        assert(reading.state == CHUNKS_SHORT);
    if (decoded.result == CHUNKED_INVALID)
        assert(reading.state == CHUNKS_WRONG || !reading.is_plain ||
               body.count > RESPONSE_BYTES_MAX);
    else
        assert(decoded.count == reading.body_count);
    free(expected);
    free(decoded.body);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    if (count == 0 || bytes[0] > count - 1)
        return 0;
    struct cuts cuts = {.sizes = bytes + 1, .count = bytes[0]};
    struct text answer = {.at = (const char *)bytes + 1 + cuts.count,
                          .count = count - 1 - cuts.count};
    struct response response;
    struct arena arena;
    struct pool pool;

    pool_init(&pool);
    arena_init(&arena, &pool);
    response_init(&response, &arena);
    size_t head = take_head(&response, answer);
    check_head(&response, head, answer);
    if (head > 0 && response.is_chunked)
        check_chunks(&pool, after(answer, head), cuts);
    arena_finish(&arena);
    pool_finish(&pool);
    return 0;
}
