#include "test/soak/script.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/soak/token.h"

enum { UNIT = TOKEN_LENGTH + 1, CHUNK = 1000, HEADERS = 300, VALUE = 64 * 1024 };

static char *grow(struct script *script, size_t count)
{
    char *place;

    if (script->count + count > script->room) {
        script->room = 2 * script->room + count;
        script->bytes = realloc(script->bytes, script->room);
        assert(script->bytes);
    }
    place = script->bytes + script->count;
    script->count += count;
    return place;
}

void script_add(struct script *script, const char *bytes, size_t count)
{
    if (count > 0)
        memcpy(grow(script, count), bytes, count);
}

void script_add_text(struct script *script, const char *text)
{
    script_add(script, text, strlen(text));
}

void script_add_filler(struct script *script, uint32_t token, size_t from, size_t to)
{
    char unit[UNIT + 1];
    char *place = grow(script, to - from);

    token_write(unit, token);
    unit[TOKEN_LENGTH] = '\n';
    for (size_t i = from; i < to; i++)
        *place++ = unit[i % UNIT];
}

void script_add_chunks(struct script *script, uint32_t token, size_t size)
{
    char line[64];

    for (size_t at = 0; at < size; at += CHUNK) {
        size_t end = at + CHUNK < size ? at + CHUNK : size;
        snprintf(line, sizeof line, "%zx%s\r\n", end - at, at == 0 ? ";soak=\"1\"" : "");
        script_add_text(script, line);
        script_add_filler(script, token, at, end);
        script_add_text(script, "\r\n");
    }
    script_add_text(script, "0\r\nX-Trailer: soak\r\n\r\n");
}

static void add_headers(struct script *script)
{
    char line[64];

    for (int i = 0; i < HEADERS; i++) {
        snprintf(line, sizeof line, "X-Flood-%d: %d\r\n", i, i);
        script_add_text(script, line);
    }
}

static void add_number(struct script *script, size_t number)
{
    char text[32];

    snprintf(text, sizeof text, "%zu", number);
    script_add_text(script, text);
}

static void add_token(struct script *script, uint32_t token)
{
    char text[TOKEN_LENGTH + 1];

    token_write(text, token);
    script_add_text(script, text);
}

static void add_mark(struct script *script, char mark, const struct script_values *values)
{
    size_t half = values->size / 2;

    switch (mark) {
    case 't':
        add_token(script, values->token);
        break;
    case 'n':
        add_number(script, values->size);
        break;
    case 'b':
        script_add_filler(script, values->token, 0, values->size);
        break;
    case 'h':
        script_add_filler(script, values->token, 0, half);
        break;
    case 'r':
        script_add_filler(script, values->token, half, values->size);
        break;
    case 'c':
        script_add_chunks(script, values->token, values->size);
        break;
    case 'f':
        add_headers(script);
        break;
    case 'w':
        memset(grow(script, VALUE), 'w', VALUE);
        break;
    case '0':
        script_add(script, "", 1);
        break;
    default:
        assert(mark == '|');
        script_pause(script, values->wait_ms);
    }
}

void script_add_phrase(struct script *script, const char *phrase,
                       const struct script_values *values)
{
    while (*phrase != '\0') {
        size_t count = strcspn(phrase, "@");
        script_add(script, phrase, count);
        phrase += count;
        if (*phrase == '@') {
            add_mark(script, phrase[1], values);
            phrase += 2;
        }
    }
}

void script_pause(struct script *script, int ms)
{
    if (script->stops_count == SCRIPT_STOPS_MAX)
        return;
    script->stops[script->stops_count].at = script->count;
    script->stops[script->stops_count++].ms = ms;
}

void script_cut(struct script *script, size_t count, enum script_end end)
{
    script->end = end;
    if (script->count > count)
        script->count = count;
    while (script->stops_count > 0 && script->stops[script->stops_count - 1].at > script->count)
        script->stops_count--;
}

void script_finish(struct script *script)
{
    free(script->bytes);
    *script = (struct script){.bytes = NULL};
}
