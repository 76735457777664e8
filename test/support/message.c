#include "test/support/message.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

enum { FILL_BYTES = 64 * 1024 };

void source_init(struct source *source, int fd)
{
    *source = (struct source){.fd = fd};
}

void source_finish(struct source *source)
{
    free(source->bytes);
    source->bytes = NULL;
}

static void make_room(struct source *source)
{
    if (source->begin > 0) {
        memmove(source->bytes, source->bytes + source->begin, source->end - source->begin);
        source->end -= source->begin;
        source->begin = 0;
    }
    if (source->room - source->end < FILL_BYTES) {
        source->room = 2 * source->room + FILL_BYTES;
        source->bytes = realloc(source->bytes, source->room);
        assert(source->bytes != NULL);
    }
}

bool source_fill(struct source *source, struct span patience)
{
    struct pollfd ready = {.fd = source->fd, .events = POLLIN};

    if (source->state != SOURCE_OPEN)
        return false;
    if (poll(&ready, 1, (int)span_floor_ms(patience)) == 0) {
        source->state = SOURCE_LATE;
        return false;
    }
    make_room(source);
    ssize_t count = recv(source->fd, source->bytes + source->end, FILL_BYTES, 0);
    if (count > 0)
        source->end += (size_t)count;
    else
        source->state = count == 0 ? SOURCE_ENDED : SOURCE_RESET;
    return count > 0;
}

void message_init(struct message *message, bool is_response)
{
    *message = (struct message){.is_response = is_response, .body = strdup(""), .body_room = 1};
}

void message_finish(struct message *message)
{
    free(message->start);
    free(message->head);
    free(message->head_split);
    free(message->lines);
    free(message->body);
    *message = (struct message){.is_response = message->is_response};
}

const char *message_header(const struct message *message, const char *name, size_t n)
{
    for (size_t i = 0; i < message->lines_count; i++) {
        if (strcasecmp(message->lines[i].name, name) == 0 && n-- == 0)
            return message->lines[i].value;
    }
    return NULL;
}

/* One line of the header section, cut in place. False: it is not "name: value". */
static bool split_line(struct message *message, char *text)
{
    char *colon = strchr(text, ':');
    char *value = colon;

    if (colon == NULL || colon == text || strcspn(text, " \t") < (size_t)(colon - text))
        return false;
    *value++ = '\0';
    value += strspn(value, " \t");
    for (size_t i = strlen(value); i > 0 && strchr(" \t", value[i - 1]) != NULL; i--)
        value[i - 1] = '\0';
    struct line *lines = realloc(message->lines, (message->lines_count + 1) * sizeof(struct line));
    assert(lines != NULL);
    message->lines = lines;
    message->lines[message->lines_count++] = (struct line){.name = text, .value = value};
    return true;
}

static bool split_head(struct message *message)
{
    char *text = message->head_split = strdup(message->head);

    while (*text != '\0') {
        char *end = strstr(text, "\r\n");
        if (end == NULL || memchr(text, '\n', (size_t)(end - text)) != NULL)
            return false;
        *end = '\0';
        if (!split_line(message, text))
            return false;
        text = end + 2;
    }
    return true;
}

/* Is this an answer that has no body whatever its headers say? */
static bool is_bare(const struct message *message)
{
    int status;

    if (!message->is_response)
        return false;
    if (message->has_no_body)
        return true;
    status = atoi(message->start + strlen("HTTP/1.1 "));
    return status < 200 || status == 204 || status == 304;
}

static bool read_length(struct message *message, const char *text)
{
    char *end;

    message->piece_left = strtoull(text, &end, 10);
    message->framing = FRAMING_LENGTH;
    return text[0] >= '0' && text[0] <= '9' && *end == '\0';
}

/* How the body is framed. False: in no way that can be trusted. */
static bool read_framing(struct message *message)
{
    const char *length = message_header(message, "Content-Length", 0);
    const char *coding = message_header(message, "Transfer-Encoding", 0);

    if ((length != NULL && coding != NULL) || message_header(message, "Content-Length", 1) != NULL)
        return false;
    if (is_bare(message))
        message->framing = FRAMING_NONE;
    else if (coding != NULL)
        message->framing = FRAMING_CHUNKED;
    else if (length != NULL)
        return read_length(message, length);
    else
        message->framing = message->is_response ? FRAMING_CLOSE : FRAMING_NONE;
    return coding == NULL || strcasecmp(coding, "chunked") == 0;
}

static bool start_is_well(const struct message *message)
{
    const char *start = message->start;

    if (!message->is_response)
        return strstr(start, " HTTP/1.") != NULL;
    return (strncmp(start, "HTTP/1.1 ", 9) == 0 || strncmp(start, "HTTP/1.0 ", 9) == 0) &&
           strspn(start + 9, "0123456789") == 3;
}

static enum message_state head_done(struct message *message)
{
    if (!start_is_well(message) || !split_head(message) || !read_framing(message))
        return MESSAGE_INVALID;
    if (message->framing == FRAMING_NONE ||
        (message->framing == FRAMING_LENGTH && message->piece_left == 0))
        return MESSAGE_COMPLETE;
    return MESSAGE_BODY;
}

static bool take_head(struct message *message, struct source *source)
{
    char *bytes = source->bytes + source->begin;
    size_t count = source->end - source->begin;
    char *end = count == 0 ? NULL : memmem(bytes, count, "\r\n\r\n", 4);
    char *start_end;

    if (end == NULL)
        return false;
    start_end = memmem(bytes, count, "\r\n", 2);
    message->start = strndup(bytes, (size_t)(start_end - bytes));
    message->head = strndup(start_end + 2, (size_t)(end + 2 - (start_end + 2)));
    source->begin += (size_t)(end + 4 - bytes);
    message->state = head_done(message);
    return true;
}

static void take_bytes(struct message *message, struct source *source, size_t count)
{
    if (message->body_room < message->body_count + count + 1) {
        message->body_room = 2 * message->body_room + count + 1;
        message->body = realloc(message->body, message->body_room);
        assert(message->body != NULL);
    }
    memcpy(message->body + message->body_count, source->bytes + source->begin, count);
    message->body_count += count;
    message->body[message->body_count] = '\0';
    source->begin += count;
}

/* A line of chunk framing: its length without the line end, or -1 while it has not come. */
static ssize_t line_length(const struct source *source)
{
    const char *bytes = source->bytes + source->begin;
    const char *end =
        source->begin == source->end ? NULL : memmem(bytes, source->end - source->begin, "\r\n", 2);

    return end == NULL ? -1 : end - bytes;
}

/* A size line, the empty line after a chunk, or a trailer. False: more bytes are needed. */
static bool take_chunk_line(struct message *message, struct source *source)
{
    ssize_t length = line_length(source);
    char *text = source->bytes + source->begin;
    char *end;

    if (length < 0)
        return false;
    source->begin += (size_t)length + 2;
    if (message->trailers_begun) {
        if (length == 0)
            message->state = MESSAGE_COMPLETE;
    } else if (message->piece_is_ended) {
        message->piece_is_ended = false;
        if (length != 0)
            message->state = MESSAGE_INVALID;
    } else {
        message->piece_left = strtoull(text, &end, 16);
        message->trailers_begun = message->piece_left == 0;
        if (end == text || strchr("\r;", *end) == NULL)
            message->state = MESSAGE_INVALID;
    }
    return true;
}

static bool take_body(struct message *message, struct source *source)
{
    size_t count = source->end - source->begin;

    if (message->framing == FRAMING_CHUNKED && message->piece_left == 0)
        return take_chunk_line(message, source);
    if (message->framing != FRAMING_CLOSE && count > message->piece_left)
        count = message->piece_left;
    if (count == 0)
        return false;
    take_bytes(message, source, count);
    if (message->framing == FRAMING_CLOSE)
        return true;
    message->piece_left -= count;
    if (message->piece_left == 0 && message->framing == FRAMING_CHUNKED)
        message->piece_is_ended = true;
    else if (message->piece_left == 0)
        message->state = MESSAGE_COMPLETE;
    return true;
}

void message_take(struct message *message, struct source *source)
{
    bool goes_on = true;

    while (goes_on && message->state != MESSAGE_COMPLETE && message->state != MESSAGE_INVALID) {
        if (message->state == MESSAGE_HEAD)
            goes_on = take_head(message, source);
        else
            goes_on = take_body(message, source);
    }
}
