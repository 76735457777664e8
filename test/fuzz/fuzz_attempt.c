/* An attempt from its real entry, with libcurl in it: what an upstream says on a real connection, in
 * pieces, and what is made of it. Nothing passes for whole that a plain reader of the RFC does not
 * find whole, with the same body; what is whole is taken; and the next request, on the same
 * connection if that is kept, gets its own answer. The input is a byte of flags, how many cuts the
 * answer has, how many bytes each piece before a cut has, one byte each, and the answer. */
#include <assert.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "proxy/attempt.h"
#include "proxy/clock.h"
#include "proxy/curl_loop.h"
#include "test/support/chunk_reader.h"
#include "test/support/head_reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

enum flags {
    FLAG_HEAD = 1,
    FLAG_UPLOAD = 2,
    FLAG_UNENDED = 4, /* the upload: its end does not come */
    FLAG_CLOSES = 8,  /* the upstream, behind the answer */
};

enum { TURNS_MAX = 60, ANSWER_MAX = 8192 };

struct said {
    unsigned flags;
    const uint8_t *sizes; /* of the pieces but the last */
    size_t sizes_count;
    struct text answer;
};

/* The two sides. */
struct stage {
    struct event_base *base;
    struct curl_loop *loop;
    struct pool pool;
    struct handles handles;
    int listener;
    int peer; /* -1: none */
};

/* What came of one attempt. */
struct heard {
    struct stage *stage;
    struct arena arena;
    struct attempt attempt;
    bool has_ended;
    enum call_outcome outcome;
    char body[ANSWER_MAX];
    size_t count;
};

/* ---- the attempt ------------------------------------------------------------------------------- */

static void on_head(void *owner, struct instant now)
{
    const struct heard *heard = owner;

    (void)now;
    assert(!heard->has_ended && heard->attempt.response.progress == RESPONSE_DONE);
}

static void on_body(void *owner, struct instant now)
{
    struct heard *heard = owner;

    (void)now;
    assert(heard->attempt.body.count <= ANSWER_MAX - heard->count);
    heard->count += chain_take(&heard->attempt.body, &heard->stage->pool,
                               heard->body + heard->count, ANSWER_MAX - heard->count);
    attempt_resume(&heard->attempt);
}

static void on_room(void *owner, struct instant now)
{
    (void)owner;
    (void)now;
}

static void on_end(void *owner, enum call_outcome outcome, struct instant now)
{
    struct heard *heard = owner;

    assert(!heard->has_ended);
    on_body(owner, now);
    heard->has_ended = true;
    heard->outcome = outcome;
}

static const struct attempt_events EVENTS = {
    .on_head = on_head,
    .on_body = on_body,
    .on_room = on_room,
    .on_end = on_end,
};

static struct attempt_order order_of(unsigned flags)
{
    static char block[64];

    snprintf(block, sizeof block, "Host: h\r\nAccept: */*");
    struct attempt_order order = {
        .method = TEXT("GET"),
        .target = "/",
        .block = block,
        .block_room = sizeof block,
        .block_count = strlen(block),
        .upload_length = 5,
        .is_idempotent = true,
        .may_resend = true,
    };
    if (flags & FLAG_HEAD)
        order.kind = HANDLE_HEAD, order.method = TEXT("HEAD");
    else if (flags & FLAG_UPLOAD)
        order.kind = HANDLE_UPLOAD, order.method = TEXT("POST");
    return order;
}

static void begin(struct heard *heard, const struct attempt_order *order, unsigned flags)
{
    struct stage *stage = heard->stage;
    const struct attempt_place place = {.loop = stage->loop,
                                        .handles = &stage->handles,
                                        .arena = &heard->arena,
                                        .pool = &stage->pool};
    const struct attempt_way way = {.due = instant_after(clock_now(), span_s(1000))};

    arena_init(&heard->arena, &stage->pool);
    attempt_init(&heard->attempt, &place, &EVENTS, heard);
    attempt_start(&heard->attempt, order, &way);
    if (order->kind != HANDLE_UPLOAD)
        return;
    attempt_upload(&heard->attempt, "12345", flags & FLAG_UNENDED ? 3 : 5);
    if (!(flags & FLAG_UNENDED))
        attempt_upload_end(&heard->attempt);
}

static void finish(struct heard *heard)
{
    attempt_cancel(&heard->attempt);
    arena_finish(&heard->arena);
}

/* ---- the upstream ------------------------------------------------------------------------------ */

static void turn(struct stage *stage)
{
    event_base_loop(stage->base, EVLOOP_NONBLOCK);
}

/* A new connection takes the place of the one before. */
static void accept_one(struct stage *stage)
{
    int fd = accept4(stage->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

    if (fd < 0)
        return;
    if (stage->peer >= 0)
        close(stage->peer);
    stage->peer = fd;
}

/* Waits for the head of a request. */
static bool hear_request(struct stage *stage)
{
    char request[1024];
    size_t count = 0;

    for (int i = 0; i < TURNS_MAX; i++) {
        turn(stage);
        accept_one(stage);
        ssize_t got = stage->peer < 0 ? -1
                                      : recv(stage->peer, request + count, sizeof request - count,
                                             MSG_DONTWAIT);
        count += got > 0 ? (size_t)got : 0;
        if (count > 0 && memmem(request, count, "\r\n\r\n", 4))
            return true;
    }
    return false;
}

static bool is_read(int fd)
{
    int unread = 0;

    return ioctl(fd, SIOCOUTQ, &unread) != 0 || unread == 0;
}

static void say_piece(struct stage *stage, struct text piece)
{
    if (send(stage->peer, piece.at, piece.count, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
        return;
    turn(stage);
    for (int i = 0; i < TURNS_MAX && !is_read(stage->peer); i++)
        turn(stage);
}

static void say(struct stage *stage, const struct said *said)
{
    struct text rest = said->answer;

    for (size_t i = 0; i <= said->sizes_count && rest.count > 0; i++) {
        size_t size =
            i < said->sizes_count && said->sizes[i] < rest.count ? said->sizes[i] : rest.count;
        if (size > 0)
            say_piece(stage, (struct text){.at = rest.at, .count = size});
        rest = (struct text){.at = rest.at + size, .count = rest.count - size};
    }
    if (said->flags & FLAG_CLOSES) {
        close(stage->peer);
        stage->peer = -1;
    }
}

/* ---- what has to come of it -------------------------------------------------------------------- */

struct verdict {
    bool is_whole;
    bool may_be_refused; /* although it is */
    char body[ANSWER_MAX];
    size_t count; /* what there is of it at the most, when it is not whole */
};

/* May it be refused although nothing in it is wrong? Limits are those of libcurl too, which looks at
 * the sizes of chunks itself. */
static bool is_over_limits(const struct head_reading *head)
{
    return head->status > 599 || head->length_digits > 18 || head->fields > RESPONSE_HEADERS_MAX;
}

static void read_body(struct verdict *verdict, const struct head_reading *head, struct text body,
                      bool closes)
{
    verdict->count = body.count;
    memcpy(verdict->body, body.at, body.count);
    if (head->length >= 0) {
        verdict->is_whole = body.count >= (uint64_t)head->length;
        verdict->count = verdict->is_whole ? (size_t)head->length : body.count;
    } else if (head->is_chunked) {
        struct chunk_reading chunks = chunk_reader_read(body, verdict->body);
        verdict->is_whole = chunks.state == CHUNKS_WHOLE;
        verdict->may_be_refused |= !chunks.is_plain;
        verdict->count = chunks.body_count;
    } else {
        verdict->is_whole = closes;
    }
}

static void read_answer(struct verdict *verdict, const struct said *said)
{
    struct head_reading head = head_reader_read(said->answer);
    bool is_bare = said->flags & FLAG_HEAD || head.status == 204 || head.status == 304;

    verdict->is_whole = head.is_right && is_bare;
    verdict->count = 0;
    verdict->may_be_refused = is_over_limits(&head);
    if (head.is_right && !is_bare)
        read_body(verdict, &head,
                  (struct text){.at = said->answer.at + head.used,
                                .count = said->answer.count - head.used},
                  said->flags & FLAG_CLOSES);
}

static void check(const struct heard *heard, const struct said *said)
{
    static struct verdict verdict;
    bool is_taken = heard->has_ended && heard->outcome == CALL_OK;

    read_answer(&verdict, said);
    assert(heard->count <= verdict.count);
    assert(memcmp(heard->body, verdict.body, heard->count) == 0);
    if (is_taken)
        assert(verdict.is_whole && heard->count == verdict.count);
    else
        assert(!verdict.is_whole || verdict.may_be_refused);
    assert(heard->has_ended || !(said->flags & FLAG_CLOSES));
}

/* What libcurl 7.88 has read together with a line end is thrown away, unseen, from a NUL on that
 * stands right behind that: what is left of the answer may be another one. */
static bool is_thrown_away(const struct said *said)
{
    return said->answer.count > 0 && memmem(said->answer.at, said->answer.count, "\n\0", 2);
}

/* ---- all together ------------------------------------------------------------------------------ */

static void converse(struct stage *stage, const struct said *said, struct heard *heard)
{
    const struct attempt_order order = order_of(said->flags);
    bool is_heard;

    heard->stage = stage;
    begin(heard, &order, said->flags);
    is_heard = hear_request(stage);
    assert(is_heard);
    say(stage, said);
    for (int i = 0; i < TURNS_MAX && !heard->has_ended; i++)
        turn(stage);
    finish(heard);
    turn(stage);
}

static char socket_path[64];

static void remove_socket(void)
{
    unlink(socket_path);
}

static int listen_once(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    snprintf(socket_path, sizeof socket_path, "/tmp/hourglass-fuzz-%d.sock", (int)getpid());
    snprintf(address.sun_path, sizeof address.sun_path, "%s", socket_path);
    unlink(socket_path);
    int error = bind(fd, (const struct sockaddr *)&address, sizeof address);
    assert(error == 0);
    error = listen(fd, 8);
    assert(error == 0);
    curl_loop_global_init();
    atexit(remove_socket);
    return fd;
}

static void play(struct stage *stage, const struct said *said)
{
    static const struct said next = {
        .answer = {"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nnext", 42}};
    static struct heard first, second;

    first = second = (struct heard){.has_ended = false};
    converse(stage, said, &first);
    if (!is_thrown_away(said))
        check(&first, said);
    converse(stage, &next, &second);
    assert(second.has_ended && second.outcome == CALL_OK);
    assert(second.count == 4 && memcmp(second.body, "next", 4) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    static int listener = -1;
    struct stage stage = {.peer = -1};
    static char name[] = "u";
    struct conf_upstream upstream = {.name = name, .path = socket_path, .connections = 4};

    if (count < 2 || bytes[1] > count - 2 || count > ANSWER_MAX)
        return 0;
    struct said said = {.flags = bytes[0], .sizes = bytes + 2, .sizes_count = bytes[1]};
    said.answer = (struct text){.at = (const char *)said.sizes + said.sizes_count,
                                .count = count - 2 - said.sizes_count};
    if (listener < 0)
        listener = listen_once();
    stage.listener = listener;
    stage.base = event_base_new();
    stage.loop = curl_loop_create(stage.base);
    pool_init(&stage.pool);
    handles_init(&stage.handles, stage.base, stage.loop, &upstream);
    play(&stage, &said);
    handles_finish(&stage.handles);
    curl_loop_destroy(stage.loop);
    if (stage.peer >= 0)
        close(stage.peer);
    pool_finish(&stage.pool);
    event_base_free(stage.base);
    return 0;
}
