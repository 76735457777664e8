#include "proxy/http1_chunk_line.h"

#include "conf/text.h"
#include "proxy/headers.h"

static bool is_token(char byte)
{
    return header_name_is_valid((struct text){.at = &byte, .count = 1});
}

/* The line has ended. */
static enum chunk_line_at next_line(struct chunk_line *line)
{
    line->has_trailers |= line->has_digits && !line->is_nonzero;
    line->has_digits = line->is_nonzero = false;
    return line->has_trailers ? CHUNK_LINE_TRAILER : CHUNK_LINE_SIZE;
}

static bool go(struct chunk_line *line, enum chunk_line_at at)
{
    line->at = at;
    return true;
}

/* Behind a size, an extension or its value. */
static bool take_end(struct chunk_line *line, char byte)
{
    if (byte == ';')
        return go(line, CHUNK_LINE_EXTENSION);
    return byte == '\r' && go(line, CHUNK_LINE_END);
}

static bool take_size(struct chunk_line *line, char byte)
{
    if (text_hex_digit(byte) < 0)
        return line->has_digits && take_end(line, byte);
    line->has_digits = true;
    line->is_nonzero |= byte != '0';
    return true;
}

/* Section 7.1.1. The blanks that it lets stand around ; and = are refused: nobody sends them. */
static bool take_extension(struct chunk_line *line, char byte)
{
    if (is_token(byte))
        return go(line, CHUNK_LINE_EXTENSION_NAME);
    if (line->at == CHUNK_LINE_EXTENSION)
        return false;
    return byte == '=' ? go(line, CHUNK_LINE_VALUE) : take_end(line, byte);
}

static bool take_value(struct chunk_line *line, char byte)
{
    if (is_token(byte))
        return go(line, CHUNK_LINE_VALUE_TOKEN);
    if (line->at == CHUNK_LINE_VALUE)
        return byte == '"' && go(line, CHUNK_LINE_QUOTED);
    return take_end(line, byte);
}

static bool take_quoted(struct chunk_line *line, char byte)
{
    if (byte == '"')
        return go(line, CHUNK_LINE_UNQUOTED);
    if (byte == '\\')
        return go(line, CHUNK_LINE_ESCAPED);
    return byte != '\r';
}

static bool take_trailer(struct chunk_line *line, char byte)
{
    if (is_token(byte))
        return go(line, CHUNK_LINE_TRAILER_NAME);
    if (line->at == CHUNK_LINE_TRAILER)
        return byte == '\r' && go(line, CHUNK_LINE_END);
    return byte == ':' && go(line, CHUNK_LINE_TRAILER_VALUE);
}

/* What may stand in no line at all, but for the LF at its end. */
static bool is_control(char byte)
{
    unsigned char code = (unsigned char)byte;

    return (code < 0x20 && byte != '\t' && byte != '\r') || code == 0x7f;
}

bool chunk_line_take(struct chunk_line *line, char byte)
{
    if (line->at == CHUNK_LINE_END)
        return byte == '\n' && go(line, next_line(line));
    if (is_control(byte))
        return false;
    switch (line->at) {
    case CHUNK_LINE_SIZE:
        return take_size(line, byte);
    case CHUNK_LINE_EXTENSION:
    case CHUNK_LINE_EXTENSION_NAME:
        return take_extension(line, byte);
    case CHUNK_LINE_VALUE:
    case CHUNK_LINE_VALUE_TOKEN:
        return take_value(line, byte);
    case CHUNK_LINE_QUOTED:
        return take_quoted(line, byte);
    case CHUNK_LINE_ESCAPED:
        return byte != '\r' && go(line, CHUNK_LINE_QUOTED);
    case CHUNK_LINE_UNQUOTED:
        return take_end(line, byte);
    case CHUNK_LINE_TRAILER:
    case CHUNK_LINE_TRAILER_NAME:
        return take_trailer(line, byte);
    case CHUNK_LINE_TRAILER_VALUE:
        return byte != '\r' || go(line, CHUNK_LINE_END);
    case CHUNK_LINE_BEHIND_DATA:
        return byte == '\r' && go(line, CHUNK_LINE_END);
    case CHUNK_LINE_END:
        break;
    }
    return false;
}
