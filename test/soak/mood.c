#include "test/soak/mood.h"

#include <string.h>

/* The headers that say whose answer it is, and how long its body is when it is whole. */
#define OWN "X-Token: @t\r\nX-Size: @n\r\n"
#define OK "HTTP/1.1 200 OK\r\n" OWN
#define LENGTH "Content-Length: @n\r\n\r\n"
#define CHUNKED "Transfer-Encoding: chunked\r\n\r\n"
#define STRAY "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n~7fffffff"

const struct mood moods[] = {
    /* what a well-meaning upstream does */
    {"well", .answer = OK LENGTH "@b", .is_honest = true},
    {"chunked", .answer = OK CHUNKED "@c", .is_honest = true},
    {"until-close", .answer = OK "Connection: close\r\n\r\n@b", .end = SCRIPT_CLOSES,
     .is_honest = true},
    {"old", .answer = "HTTP/1.0 200 OK\r\n" OWN "\r\n@b", .end = SCRIPT_CLOSES, .is_honest = true},
    {"once", .answer = OK "Connection: close\r\n" LENGTH "@b", .end = SCRIPT_CLOSES,
     .is_honest = true},
    {"interim", .answer = "HTTP/1.1 103 Early Hints\r\nX-Hint: @t\r\n\r\n@|" OK LENGTH "@b",
     .is_honest = true},
    {"json",
     .answer = OK "Content-Type: application/json\r\nContent-Length: 19\r\n\r\n{\"of\":\"@t\"}\n",
     .is_honest = true},
    {"empty", .answer = "HTTP/1.1 204 No Content\r\nX-Token: @t\r\n\r\n", .is_honest = true},
    {"moved",
     .answer = "HTTP/1.1 302 Found\r\nX-Token: @t\r\nLocation: /@t\r\nContent-Length: 0\r\n\r\n"},
    {"same", .answer = "HTTP/1.1 304 Not Modified\r\nX-Token: @t\r\nETag: \"@t\"\r\n\r\n"},
    {"forbidden", .answer = "HTTP/1.1 403 Forbidden\r\n" OWN LENGTH "@b"},
    /* a slow one */
    {"late", .answer = "@|" OK LENGTH "@b", .is_honest = true},
    {"halting", .answer = OK LENGTH "@h@|@r", .is_honest = true},
    {"halting-chunks", .answer = OK CHUNKED "@|@c", .is_honest = true},
    {"dripping", .answer = OK LENGTH "@b", .piece = 40, .is_honest = true},
    {"silent", .answer = ""},
    {"stalled", .answer = OK LENGTH "@h"},
    /* a failing one */
    {"broken", .answer = "HTTP/1.1 500 No\r\n" OWN LENGTH "@b"},
    {"busy", .answer = "HTTP/1.1 503 Busy\r\nRetry-After: 0\r\n" OWN LENGTH "@b"},
    {"away", .answer = "HTTP/1.1 503 Away\r\nRetry-After: 60\r\n" OWN LENGTH "@b"},
    {"shut", .answer = "", .end = SCRIPT_CLOSES},
    {"reset", .answer = "", .end = SCRIPT_RESETS},
    {"shut-early", .answer = "", .end = SCRIPT_CLOSES, .is_early = true},
    {"reset-early", .answer = "", .end = SCRIPT_RESETS, .is_early = true},
    {"short", .answer = OK LENGTH "@h", .end = SCRIPT_CLOSES},
    {"ripped", .answer = OK LENGTH "@h@|", .end = SCRIPT_RESETS},
    {"ripped-chunks", .answer = OK CHUNKED "5\r\n@h@|", .end = SCRIPT_RESETS},
    {"short-chunks", .answer = OK CHUNKED "a\r\n~7ff", .end = SCRIPT_CLOSES},
    /* one that does not wait for the request's end */
    {"early", .answer = OK LENGTH "@b", .is_early = true},
    {"early-refusal", .answer = "HTTP/1.1 413 Much\r\n" OWN "Connection: close\r\n" LENGTH "@b",
     .end = SCRIPT_CLOSES, .is_early = true},
    /* an evil one */
    {"garbage", .answer = "\x7f"
                          "ELF@0@0~7fffffff\r\n\r\n"},
    {"tls", .answer = "\x15\x03\x01@0\x02\x02\x46", .end = SCRIPT_CLOSES},
    {"two-lengths", .answer = OK "Content-Length: 9\r\nContent-Length: 3\r\n\r\n~7fffffff"},
    {"two-framings", .answer = OK "Content-Length: 3\r\n" CHUNKED "9\r\n~7fffffff\r\n0\r\n\r\n"},
    {"odd-length", .answer = OK "Content-Length: -9\r\n\r\n~7fffffff"},
    {"odd-chunks", .answer = OK CHUNKED "zz\r\n~7fffffff\r\n0\r\n\r\n"},
    {"folded", .answer = OK "X-Folded: one\r\n two\r\n" LENGTH "@b"},
    {"control", .answer = OK "X-Control: a\x01z\r\n" LENGTH "@b"},
    {"bare", .answer = "HTTP/1.1 200 OK\nX-Bare: 1\n\n~7fffffff", .end = SCRIPT_CLOSES},
    {"headers", .answer = OK "@f" LENGTH "@b"},
    {"wide", .answer = OK "X-Wide: @w@w@w@w@w@w\r\n" LENGTH "@b"},
    {"endless", .answer = "HTTP/1.1 200 @w@w@w@w@w@w", .end = SCRIPT_CLOSES},
    {"switch",
     .answer = "HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n~7fffffff"},
    /* What comes while the next request is under way cannot be told from the answer to it. So an
     * answer too many must come together with the one before it; later, only what is none may. */
    {"leftovers", .answer = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n@t" STRAY},
    {"afterthought", .answer = OK LENGTH "@b@|~7fffffff"},
    {"full-304",
     .answer = "HTTP/1.1 304 Not Modified\r\nX-Token: @t\r\nContent-Length: 9\r\n\r\n~7fffffff"},
};
const size_t moods_count = sizeof moods / sizeof *moods;

const struct mood *mood_find(const char *name)
{
    for (size_t i = 0; i < moods_count; i++) {
        if (strcmp(moods[i].name, name) == 0)
            return &moods[i];
    }
    return NULL;
}
