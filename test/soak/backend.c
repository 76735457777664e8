#include "test/soak/backend.h"

#include <arpa/inet.h>
#include <assert.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "test/soak/cable.h"
#include "test/soak/mood.h"
#include "test/soak/token.h"

enum { LISTENERS = 2, BACKLOG = 512, SIZE_MAX_ASKED = 8 << 20, WAIT_MAX_ASKED = 10000 };

/* One connection of the proxy's. */
struct guest {
    LIST_ENTRY(guest) place;
    struct backend *backend; /* borrowed */
    struct cable cable;
    struct message request;
    bool is_counted;  /* the head of request has come */
    bool is_answered; /* and its answer is under way, or over */
};

struct backend {
    struct event_base *base; /* borrowed */
    int fds[LISTENERS];
    struct event *acceptable[LISTENERS];
    unsigned port;
    LIST_HEAD(, guest) guests;
    struct backend_counts counts;
};

static void guest_destroy(struct guest *guest)
{
    cable_close(&guest->cable, false);
    message_finish(&guest->request);
    guest->backend->counts.open--;
    LIST_REMOVE(guest, place);
    free(guest);
}

/* ---- what was asked */

static void complain(struct guest *guest, const char *what)
{
    struct backend_counts *counts = &guest->backend->counts;

    if (counts->strange++ == 0)
        snprintf(counts->said, sizeof counts->said, "%s: %.150s", what, guest->request.start);
}

/* The value of "key=" in a target, up to & or a blank, cut to room. */
static const char *asked(const char *target, const char *key, char *value, size_t room)
{
    const char *at = strstr(target, key);
    size_t count = 0;

    if (at) {
        at += strlen(key);
        count = strcspn(at, "& ");
        count = count < room - 1 ? count : room - 1;
        memcpy(value, at, count);
    }
    value[count] = '\0';
    return value;
}

static size_t asked_number(const char *target, const char *key, size_t most)
{
    char text[16];
    size_t number = strtoul(asked(target, key, text, sizeof text), NULL, 10);

    return number < most ? number : most;
}

/* Whose request it is: its id and its target have to say the same. */
static uint32_t token_of(struct guest *guest)
{
    const char *id = message_header(&guest->request, "X-Request-Id", 0);
    const char *at = strchr(guest->request.start, '~');
    uint32_t by_id = TOKEN_SMUGGLED;
    uint32_t by_target = TOKEN_SMUGGLED;

    if (!id || !at || !token_read(id, &by_id) || !token_read(at, &by_target) ||
        by_id != by_target || by_id == TOKEN_SMUGGLED)
        complain(guest, "a request that nobody has sent");
    return by_id;
}

/* X-Upload, from the client, says how long its own body is. */
static void check_body(struct guest *guest, uint32_t token)
{
    const struct message *request = &guest->request;
    const char *upload = message_header(request, "X-Upload", 0);

    if (!token_owns(token, request->body, request->body_count))
        complain(guest, "a body with bytes of another request");
    bool is_its_own = !strstr(request->start, " /three/");

    if (upload && is_its_own && request->body_count > 0 &&
        strtoul(upload, NULL, 10) != request->body_count)
        complain(guest, "a body of another length than was sent");
}

/* ---- what is answered */

static void answer(struct guest *guest, const struct mood *mood, uint32_t token)
{
    const char *target = guest->request.start;
    struct script script = {.end = mood->end, .piece = mood->piece, .pause_ms = 2};
    const struct script_values values = {
        .token = token,
        .size = asked_number(target, "n=", SIZE_MAX_ASKED),
        .wait_ms = (int)asked_number(target, "ms=", WAIT_MAX_ASKED),
    };

    guest->is_answered = true;
    if (strncmp(target, "HEAD ", 5) == 0 && mood->is_honest)
        script_add_text(&script, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    else
        script_add_phrase(&script, mood->answer, &values);
    cable_play(&guest->cable, &script);
}

/* May end the guest. */
static void serve(struct guest *guest)
{
    struct message *request = &guest->request;
    char name[32];
    uint32_t token;

    message_take(request, &guest->cable.source);
    if (request->state == MESSAGE_INVALID) {
        complain(guest, "no valid request");
        guest_destroy(guest);
        return;
    }
    if (request->state == MESSAGE_HEAD)
        return;
    token = token_of(guest);
    const struct mood *mood = mood_find(asked(request->start, "do=", name, sizeof name));
    if (!mood)
        mood = &moods[0];
    guest->backend->counts.requests += !guest->is_counted;
    guest->is_counted = true;
    bool is_whole = request->state == MESSAGE_COMPLETE;
    if (is_whole) {
        check_body(guest, token);
        guest->backend->counts.whole++;
    }
    if (!guest->is_answered && (is_whole || mood->is_early))
        answer(guest, mood, token);
}

/* The next request, once the answer to this one has gone and this one has come. */
static bool turn_page(struct guest *guest)
{
    if (guest->request.state != MESSAGE_COMPLETE || !guest->is_answered || guest->cable.is_playing)
        return false;
    message_finish(&guest->request);
    message_init(&guest->request, false);
    guest->is_counted = guest->is_answered = false;
    return true;
}

static void on_bytes(void *owner)
{
    struct guest *guest = owner;

    if (guest->cable.source.state != SOURCE_OPEN) {
        guest_destroy(guest);
        return;
    }
    if (guest->request.state != MESSAGE_COMPLETE || turn_page(guest))
        serve(guest);
}

static void on_played(void *owner)
{
    struct guest *guest = owner;

    if (!cable_is_open(&guest->cable)) {
        guest_destroy(guest);
        return;
    }
    if (turn_page(guest))
        serve(guest);
}

/* ---- its life */

static void on_acceptable(evutil_socket_t fd, short what, void *arg)
{
    static const struct cable_events events = {on_bytes, on_played};
    struct backend *backend = arg;
    int accepted;

    (void)what;
    while ((accepted = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        struct guest *guest = calloc(1, sizeof *guest);
        assert(guest);
        guest->backend = backend;
        guest->cable.events = &events;
        guest->cable.owner = guest;
        message_init(&guest->request, false);
        cable_open(&guest->cable, backend->base, accepted);
        LIST_INSERT_HEAD(&backend->guests, guest, place);
        backend->counts.open++;
        backend->counts.connections++;
    }
}

static void listen_on(struct backend *backend, size_t n, const struct sockaddr *address,
                      socklen_t length)
{
    int fd = socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0 || bind(fd, address, length) != 0 || listen(fd, BACKLOG) != 0) {
        perror("soak: the upstream cannot listen");
        exit(1);
    }
    backend->fds[n] = fd;
    backend->acceptable[n] =
        event_new(backend->base, fd, EV_READ | EV_PERSIST, on_acceptable, backend);
    event_add(backend->acceptable[n], NULL);
}

struct backend *backend_create(struct event_base *base, const char *path)
{
    struct backend *backend = calloc(1, sizeof *backend);
    struct sockaddr_in inet = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct sockaddr_un local = {.sun_family = AF_UNIX};
    socklen_t length = sizeof inet;

    assert(backend);
    backend->base = base;
    LIST_INIT(&backend->guests);
    snprintf(local.sun_path, sizeof local.sun_path, "%s", path);
    listen_on(backend, 0, (const struct sockaddr *)&inet, sizeof inet);
    listen_on(backend, 1, (const struct sockaddr *)&local, sizeof local);
    getsockname(backend->fds[0], (struct sockaddr *)&inet, &length);
    backend->port = ntohs(inet.sin_port);
    return backend;
}

void backend_destroy(struct backend *backend)
{
    for (size_t i = 0; i < LISTENERS; i++) {
        event_free(backend->acceptable[i]);
        close(backend->fds[i]);
    }
    while (!LIST_EMPTY(&backend->guests))
        guest_destroy(LIST_FIRST(&backend->guests));
    free(backend);
}

unsigned backend_port(const struct backend *backend)
{
    return backend->port;
}

const struct backend_counts *backend_counts(const struct backend *backend)
{
    return &backend->counts;
}
