/* More is asked for than an upstream can do. Nobody is sent to it who has no use for the answer, and
 * what it can do is not wasted on those who cannot wait for it. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proxy/clock.h"
#include "test/support/address.h"
#include "test/support/world.h"

TestSuite(overload, .timeout = 300);

enum { CONNECTIONS = 2 };

/* Clients that ask again when they have been answered, each after a pause of its own length, so that
 * they do not come to ask in chorus. */
struct crowd {
    const char *address;
    useconds_t pause_us; /* at most */
    atomic_uint clients;
    struct instant until;
    atomic_size_t asked;
    atomic_size_t well; /* answered 200 */
};

static int ask_once(int fd, struct source *source)
{
    static const char get[] = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
    struct message message;
    int status = 0;

    message_init(&message, true);
    if (send(fd, get, strlen(get), MSG_NOSIGNAL) == (ssize_t)strlen(get)) {
        do {
            message_take(&message, source);
        } while (message.state < MESSAGE_COMPLETE && source_fill(source, span_s(5)));
    }
    if (message.state == MESSAGE_COMPLETE)
        status = atoi(message.start + strlen("HTTP/1.1 "));
    message_finish(&message);
    return status;
}

static void *ask_and_ask(void *arg)
{
    struct crowd *crowd = arg;
    unsigned state = atomic_fetch_add(&crowd->clients, 1);
    int fd = address_connect(crowd->address);
    struct source source;
    int status = fd < 0 ? 0 : 1;

    source_init(&source, fd);
    while (status != 0 && !instant_reached(crowd->until, clock_now())) {
        status = ask_once(fd, &source);
        atomic_fetch_add(&crowd->asked, 1);
        atomic_fetch_add(&crowd->well, status == 200);
        usleep((useconds_t)rand_r(&state) % crowd->pause_us);
    }
    source_finish(&source);
    if (fd >= 0)
        close(fd);
    return NULL;
}

/* How long it took. */
static struct span crowd_run(struct crowd *crowd, size_t count, struct span time)
{
    pthread_t threads[count];
    struct instant begin = clock_now();

    crowd->until = instant_after(begin, time);
    for (size_t i = 0; i < count; i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, ask_and_ask, crowd), 0);
    for (size_t i = 0; i < count; i++)
        pthread_join(threads[i], NULL);
    return span_since(begin, clock_now());
}

static struct world *before(struct origin *origin, const char *budget, const char *call)
{
    return world_start("[proxy]\nlisten = 127.0.0.1:0\nadmin = off\nworkers = 1\nlog = off\n"
                       "[budget]\nlocal = 1ms\nreply = 1ms\ndefault = %s\n"
                       "[upstream u]\nurl = http://127.0.0.1:%u\nconnections = %d\n"
                       "[route r]\nmatch = /*\nsteps = c\n[call r.c]\nupstream = u\n%s",
                       budget, origin_port(origin), CONNECTIONS, call);
}

/* On a busy machine some time may pass between the decision and the sending. */
Test(overload, who_has_waited_until_less_than_its_minimum_is_left_is_not_sent_any_more)
{
    struct origin *origin = origin_answering(ANSWER_OK, 500);
    struct world *world = before(origin, "1s", "min = 500ms\n");
    struct crowd crowd = {.address = world_address(world, 0), .pause_us = 1000};

    (void)crowd_run(&crowd, 40, span_s(3));
    size_t count = origin_requests(origin);
    int least = 5000;
    cr_expect_gt(count, 0);
    for (size_t i = 0; i < count; i++) {
        const char *told =
            message_header(&origin_request(origin, i)->message, "X-Request-Timeout-Ms", 0);
        cr_assert_not_null(told);
        least = atoi(told) < least ? atoi(told) : least;
    }
    cr_expect_geq(least, 500 - 200, "somebody was told %d", least);
    world_stop(world);
}

Test(overload, a_fair_part_of_what_the_upstream_can_do_is_used)
{
    enum { WORK_MS = 450 };
    struct origin *origin = origin_answering(ANSWER_OK, WORK_MS);
    struct world *world = before(origin, "600ms", "");
    struct crowd crowd = {.address = world_address(world, 0), .pause_us = WORK_MS * 1000};
    struct span took = crowd_run(&crowd, 100, span_ms(4500));
    size_t capacity = (size_t)(span_as_ms(took) / WORK_MS * CONNECTIONS);

    cr_expect_gt(crowd.asked, capacity, "it was no overload");
    cr_expect_geq(crowd.well, capacity / 4, "%zu of %zu that could be were answered", crowd.well,
                  capacity);
    world_stop(world);
}
