#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "proxy/clock.h"
#include "proxy/listener.h"
#include "test/support/http1_rig.h"

static struct rig *rig;

static char text4[] = "127.0.0.1:0";
static char host4[] = "127.0.0.1";
static char host6[] = "::1";
static struct conf_address local4 = {.text = text4, .host = host4};

static void begin(void)
{
    rig = rig_create(&(struct rig_options){.mode = RIG_ECHO});
}

static void finish(void)
{
    rig_destroy(rig);
}

TestSuite(listener, .init = begin, .fini = finish);

/* port: told; may be NULL. */
static bool open_sockets(const struct conf_address *address, size_t count, int *fds, unsigned *port,
                         FILE *complaints)
{
    struct listener_sockets sockets = {.fds = fds, .count = count};
    bool is_open = listener_open_sockets(address, &sockets, complaints);

    if (port)
        *port = sockets.port;
    return is_open;
}

static struct listener *listen_on(evutil_socket_t fd, unsigned max_connections)
{
    static const struct conf_trust TRUST = {.address = {127}, .bits = 8};
    const struct listener_options options = {
        .base = rig->base,
        .http1 = rig->set,
        .trusts = &TRUST,
        .trusts_count = 1,
        .connections = &rig->open_connections,
        .max_connections = max_connections,
        .metrics = &rig->metrics,
    };

    return listener_create(&options, fd);
}

/* The rig's client is now somebody who has come through the listener. */
static void call(const struct sockaddr *address, socklen_t length)
{
    if (rig->fd >= 0)
        close(rig->fd);
    rig_forget(rig);
    rig->has_ended = false;
    rig->fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert_eq(connect(rig->fd, address, length), 0);
}

static void call_port(unsigned port)
{
    const struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons((uint16_t)port),
        .sin_addr = {htonl(INADDR_LOOPBACK)},
    };

    call((const struct sockaddr *)&address, sizeof(address));
}

static void ask(void)
{
    rig_say(rig, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
}

Test(listener, takes_connections_and_names_their_peer)
{
    evutil_socket_t fd;
    unsigned port = 0;
    struct listener *listener;

    cr_assert(open_sockets(&local4, 1, &fd, &port, stderr));
    cr_assert_neq(port, 0u);
    listener = listen_on(fd, 100);
    rig->options.mode = RIG_HOLD;
    call_port(port);
    ask();
    cr_assert(rig_waits_told(rig, "request GET /|"));
    const struct peer seen = *rig->request->peer;
    cr_assert_str_eq(seen.address, "127.0.0.1");
    cr_assert(seen.is_trusted && !seen.is_unix);
    cr_assert_eq(atomic_load(&rig->metrics.connections_accepted), 1u);
    listener_destroy(listener);
}

Test(listener, opens_a_socket_for_each_worker_on_one_port)
{
    evutil_socket_t fds[3];
    unsigned port;

    cr_assert(open_sockets(&local4, 3, fds, &port, stderr));
    for (int i = 0; i < 3; i++) {
        struct sockaddr_in address;
        socklen_t length = sizeof(address);

        cr_assert_eq(getsockname(fds[i], (struct sockaddr *)&address, &length), 0);
        cr_assert_eq(ntohs(address.sin_port), port);
        close(fds[i]);
    }
}

Test(listener, says_why_it_cannot_listen)
{
    static char text[] = "127.0.0.1:1234";
    struct conf_address taken = {.text = text, .host = host4};
    evutil_socket_t fds[2];
    evutil_socket_t more[2];
    unsigned port;
    char *complaint = NULL;
    size_t length = 0;
    FILE *complaints = open_memstream(&complaint, &length);

    cr_assert(open_sockets(&local4, 2, fds, &port, stderr));
    taken.port = (uint16_t)port;
    cr_assert_not(open_sockets(&taken, 2, more, NULL, complaints));
    fclose(complaints);
    cr_assert_str_eq(complaint,
                     "hourglass: cannot listen on 127.0.0.1:1234: Address already in use\n");
    free(complaint);
    close(fds[0]);
    close(fds[1]);
}

Test(listener, listens_on_ipv6_alone_where_it_is_told_so)
{
    static char text[] = "[::1]:0";
    const struct conf_address local6 = {.text = text, .host = host6};
    struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    evutil_socket_t fd;
    unsigned port;
    int only = 0;
    socklen_t length = sizeof(only);
    struct listener *listener;
    FILE *complaints = tmpfile();

    if (!open_sockets(&local6, 1, &fd, &port, complaints)) {
        fclose(complaints);
        cr_skip_test("this machine has no IPv6");
    }
    fclose(complaints);
    cr_assert_eq(getsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, &length), 0);
    cr_assert_eq(only, 1);
    listener = listen_on(fd, 100);
    address.sin6_port = htons((uint16_t)port);
    call((struct sockaddr *)&address, sizeof(address));
    ask();
    cr_assert(rig_waits_heard(rig, "GET / []"));
    listener_destroy(listener);
}

static void name_path(char *path, size_t room)
{
    snprintf(path, room, "/tmp/hourglass-test-%ld.sock", (long)getpid());
    unlink(path);
}

Test(listener, listens_on_a_path_and_takes_over_a_stale_one)
{
    static char path[64];
    const struct conf_address local = {.text = path, .path = path};
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    evutil_socket_t fds[2];
    evutil_socket_t more[2];
    struct listener *listener;
    FILE *complaints = tmpfile();

    name_path(path, sizeof(path));
    strcpy(address.sun_path, path);
    cr_assert(open_sockets(&local, 2, fds, NULL, stderr));
    cr_assert_not(open_sockets(&local, 2, more, NULL, complaints), "it is in use");
    close(fds[0]);
    close(fds[1]);
    cr_assert(open_sockets(&local, 2, fds, NULL, stderr), "it is stale");
    close(fds[0]);
    listener = listen_on(fds[1], 100);
    call((struct sockaddr *)&address, sizeof(address));
    ask();
    cr_assert(rig_waits_heard(rig, "GET / []"));
    listener_destroy(listener);
    unlink(path);
    fclose(complaints);
}

Test(listener, does_not_remove_a_file_that_is_no_socket)
{
    static char path[64];
    const struct conf_address local = {.text = path, .path = path};
    evutil_socket_t fd;
    FILE *complaints = tmpfile();
    FILE *file;

    name_path(path, sizeof(path));
    file = fopen(path, "w");
    fclose(file);
    cr_assert_not(open_sockets(&local, 1, &fd, NULL, complaints));
    cr_assert_eq(access(path, F_OK), 0);
    unlink(path);
    fclose(complaints);
}

Test(listener, answers_503_when_there_are_too_many_connections)
{
    evutil_socket_t fd;
    unsigned port;
    struct listener *listener;

    cr_assert(open_sockets(&local4, 1, &fd, &port, stderr));
    listener = listen_on(fd, 1); /* the rig has one open */
    const int first = rig->fd;
    rig->fd = -1;
    call_port(port);
    cr_assert(rig_waits_heard(rig, "HTTP/1.1 503 Service Unavailable\r\n"));
    cr_assert(strstr(rig->heard, "Retry-After: 1\r\n"));
    cr_assert(rig_waits_closed(rig));
    const char *body = strstr(rig->heard, "\r\n\r\n") + 4;
    cr_assert_eq(strlen(body), strtoul(strstr(rig->heard, "Length: ") + 8, NULL, 10));
    cr_assert_eq(atomic_load(&rig->metrics.connections_shed), 1u);
    close(first);
    call_port(port);
    ask();
    cr_assert(rig_waits_heard(rig, "GET / []"));
    listener_destroy(listener);
}

Test(listener, that_turns_away_still_takes_what_waits_in_its_queue)
{
    evutil_socket_t fd;
    unsigned port;
    struct listener *listener;

    cr_assert(open_sockets(&local4, 1, &fd, &port, stderr));
    listener = listen_on(fd, 100);
    call_port(port);
    listener_turn_away(listener);
    cr_assert_eq(atomic_load(&rig->metrics.connections_accepted), 0u);
    cr_assert(listener_sweep(listener, clock_now()));
    listener_destroy(listener);
    ask();
    cr_assert(rig_waits_heard(rig, "GET / []"));
}

Test(listener, that_turns_away_lets_nobody_in_who_is_new)
{
    static char path[64];
    const struct conf_address local = {.text = path, .path = path};
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct listener *listeners[2];
    evutil_socket_t fds[2];

    name_path(path, sizeof(path));
    strcpy(address.sun_path, path);
    cr_assert(open_sockets(&local, 2, fds, NULL, stderr));
    for (int i = 0; i < 2; i++) {
        listeners[i] = listen_on(fds[i], 100);
        listener_turn_away(listeners[i]);
    }
    int late = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert_neq(connect(late, (struct sockaddr *)&address, sizeof(address)), 0);
    cr_assert_eq(errno, ECONNREFUSED);
    for (int i = 0; i < 2; i++) {
        cr_assert(listener_sweep(listeners[i], clock_now()));
        listener_destroy(listeners[i]);
    }
    close(late);
    unlink(path);
}

Test(listener, that_is_short_of_descriptors_says_that_its_queue_may_not_be_empty)
{
    struct rlimit all;
    evutil_socket_t fd;
    unsigned port;

    cr_assert(open_sockets(&local4, 1, &fd, &port, stderr));
    struct listener *listener = listen_on(fd, 100);
    call_port(port);
    listener_turn_away(listener);
    cr_assert_eq(getrlimit(RLIMIT_NOFILE, &all), 0);
    const struct rlimit few = {.rlim_cur = 4, .rlim_max = all.rlim_max};
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
    cr_expect_not(listener_sweep(listener, clock_now()));
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &all), 0);
    cr_expect(listener_sweep(listener, clock_now()));
    listener_destroy(listener);
    ask();
    cr_assert(rig_waits_heard(rig, "GET / []"));
}

/* Once an interval of 5 ms, so as not to be woken by what is tested. */
static int turns_in_50_ms(void)
{
    struct instant end = instant_after(clock_now(), span_ms(50));
    const struct timeval wait = {.tv_usec = 5000};
    int turns = 0;

    while (!instant_reached(end, clock_now())) {
        event_base_loopexit(rig->base, &wait);
        event_base_loop(rig->base, EVLOOP_ONCE);
        turns++;
    }
    return turns;
}

Test(listener, rests_when_descriptors_run_out_and_goes_on_later)
{
    struct rlimit all;
    struct rlimit few;
    evutil_socket_t fd;
    unsigned port;
    struct listener *listener;

    cr_assert(open_sockets(&local4, 1, &fd, &port, stderr));
    listener = listen_on(fd, 100);
    call_port(port);
    cr_assert_eq(getrlimit(RLIMIT_NOFILE, &all), 0);
    few = all;
    few.rlim_cur = 4; /* all of these are taken */
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
    cr_assert_lt(turns_in_50_ms(), 200, "it spins");
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &all), 0);
    cr_assert_geq(atomic_load(&rig->metrics.accept_errors), 1u);
    ask();
    cr_assert(rig_waits_heard(rig, "GET / []"));
    listener_destroy(listener);
}
