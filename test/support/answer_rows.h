/* Answers of an upstream, right and wrong, and what has to become of each. A body is "12345" or
 * empty, so that it can be a part of a page. */
#pragma once

#include <stdbool.h>

#include "conf/text.h"

enum fate {
    FATE_WHOLE,  /* as the upstream meant it */
    FATE_BROKEN, /* before its head was complete: 502 */
    FATE_CUT,    /* after that: 502 where nothing has gone to the client, else visibly cut */
};

struct answer {
    struct text bytes;
    enum fate fate;
    const char *body; /* FATE_WHOLE: all of it, FATE_CUT: what comes at the most */
    bool is_closed;   /* the upstream closes behind it; else it waits for the next request */
    int status;       /* 0: 200 */
};

#define LITERAL(text)                            \
    {                                            \
        .at = (text), .count = sizeof(text) - 1, \
    }
#define WHOLE(text, all) .bytes = LITERAL(text), .fate = FATE_WHOLE, .body = (all)
#define BROKEN(text) .bytes = LITERAL(text), .fate = FATE_BROKEN
#define CUT(text, some) .bytes = LITERAL(text), .fate = FATE_CUT, .body = (some)

struct answer_rows {
    const struct answer *rows;
    size_t count;
};

/* Well formed. */
extern const struct answer_rows ANSWERS_WHOLE;

/* Not HTTP, not this HTTP, or framed so that two readers could see two ends. */
extern const struct answer_rows ANSWERS_BROKEN;

/* Wrong only when the head has gone. */
extern const struct answer_rows ANSWERS_CUT;
