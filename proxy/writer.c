#include "proxy/writer.h"

#include <string.h>

void write_text(struct writer *writer, struct text text)
{
    size_t room = (size_t)(writer->end - writer->at);

    if (text.count > room) {
        writer->is_cut = true;
        text.count = room;
    }
    if (text.count > 0)
        memcpy(writer->at, text.at, text.count);
    writer->at += text.count;
}

void write_string(struct writer *writer, const char *string)
{
    write_text(writer, text_of(string));
}

void write_char(struct writer *writer, char byte)
{
    write_text(writer, (struct text){.at = &byte, .count = 1});
}

static void write_digits(struct writer *writer, uint64_t number, int digits_min)
{
    char digits[20];
    size_t at = sizeof digits;

    while (number > 0 || digits_min > 0) {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
        digits_min--;
    }
    write_text(writer, (struct text){.at = digits + at, .count = sizeof digits - at});
}

void write_number(struct writer *writer, int64_t number)
{
    uint64_t magnitude = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;

    if (number < 0)
        write_char(writer, '-');
    write_digits(writer, magnitude, 1);
}

void write_ms(struct writer *writer, struct span span)
{
    uint64_t tenths = (uint64_t)span.ns / (uint64_t)(NS_PER_MS / 10);

    write_digits(writer, tenths / 10, 1);
    write_char(writer, '.');
    write_digits(writer, tenths % 10, 1);
}

void write_ms_short(struct writer *writer, struct span span)
{
    uint64_t us = (uint64_t)(span.ns / NS_PER_US);
    uint64_t fraction = us % 1000;
    int digits = 3;

    write_digits(writer, us / 1000, 1);
    if (fraction == 0)
        return;
    while (fraction % 10 == 0) {
        fraction /= 10;
        digits--;
    }
    write_char(writer, '.');
    write_digits(writer, fraction, digits);
}

void write_decimal(struct writer *writer, uint64_t value, unsigned decimals)
{
    uint64_t unit = 1;

    for (unsigned i = 0; i < decimals; i++)
        unit *= 10;
    write_digits(writer, value / unit, 1);
    write_char(writer, '.');
    write_digits(writer, value % unit, (int)decimals);
}

void write_line(struct writer *writer, const char *name, struct text value)
{
    write_string(writer, "\r\n");
    write_string(writer, name);
    write_string(writer, ": ");
    write_text(writer, value);
}

static bool is_plain(struct text text)
{
    for (size_t i = 0; i < text.count; i++) {
        char byte = text.at[i];
        if (byte <= ' ' || byte >= 0x7f || byte == '"' || byte == '=' || byte == '\\')
            return false;
    }
    return text.count > 0;
}

void write_logfmt(struct writer *writer, struct text text)
{
    static const char hex[] = "0123456789abcdef";

    if (is_plain(text)) {
        write_text(writer, text);
        return;
    }
    write_char(writer, '"');
    for (size_t i = 0; i < text.count; i++) {
        unsigned char byte = (unsigned char)text.at[i];
        if (byte == '"' || byte == '\\') {
            write_char(writer, '\\');
            write_char(writer, (char)byte);
        } else if (byte < ' ' || byte >= 0x7f) {
            write_string(writer, "\\x");
            write_char(writer, hex[byte >> 4]);
            write_char(writer, hex[byte & 15]);
        } else {
            write_char(writer, (char)byte);
        }
    }
    write_char(writer, '"');
}

/* In runs of what stays as it is: nearly always all of it. */
void write_quoted(struct writer *writer, struct text text)
{
    size_t begun = 0;

    for (size_t i = 0; i < text.count; i++) {
        char byte = text.at[i];
        bool is_escaped = byte == '"' || byte == '\\';
        if (byte >= ' ' && byte < 0x7f && !is_escaped)
            continue;
        write_text(writer, (struct text){.at = text.at + begun, .count = i - begun});
        write_char(writer, is_escaped ? '\\' : '?');
        begun = is_escaped ? i : i + 1;
    }
    if (begun < text.count)
        write_text(writer, (struct text){.at = text.at + begun, .count = text.count - begun});
}
