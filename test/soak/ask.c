#include "test/soak/ask.h"

#include <stdio.h>
#include <string.h>

#include "test/soak/mood.h"
#include "test/soak/subject.h"
#include "test/soak/token.h"

enum { PATH_NONE_PERCENT = 2 };

/* A route of the configuration in subject.c. */
static const struct {
    const char *name;
    int at_most_ms; /* for which its requests are held at most, whatever they ask; 0: what they ask */
    bool is_easy;   /* has a request that must succeed when the upstream is well-meaning */
} routes[] = {
    {"pass", 0, true},  {"narrow", 0, true}, {"sock", 0, true},   {"late", 0, true},
    {"half", 0, true},  {"first", 0, true},  {"strict", 0, true}, {"steps", 0, true},
    {"merge", 0, true}, {"stand", 0, true},  {"again", 0, true},  {"hedge", 0, true},
    {"both", 0, true},  {"dead", 0, false},  {"stub", 0, false},  {"watch", SUBJECT_MAX_MS, true},
};
enum { ROUTES = sizeof routes / sizeof *routes };

/* What is asked, before it is written. */
struct wish {
    const char *method;
    const char *path;
    const char *moods[3]; /* of the call that passes through, and of two others */
    const char *lines;    /* further header lines */
    size_t size;          /* of the answer */
    size_t upload;
    int wait_ms;
    int minor;
    bool is_chunked;
    bool expects;
};

static const char *pick(struct dice *dice, const char *const *texts, size_t count)
{
    return texts[dice_to(dice, (int64_t)count - 1)];
}
#define PICK(dice, texts) pick(dice, texts, sizeof(texts) / sizeof *(texts))

static const char *pick_mood(struct dice *dice)
{
    bool is_honest = dice_chance(dice, 60);
    const struct mood *mood;

    do
        mood = &moods[dice_to(dice, (int64_t)moods_count - 1)];
    while (is_honest && !mood->is_honest);
    return mood->name;
}

/* Mostly little, sometimes much. */
static size_t pick_size(struct dice *dice)
{
    static const int64_t most[] = {0, 60, 60, 300, 300, 20000, 70000, 300000};
    int64_t bound = most[dice_to(dice, 7)];

    if (dice_chance(dice, 2))
        bound = 3 << 20;
    return (size_t)dice_to(dice, bound);
}

/* Writes the header lines, and returns how long the client will wait. */
static int pick_budget(struct dice *dice, char *lines, size_t room)
{
    static const char *const odd[] = {"", "soon", "+5", "1.5", "0x10", "5ms"};
    int ms = (int)dice_to(dice, 400) + 20;

    lines[0] = '\0';
    switch (dice_to(dice, 11)) {
    case 0:
        return SUBJECT_DEFAULT_MS;
    case 1:
        snprintf(lines, room, "X-Request-Timeout-Ms: %s\r\n", PICK(dice, odd));
        return SUBJECT_DEFAULT_MS;
    case 2:
        snprintf(lines, room, "X-Request-Timeout-Ms: %d\r\n", (int)-dice_to(dice, 5));
        return 0;
    case 3:
        ms = (int)dice_to(dice, 8) + 1;
        break;
    case 4:
        snprintf(lines, room, "grpc-timeout: %dm\r\n", ms);
        return ms;
    case 5:
        snprintf(lines, room, "X-Request-Timeout-Ms: %d, 9999\r\ngrpc-timeout: 5S\r\n", ms);
        return ms;
    default:
        break;
    }
    snprintf(lines, room, "X-Request-Timeout-Ms: %d\r\n", ms);
    return ms;
}

static void write_head(struct script *script, const struct wish *wish, uint32_t token)
{
    char own[TOKEN_LENGTH + 1];
    char head[1024];

    token_write(own, token);
    snprintf(head, sizeof head,
             "%s /%s/%s?do=%s&a=%s&b=%s&n=%zu&ms=%d HTTP/1.%d\r\nHost: soak\r\nX-Request-Id: %s\r\n"
             "%s",
             wish->method, wish->path, own, wish->moods[0], wish->moods[1], wish->moods[2],
             wish->size, wish->wait_ms, wish->minor, own, wish->lines);
    script_add_text(script, head);
}

static void write_wish(struct script *script, const struct wish *wish, uint32_t token)
{
    char lines[128];

    write_head(script, wish, token);
    if (wish->upload == 0 && !wish->is_chunked) {
        script_add_text(script, "\r\n");
        return;
    }
    snprintf(lines, sizeof lines, "X-Upload: %zu\r\n%s", wish->upload,
             wish->expects ? "Expect: 100-continue\r\n" : "");
    script_add_text(script, lines);
    if (wish->is_chunked)
        snprintf(lines, sizeof lines, "Transfer-Encoding: chunked\r\n\r\n");
    else
        snprintf(lines, sizeof lines, "Content-Length: %zu\r\n\r\n", wish->upload);
    script_add_text(script, lines);
    if (wish->expects)
        script_pause(script, 10);
    if (wish->is_chunked)
        script_add_chunks(script, token, wish->upload);
    else
        script_add_filler(script, token, 0, wish->upload);
}

struct ask ask_any(struct script *script, struct dice *dice, uint32_t token)
{
    static const char *const methods[] = {"GET", "GET",    "GET",     "HEAD",  "POST",
                                          "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE"};
    size_t route = (size_t)dice_to(dice, ROUTES - 1);
    char budget[128];
    struct ask ask = {.token = token, .budget_ms = pick_budget(dice, budget, sizeof budget)};
    struct wish wish = {
        .method = PICK(dice, methods),
        .path = dice_chance(dice, PATH_NONE_PERCENT) ? "nowhere" : routes[route].name,
        .moods = {pick_mood(dice), pick_mood(dice), pick_mood(dice)},
        .lines = budget,
        .size = pick_size(dice),
        .wait_ms = (int)dice_to(dice, dice_chance(dice, 10) ? 400 : 30),
        .minor = dice_chance(dice, 95),
    };

    if (strcmp(wish.method, "POST") == 0 || dice_chance(dice, 10)) {
        wish.upload = pick_size(dice);
        wish.is_chunked = wish.minor == 1 && dice_chance(dice, 40);
        wish.expects = wish.minor == 1 && dice_chance(dice, 15);
    }
    write_wish(script, &wish, token);
    ask.route = wish.path;
    ask.mood = wish.moods[0];
    ask.is_head = strcmp(wish.method, "HEAD") == 0;
    if (ask.budget_ms < routes[route].at_most_ms)
        ask.budget_ms = routes[route].at_most_ms;
    return ask;
}

struct ask ask_easy(struct script *script, unsigned n, uint32_t token)
{
    while (!routes[n % ROUTES].is_easy)
        n += 7; /* has no divisor in common with their number */

    const char *name = routes[n % ROUTES].name;
    bool is_merge = strcmp(name, "merge") == 0;
    const struct wish wish = {
        .method = "GET",
        .path = name,
        .moods = {"well", is_merge ? "json" : "well", is_merge ? "json" : "well"},
        .lines = "X-Request-Timeout-Ms: 3000\r\n",
        .size = 500,
        .minor = 1,
    };

    write_wish(script, &wish, token);
    return (struct ask){.token = token,
                        .route = name,
                        .mood = wish.moods[0],
                        .must_succeed = true,
                        .budget_ms = SUBJECT_MAX_MS};
}

/* ---- malformed ones */

#define ID "Host: soak\r\nX-Request-Id: @t\r\n"
#define HIDDEN "GET /pass/~7fffffff HTTP/1.1\r\nHost: soak\r\nX-Request-Id: ~7fffffff\r\n\r\n"

static const struct {
    const char *phrase;
    bool may_succeed;
} malformed[] = {
    {"GET /pass/@t HTTP/1.1\n" ID "\r\n" HIDDEN, false},
    {"GET /pass/@t HTTP/1.1\r\n" ID "X: a\nY: b\r\n\r\n" HIDDEN, false},
    {"GET /pass/@t HTTP/1.1\r\n" ID "X: a\rY: b\r\n\r\n" HIDDEN, false},
    {"GET /pass/@t HTTP/1.1\r\n" ID "X: a@0b\r\n\r\n" HIDDEN, false},
    {"GET /pass/@t HTTP/1.1\r\n" ID "X: a\x07\r\n\r\n" HIDDEN, false},
    {"GET /pass/@t HTTP/1.1\r\n" ID "X: a\r\n b\r\n\r\n" HIDDEN, false},
    {"GET /pass/@t HTTP/1.1\r\n" ID "X : a\r\n\r\n" HIDDEN, false},
    {"GET /pass/@t HTTP/1.1\r\n" ID ": a\r\n\r\n" HIDDEN, false},
    {"GET /pass/@t HTTP/1.1\r\n" ID "X(y): a\r\n\r\n" HIDDEN, false},
    {"GET /pass/@t HTTP/1.1\r\n" ID "no colon\r\n\r\n" HIDDEN, false},
    {"GET /pass/@t HTTP/1.1\r\nX-Request-Id: @t\r\n\r\n" HIDDEN, false},
    {"GET /pass/@t HTTP/1.1\r\n" ID "Host: other\r\n\r\n" HIDDEN, false},
    {"GET /pass/@t HTTP/2.0\r\n" ID "\r\n" HIDDEN, false},
    {"GET /pass/@t HTTP/1.2x\r\n" ID "\r\n" HIDDEN, false},
    {"GET /pa ss/@t HTTP/1.1\r\n" ID "\r\n" HIDDEN, false},
    {"GET /pass/@t\x01 HTTP/1.1\r\n" ID "\r\n" HIDDEN, false},
    {"GET  /pass/@t  HTTP/1.1\r\n" ID "\r\n" HIDDEN, false},
    {"G@0T /pass/@t HTTP/1.1\r\n" ID "\r\n" HIDDEN, false},
    {"GET /pass/@t\r\n\r\n" HIDDEN, false},
    {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", false},
    {"\x16\x03\x01\x02@0\x01@0\x01\xfc\x03\x03", false},
    {"\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n" HIDDEN, false},
    {"POST /pass/@t HTTP/1.1\r\n" ID "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"
     "0\r\n\r\n" HIDDEN,
     false},
    {"POST /pass/@t HTTP/1.1\r\n" ID "Content-Length: 0\r\nContent-Length: 99\r\n\r\n" HIDDEN,
     false},
    {"POST /pass/@t HTTP/1.1\r\n" ID "Content-Length: +3\r\n\r\n@b" HIDDEN, false},
    {"POST /pass/@t HTTP/1.1\r\n" ID "Content-Length: 99999999999999999999\r\n\r\n" HIDDEN, false},
    {"POST /pass/@t HTTP/1.1\r\n" ID "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n" HIDDEN,
     false},
    {"POST /pass/@t HTTP/1.1\r\n" ID "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" HIDDEN, false},
    {"POST /pass/@t HTTP/1.0\r\n" ID "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" HIDDEN, false},
    {"GET /pass/@t HTTP/1.1\r\n" ID "Expect: miracles\r\n\r\n" HIDDEN, false},
    {"GET /pass/@t HTTP/1.1\r\n" ID "X-Wide: @w\r\n\r\n" HIDDEN, false},
    {"GET /pass/@t/@w HTTP/1.1\r\n" ID "\r\n" HIDDEN, false},
    {"GET /pass/@t HTTP/1.1\r\n" ID "@f\r\n" HIDDEN, false},
    {"CONNECT soak:80 HTTP/1.1\r\n" ID "\r\n", false},
    {"POST /pass/@t HTTP/1.1\r\n" ID "Transfer-Encoding: chunked\r\n\r\nzz\r\n" HIDDEN, true},
    {"POST /both/@t HTTP/1.1\r\n" ID "Transfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n" HIDDEN,
     true},
    {"POST /pass/@t HTTP/1.1\r\n" ID "Transfer-Encoding: chunked\r\n\r\n-1\r\n" HIDDEN, true},
    {"POST /pass/@t HTTP/1.1\r\n" ID "Transfer-Encoding: chunked\r\n\r\n3;@w@w\r\n" HIDDEN, true},
    {"POST /pass/@t HTTP/1.1\r\n" ID "Transfer-Encoding: chunked\r\n\r\n0\r\nA : b\r\n\r\n" HIDDEN,
     true},
    {"POST /pass/@t HTTP/1.1\r\n" ID "Transfer-Encoding: chunked\r\n\r\n1\r\na\n0\r\n\r\n" HIDDEN,
     true},
};
enum { MALFORMED = sizeof malformed / sizeof *malformed };

struct ask ask_malformed(struct script *script, struct dice *dice, uint32_t token)
{
    size_t n = (size_t)dice_to(dice, MALFORMED - 1);
    const struct script_values values = {.token = token, .size = 3};

    script_add_phrase(script, malformed[n].phrase, &values);
    return (struct ask){.token = token,
                        .route = malformed[n].phrase,
                        .mood = "",
                        .is_bad = true,
                        .may_succeed = malformed[n].may_succeed,
                        .budget_ms = SUBJECT_DEFAULT_MS};
}
