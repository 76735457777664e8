#include "test/support/playhouse.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proxy/clock.h"
#include "proxy/curl_loop.h"
#include "test/support/address.h"

enum { TURNS_MAX = 20000 };

#define ANSWER "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

/* ---- what an attempt tells -------------------------------------------------------------------- */

static void on_head(void *owner, struct instant now)
{
    (void)owner, (void)now;
}

static void on_body(void *owner, struct instant now)
{
    struct player *player = owner;

    (void)now;
    chain_clear(&player->attempt.body, &player->playhouse->pool);
    attempt_resume(&player->attempt);
}

static void on_end(void *owner, enum call_outcome outcome, struct instant now)
{
    struct player *player = owner;

    on_body(owner, now);
    player->has_ended = true;
    player->outcome = outcome;
}

static const struct attempt_events events = {on_head, on_body, on_head, on_end};

/* ---- the loop --------------------------------------------------------------------------------- */

void playhouse_init(struct playhouse *playhouse)
{
    static char host[] = "127.0.0.1", name[] = "u";
    unsigned port;

    *playhouse = (struct playhouse){.listener = address_listen(host, &port)};
    cr_assert_geq(playhouse->listener, 0);
    cr_assert_eq(listen(playhouse->listener, PLAYHOUSE_MAX), 0);
    cr_assert_eq(fcntl(playhouse->listener, F_SETFL, O_NONBLOCK), 0);
    playhouse->upstream = (struct conf_upstream){
        .name = name, .host = host, .port = (uint16_t)port, .connections = PLAYHOUSE_MAX};
    curl_loop_global_init();
    playhouse->base = event_base_new();
    playhouse->loop = curl_loop_create(playhouse->base);
    pool_init(&playhouse->pool);
    handles_init(&playhouse->handles, playhouse->base, playhouse->loop, &playhouse->upstream);
}

void playhouse_finish(struct playhouse *playhouse)
{
    playhouse_cancel(playhouse, 0);
    for (size_t i = 0; i < playhouse->players_count; i++)
        arena_finish(&playhouse->players[i].arena);
    handles_finish(&playhouse->handles);
    curl_loop_destroy(playhouse->loop);
    event_base_free(playhouse->base);
    pool_finish(&playhouse->pool);
    for (size_t i = 0; i < playhouse->peers_count; i++)
        close(playhouse->peers[i]);
    close(playhouse->listener);
}

void playhouse_turn(struct playhouse *playhouse)
{
    event_base_loop(playhouse->base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
}

/* ---- attempts --------------------------------------------------------------------------------- */

static void begin(struct playhouse *playhouse, struct player *player)
{
    static char block[] = "Host: h\r\nAccept: */*";
    static const struct attempt_order order = {
        .kind = HANDLE_PLAIN,
        .method = {.at = "GET", .count = 3},
        .target = "/",
        .block = block,
        .block_room = sizeof block,
        .block_count = sizeof block - 1,
    };
    const struct attempt_place place = {.loop = playhouse->loop,
                                        .handles = &playhouse->handles,
                                        .arena = &player->arena,
                                        .pool = &playhouse->pool};
    const struct attempt_way way = {.address = playhouse->upstream.host,
                                    .due = instant_after(clock_now(), span_s(1000))};

    player->playhouse = playhouse;
    arena_init(&player->arena, &playhouse->pool);
    attempt_init(&player->attempt, &place, &events, player);
    attempt_start(&player->attempt, &order, &way);
}

static void accept_all(struct playhouse *playhouse)
{
    int fd;

    while ((fd = accept4(playhouse->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        cr_assert_lt(playhouse->peers_count, PLAYHOUSE_MAX);
        playhouse->peers[playhouse->peers_count++] = fd;
    }
}

void playhouse_begin(struct playhouse *playhouse, size_t count)
{
    size_t sent = playhouse->players_count;

    cr_assert_leq(sent + count, PLAYHOUSE_MAX);
    for (size_t i = 0; i < count; i++)
        begin(playhouse, &playhouse->players[playhouse->players_count++]);
    for (int i = 0; i < TURNS_MAX && sent < playhouse->players_count; i++) {
        playhouse_turn(playhouse);
        accept_all(playhouse);
        while (sent < playhouse->players_count &&
               attempt_is_sent(&playhouse->players[sent].attempt))
            sent++;
    }
    cr_assert_eq(sent, playhouse->players_count);
    playhouse_turn(playhouse);
}

void playhouse_answer(struct playhouse *playhouse)
{
    for (size_t i = 0; i < playhouse->peers_count; i++)
        (void)!send(playhouse->peers[i], ANSWER, sizeof ANSWER - 1, MSG_NOSIGNAL);
}

void playhouse_await(struct playhouse *playhouse, size_t first)
{
    for (int i = 0; i < TURNS_MAX && first < playhouse->players_count; i++) {
        playhouse_turn(playhouse);
        while (first < playhouse->players_count && playhouse->players[first].has_ended)
            first++;
    }
    cr_assert_eq(first, playhouse->players_count);
}

void playhouse_cancel(struct playhouse *playhouse, size_t first)
{
    for (size_t i = first; i < playhouse->players_count; i++)
        attempt_cancel(&playhouse->players[i].attempt);
}

/* ---- the upstream ----------------------------------------------------------------------------- */

static bool is_closed(int fd)
{
    char bytes[1024];
    ssize_t got;

    while ((got = recv(fd, bytes, sizeof bytes, MSG_DONTWAIT)) > 0)
        continue;
    return got == 0 || errno == ECONNRESET;
}

size_t playhouse_closed(const struct playhouse *playhouse)
{
    size_t closed = 0;

    for (size_t i = 0; i < playhouse->peers_count; i++)
        closed += is_closed(playhouse->peers[i]);
    return closed;
}
