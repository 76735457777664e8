#include "test/support/chunk_reader.h"

#include <stdint.h>
#include <string.h>

struct chunk_reader {
    struct text rest;
    char *body;
    struct chunk_reading reading;
};

static bool is_control(unsigned char byte)
{
    return (byte < 0x20 && byte != '\t') || byte == 0x7f;
}

static void skip(struct chunk_reader *reader, size_t count)
{
    reader->rest =
        (struct text){.at = reader->rest.at + count, .count = reader->rest.count - count};
    reader->reading.used += count;
}

/* Takes a line off the front, without its CR LF. */
static enum chunks_state take_line(struct chunk_reader *reader, struct text *line)
{
    const char *at = reader->rest.at;
    size_t count = 0;

    while (count < reader->rest.count && !is_control((unsigned char)at[count]))
        count++;
    *line = (struct text){.at = at, .count = count};
    if (count == reader->rest.count || (at[count] == '\r' && count + 1 == reader->rest.count))
        return CHUNKS_SHORT;
    if (at[count] != '\r' || at[count + 1] != '\n')
        return CHUNKS_WRONG;
    skip(reader, count + 2);
    return CHUNKS_WHOLE;
}

static int hex_value(char digit)
{
    static const char DIGITS[] = "0123456789abcdef0123456789ABCDEF";
    const char *found = digit == '\0' ? NULL : strchr(DIGITS, digit);

    return found ? (int)(found - DIGITS) % 16 : -1;
}

/* chunk-size [ chunk-ext ]: may the line, as far as it has come, be that? */
static bool read_size(struct chunk_reader *reader, struct text line, uint64_t *size)
{
    size_t digits = 0;

    *size = 0;
    for (; digits < line.count && hex_value(line.at[digits]) >= 0; digits++) {
        if (*size >> 60 != 0)
            return false;
        *size = *size * 16 + (uint64_t)hex_value(line.at[digits]);
    }
    if (digits > 8 || digits < line.count)
        reader->reading.is_plain = false;
    return digits == line.count || (digits > 0 && line.at[digits] == ';');
}

static enum chunks_state take_data(struct chunk_reader *reader, uint64_t size)
{
    size_t there = size < reader->rest.count ? (size_t)size : reader->rest.count;
    struct text line;

    memcpy(reader->body + reader->reading.body_count, reader->rest.at, there);
    reader->reading.body_count += there;
    skip(reader, there);
    if (there < size)
        return CHUNKS_SHORT;
    enum chunks_state state = take_line(reader, &line);
    return line.count > 0 ? CHUNKS_WRONG : state;
}

static enum chunks_state take_trailers(struct chunk_reader *reader)
{
    struct text line;
    enum chunks_state state;

    while ((state = take_line(reader, &line)) == CHUNKS_WHOLE && line.count > 0)
        reader->reading.is_plain = false;
    if (line.count > 0)
        reader->reading.is_plain = false;
    return state;
}

static enum chunks_state take_chunk(struct chunk_reader *reader, uint64_t *size)
{
    struct text line;
    bool has_begun = reader->rest.count > 0;
    enum chunks_state state = take_line(reader, &line);

    if (!read_size(reader, line, size) || (line.count == 0 && has_begun))
        return CHUNKS_WRONG;
    if (state != CHUNKS_WHOLE)
        return state;
    return *size > 0 ? take_data(reader, *size) : take_trailers(reader);
}

struct chunk_reading chunk_reader_read(struct text bytes, char *body)
{
    struct chunk_reader reader = {.rest = bytes, .body = body, .reading.is_plain = true};
    uint64_t size;

    do {
        reader.reading.state = take_chunk(&reader, &size);
    } while (reader.reading.state == CHUNKS_WHOLE && size > 0);
    return reader.reading;
}
