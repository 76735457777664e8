/* A client without a connection: notes what a service does with it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "proxy/client.h"
#include "proxy/pool.h"

struct fake_client {
    struct client client;
    struct pool *pool;  /* borrowed: where the bodies come from */
    bool is_sent_later; /* client_end says that not all is sent yet */
    bool is_head;       /* bodies are dropped */

    size_t wanted; /* bytes of body asked for, in all */
    unsigned replies;
    unsigned ends;
    unsigned cuts;
    int status;
    int64_t length;
    char headers[2000]; /* "Name: value\n" for each */
    size_t headers_count;
    char *body; /* owned; terminated; NULL: nothing was sent */
    size_t body_count;
};

void fake_client_init(struct fake_client *fake, struct pool *pool);
void fake_client_finish(struct fake_client *fake);
