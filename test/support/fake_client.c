#include "test/support/fake_client.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Its first member is what the service knows. */
static struct fake_client *fake_of(struct client *client)
{
    return (struct fake_client *)(void *)client;
}

static void want(struct client *client, size_t count)
{
    fake_of(client)->wanted += count;
}

static void reply(struct client *client, const struct reply *head, struct instant now)
{
    struct fake_client *fake = fake_of(client);

    (void)now;
    fake->replies++;
    fake->status = head->status;
    fake->length = head->length;
    for (size_t i = 0; i < head->headers_count; i++) {
        struct text name = head->headers[i].name;
        struct text value = head->headers[i].value;
        size_t room = sizeof(fake->headers) - fake->headers_count;
        int count = snprintf(fake->headers + fake->headers_count, room, "%.*s: %.*s\n",
                             (int)name.count, name.at, (int)value.count, value.at);
        assert(count > 0 && (size_t)count < room);
        fake->headers_count += (size_t)count;
    }
}

static bool send_body(struct client *client, struct chain *body)
{
    struct fake_client *fake = fake_of(client);

    if (fake->is_head) {
        chain_clear(body, fake->pool);
        return true;
    }
    size_t count = body->count;
    fake->body = realloc(fake->body, fake->body_count + count + 1);
    assert(fake->body);
    fake->body_count += chain_take(body, fake->pool, fake->body + fake->body_count, count);
    fake->body[fake->body_count] = '\0';
    return true;
}

static bool end(struct client *client, struct instant now)
{
    (void)now;
    fake_of(client)->ends++;
    return !fake_of(client)->is_sent_later;
}

static void cut(struct client *client)
{
    fake_of(client)->cuts++;
}

static void flush(struct client *client, struct instant now)
{
    (void)client, (void)now;
}

void fake_client_init(struct fake_client *fake, struct pool *pool)
{
    static const struct codec codec = {want, reply, send_body, end, cut, flush};

    *fake = (struct fake_client){.client = {&codec}, .pool = pool};
}

void fake_client_finish(struct fake_client *fake)
{
    free(fake->body);
}
