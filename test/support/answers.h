/* Answers of an upstream put before the running program, each with a second request right behind
 * it: what the client gets of the first, and that the second gets its own. */
#pragma once

#include <stddef.h>

#include "test/support/answer_rows.h"
#include "test/support/world.h"

/* Four ways of an answer to the client; of each its URL (printf). /plain passes through, /held holds
 * the first part back, /page merges, /filled puts the body into the path of another call, whose
 * answer the client gets. */
#define ANSWERS_ROUTES                                               \
    "[upstream u]\nurl = %s\n"                                       \
    "[route plain]\nmatch = /plain/*\nupstream = u\n"                \
    "[route held]\nmatch = /held/*\nupstream = u\n"                  \
    "buffer-first = 16KiB\n"                                         \
    "[route page]\nmatch = /page/{id}\nsteps = it\nanswer = merge\n" \
    "[call page.it]\nupstream = u\nrequest = GET /{id}\n"            \
    "[route filled]\nmatch = /filled/{id}\nsteps = it, next\n"       \
    "[call filled.it]\nupstream = u\nrequest = GET /{id}\n"          \
    "[call filled.next]\nupstream = u\nrequest = GET /next-{it.body}\n"

/* What the client has to get by way of path when all of an answer has come and is as its row says:
 * the status, and the body unless the status is one of the proxy's own making. */
int answers_status(const struct answer *answer, const char *path);
const char *answers_body(const struct answer *answer, const char *path);

/* Is an answer that breaks off after its head visible to the client by this way as far as it came? */
bool answers_may_be_cut(const char *path);

/* A head as the proxy may send it: strictly one, with one framing at the most. */
bool answers_head_is_clean(const struct message *message);

/* How they come. */
enum answers_manner {
    ANSWERS_AT_ONCE,
    ANSWERS_BYTE_BY_BYTE,
};

/* A world with the four routes to origin. */
struct world *answers_world(struct origin *origin);

/* Sends GET of path and GET of /plain/next at once for each answer, and looks at both replies.
 * Not for /filled: its second call has no answer here. */
void answers_check(const char *path, enum answers_manner manner, struct answer_rows answers);

/* What every second request is answered. */
#define ANSWERS_NEXT "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\nnext"

/* Reads the second reply on the same connection, or, when the first has ended that, on another.
 * Fails the test unless it is ANSWERS_NEXT. */
void answers_expect_next(const struct world *world, struct dialogue *dialogue,
                         const struct reply *first, const char *what);
