#include "proxy/writer_json.h"

void write_json_text(struct writer *writer, const char *before, struct text text)
{
    write_string(writer, before);
    write_char(writer, '"');
    write_quoted(writer, text);
    write_char(writer, '"');
}

void write_json_name(struct writer *writer, const char *before, const char *name)
{
    write_json_text(writer, before, text_of(name));
}

void write_json_span(struct writer *writer, const char *before, struct span span)
{
    write_string(writer, before);
    write_ms_short(writer, span);
}

void write_json_count(struct writer *writer, const char *before, uint64_t count)
{
    write_string(writer, before);
    write_number(writer, (int64_t)count);
}
