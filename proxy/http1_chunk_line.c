#include "proxy/http1_chunk_line.h"

#include "conf/text.h"
#include "proxy/headers.h"

static bool is_token(char byte)
{
    return header_name_is_valid((struct text){.at = &byte, .count = 1});
}

static bool go(struct chunk_line *line, enum chunk_line_at at)
{
    line->at = at;
    return true;
}

/* The line ends with this byte, or it must not stand there. */
static bool take_cr(struct chunk_line *line, char byte, enum chunk_line_at next)
{
    line->next = next;
    return byte == '\r' && go(line, CHUNK_LINE_END);
}

static bool take_lf(struct chunk_line *line, char byte)
{
    if (byte != '\n')
        return false;
    if (line->next == CHUNK_LINE_SIZE)
        *line = (struct chunk_line){.next = CHUNK_LINE_SIZE};
    return go(line, line->next);
}

/* Behind a size, an extension or its value. */
static bool take_end(struct chunk_line *line, char byte)
{
    if (byte == ';')
        return go(line, CHUNK_LINE_EXTENSION);
    return take_cr(line, byte, line->size > 0 ? CHUNK_LINE_DATA : CHUNK_LINE_TRAILER);
}

static bool take_size(struct chunk_line *line, char byte)
{
    int digit = text_hex_digit(byte);

    if (digit < 0)
        return line->has_digits && take_end(line, byte);
    if (line->size >> 60 != 0)
        return false;
    line->has_digits = true;
    line->size = line->size << 4 | (unsigned)digit;
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
        return take_cr(line, byte, CHUNK_LINE_DONE);
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
        return take_lf(line, byte);
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
        return byte != '\r' || take_cr(line, byte, CHUNK_LINE_TRAILER);
    case CHUNK_LINE_BEHIND_DATA:
        return take_cr(line, byte, CHUNK_LINE_SIZE);
    case CHUNK_LINE_DATA:
    case CHUNK_LINE_END:
    case CHUNK_LINE_DONE:
        break;
    }
    return false;
}
