/* A socket of the soak, never waited for: it plays a script, and reads what comes, fast or slowly.
 * Both the clients and the upstream hold one end of such. */
#pragma once

#include <event2/event_struct.h>
#include <stdbool.h>
#include <stddef.h>

#include "test/soak/script.h"
#include "test/support/message.h"

struct event_base;

struct cable_events {
    /* More bytes are in source, or source.state says that none will come. May close the cable. */
    void (*on_bytes)(void *owner);
    /* The script is over: what it says of the end is done. May close the cable. */
    void (*on_played)(void *owner);
};

struct cable {
    const struct cable_events *events; /* borrowed */
    void *owner;                       /* borrowed */
    struct source source;              /* what has come; its fd is owned, -1 when closed */
    struct script script;              /* owned; what is played */
    size_t sent;
    size_t stop;       /* the next of its stops */
    int read_pause_ms; /* after each read; 0: none */
    bool is_playing;
    struct event readable;
    struct event writable;
    struct event paced;  /* sends on */
    struct event rested; /* reads on */
};

/* Takes fd, which does not block. */
void cable_open(struct cable *cable, struct event_base *base, int fd);

/* Takes what is in script, and leaves it empty. The one before must be over. Calls back later. */
void cable_play(struct cable *cable, struct script *script);

bool cable_is_open(const struct cable *cable);

/* Closes, or resets. Nothing is called back after it. A closed cable is fine. */
void cable_close(struct cable *cable, bool by_reset);
