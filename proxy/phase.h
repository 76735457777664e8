/* How far a request has come. */
#pragma once

#include <stdbool.h>

/* In the order of its life. Only enter() in exchange.c changes it. */
enum phase {
    PHASE_ARRIVED,
    PHASE_GATHERING, /* the client's body is read whole before the first call */
    PHASE_CALLING,   /* calls are under way; the client has seen nothing, so a 504 is possible */
    PHASE_REPLYING,  /* the head of the reply is out: it can only be completed or broken off */
    PHASE_SENDING,   /* the reply is complete, but the client has not taken all of it */
    PHASE_FINISHED,
};

bool phase_may_follow(enum phase phase, enum phase next);
