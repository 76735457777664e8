#include "test/support/dialogue.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proxy/clock.h"
#include "test/support/address.h"

#define PATIENCE span_s(15)

struct dialogue {
    struct dialogue *next;
    int fd; /* -1: closed by this side */
    struct source source;
    struct instant asked;
    bool is_asking;
    struct reply *replies; /* owned */
};

static struct dialogue *dialogues; /* of this test */

struct dialogue *dialogue_try(const char *address)
{
    int fd = address_connect(address);
    struct dialogue *dialogue;

    if (fd < 0)
        return NULL;
    dialogue = calloc(1, sizeof(*dialogue));
    cr_assert_not_null(dialogue);
    dialogue->fd = fd;
    source_init(&dialogue->source, dialogue->fd);
    dialogue->next = dialogues;
    dialogues = dialogue;
    return dialogue;
}

struct dialogue *dialogue_open(const char *address)
{
    struct dialogue *dialogue = dialogue_try(address);

    cr_assert_not_null(dialogue, "cannot connect to %s", address);
    return dialogue;
}

void dialogue_close(struct dialogue *dialogue)
{
    if (dialogue->fd >= 0)
        close(dialogue->fd);
    dialogue->fd = -1;
}

void dialogues_hang_up(void)
{
    for (struct dialogue *dialogue = dialogues; dialogue; dialogue = dialogue->next)
        dialogue_close(dialogue);
}

void dialogue_reset(struct dialogue *dialogue)
{
    struct linger at_once = {.l_onoff = 1, .l_linger = 0};

    (void)setsockopt(dialogue->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    dialogue_close(dialogue);
}

static void dialogue_free(struct dialogue *dialogue)
{
    dialogue_close(dialogue);
    source_finish(&dialogue->source);
    while (dialogue->replies != NULL) {
        struct reply *next = dialogue->replies->next;

        message_finish(&dialogue->replies->message);
        free(dialogue->replies);
        dialogue->replies = next;
    }
    free(dialogue);
}

void dialogues_close(void)
{
    while (dialogues != NULL) {
        struct dialogue *next = dialogues->next;

        dialogue_free(dialogues);
        dialogues = next;
    }
}

static void note_asking(struct dialogue *dialogue)
{
    if (dialogue->is_asking)
        return;
    dialogue->is_asking = true;
    dialogue->asked = clock_now();
}

void dialogue_send_bytes(struct dialogue *dialogue, const char *bytes, size_t count)
{
    note_asking(dialogue);
    while (count > 0) {
        ssize_t sent = send(dialogue->fd, bytes, count, MSG_NOSIGNAL);
        if (sent <= 0)
            return; /* the proxy has closed: what it said before is still to be read */
        bytes += sent;
        count -= (size_t)sent;
    }
}

void dialogue_send(struct dialogue *dialogue, const char *text)
{
    dialogue_send_bytes(dialogue, text, strlen(text));
}

size_t dialogue_send_some(struct dialogue *dialogue, const char *bytes, size_t count)
{
    struct pollfd ready = {.fd = dialogue->fd, .events = POLLOUT};
    size_t done = 0;

    note_asking(dialogue);
    while (done < count && poll(&ready, 1, 1000) > 0) {
        ssize_t sent = send(dialogue->fd, bytes + done, count - done, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent <= 0)
            break;
        done += (size_t)sent;
    }
    return done;
}

void dialogue_drip(struct dialogue *dialogue, const char *text, int every_ms)
{
    struct pollfd heard = {.fd = dialogue->fd, .events = POLLIN};

    for (; *text != '\0' && poll(&heard, 1, 0) == 0; text++) {
        dialogue_send_bytes(dialogue, text, 1);
        (void)poll(&heard, 1, every_ms);
    }
}

void dialogue_half_close(struct dialogue *dialogue)
{
    shutdown(dialogue->fd, SHUT_WR);
}

static enum reply_end end_of(const struct message *message, const struct source *source)
{
    if (message->state == MESSAGE_COMPLETE)
        return REPLY_COMPLETE;
    if (message->state == MESSAGE_INVALID)
        return REPLY_INVALID;
    if (source->state == SOURCE_LATE)
        return REPLY_LATE;
    if (source->state == SOURCE_RESET)
        return REPLY_RESET;
    if (message->state == MESSAGE_HEAD)
        return source->begin == source->end ? REPLY_NONE : REPLY_TRUNCATED;
    return message->framing == FRAMING_CLOSE ? REPLY_COMPLETE : REPLY_TRUNCATED;
}

static struct reply *read_reply(struct dialogue *dialogue, bool is_head)
{
    struct reply *reply = calloc(1, sizeof(*reply));
    struct message *message = &reply->message;

    cr_assert_not_null(reply);
    message_init(message, true);
    message->has_no_body = is_head;
    do {
        message_take(message, &dialogue->source);
    } while (message->state != MESSAGE_COMPLETE && message->state != MESSAGE_INVALID &&
             source_fill(&dialogue->source, PATIENCE));
    reply->end = end_of(message, &dialogue->source);
    reply->status = message->start == NULL ? 0 : atoi(message->start + strlen("HTTP/1.1 "));
    reply->body = message->body;
    reply->took = span_since(dialogue->asked, clock_now());
    reply->next = dialogue->replies;
    dialogue->replies = reply;
    return reply;
}

const struct reply *dialogue_read_any(struct dialogue *dialogue)
{
    return read_reply(dialogue, false);
}

static const struct reply *read_final(struct dialogue *dialogue, bool is_head)
{
    unsigned interims = 0;

    for (;; interims++) {
        struct reply *reply = read_reply(dialogue, is_head);
        reply->interims = interims;
        if (reply->status >= 200 || reply->end != REPLY_COMPLETE) {
            dialogue->is_asking = false;
            return reply;
        }
    }
}

const struct reply *dialogue_read(struct dialogue *dialogue)
{
    return read_final(dialogue, false);
}

const struct reply *dialogue_read_head(struct dialogue *dialogue)
{
    return read_final(dialogue, true);
}

bool dialogue_awaits(struct dialogue *dialogue, const char *text)
{
    const struct source *source = &dialogue->source;

    while (source->begin == source->end ||
           memmem(source->bytes + source->begin, source->end - source->begin, text, strlen(text)) ==
               NULL) {
        if (!source_fill(&dialogue->source, PATIENCE))
            return false;
    }
    return true;
}

bool dialogue_is_closed(struct dialogue *dialogue)
{
    struct source *source = &dialogue->source;

    return source->begin == source->end && !source_fill(source, PATIENCE) &&
           source->state != SOURCE_LATE;
}

const char *reply_header(const struct reply *reply, const char *name)
{
    const char *value = message_header(&reply->message, name, 0);

    return value == NULL ? "" : value;
}

const char *reply_member(const struct reply *reply, const char *name)
{
    static char values[8][512];
    static unsigned turn;
    char *value = values[turn++ % 8];
    char key[64];
    const char *at;

    snprintf(key, sizeof(key), "\"%s\":", name);
    at = strstr(reply->body, key);
    if (at == NULL)
        return "";
    at += strlen(key);
    if (*at == '"')
        snprintf(value, sizeof(values[0]), "%.*s", (int)strcspn(at + 1, "\""), at + 1);
    else
        snprintf(value, sizeof(values[0]), "%.*s", (int)strcspn(at, ",}"), at);
    return value;
}

double reply_number(const struct reply *reply, const char *name)
{
    const char *text = reply_member(reply, name);

    return *text == '\0' ? -1 : strtod(text, NULL);
}
