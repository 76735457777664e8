/* Who asks for large pages of the admin listener and does not read them: what these hold has a bound,
 * who does read gets what he asks for, and clients notice nothing. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "test/support/address.h"
#include "test/support/world.h"

TestSuite(slow_scrapers, .timeout = 300);

enum { KIB = 1024, ROUTES = 800, CONNECTIONS_MAX = 64, PAGES_MAX = 1024 * KIB / 8 };

static const char ask[] = "GET /routes HTTP/1.1\r\nHost: localhost\r\n\r\n";
static char admin[ADDRESS_ROOM];

/* The admin listener is a unix socket, where the kernel takes little for those who do not read. */
static struct world *before(const char *proxy_lines)
{
    static char routes[ROUTES * 64];
    size_t at = 0;

    for (int i = 0; i < ROUTES; i++)
        at += (size_t)snprintf(routes + at, sizeof routes - at,
                               "[route r%d]\nmatch = /r%d\nupstream = u\n", i, i);
    address_spare(admin);
    return world_start("[proxy]\nlisten = 127.0.0.1:0\nadmin = %s\nworkers = 1\nlog = off\n"
                       "max-memory = 1MiB\n%s" WORLD_BUDGET "default = 20s\n"
                       "[upstream u]\nurl = http://127.0.0.1:%u\n%s",
                       admin, proxy_lines, origin_port(origin_answering(ANSWER_OK, 0)), routes);
}

static struct dialogue *scrape(void)
{
    struct dialogue *dialogue = dialogue_open(admin);

    dialogue_send(dialogue, ask);
    return dialogue;
}

static size_t cut_off(const struct world *world)
{
    return (size_t)world_metric(world, "hourglass_admin_pages_cut_off_total", "");
}

/* Asks for a page and reads it at once. How many bytes it has. */
static size_t read_at_once(void)
{
    const struct reply *reply = dialogue_read(scrape());

    cr_assert_eq(reply->status, 200);
    cr_assert_eq(reply->end, REPLY_COMPLETE);
    return reply->message.body_count;
}

Test(slow_scrapers, hold_a_few_pages_together_and_who_reads_gets_his)
{
    struct world *world = before("");
    struct dialogue *slow[CONNECTIONS_MAX - 1];
    enum { SLOW = sizeof slow / sizeof slow[0] };
    size_t page = read_at_once();
    size_t whole = 0;

    dialogues_hang_up();
    cr_assert_gt(page, 768 * KIB, "too small to stay in the proxy: %zu", page);
    for (size_t i = 0; i < SLOW; i++) {
        slow[i] = scrape();
        cr_assert(dialogue_awaits(slow[i], "200 OK"));
    }
    cr_expect_leq(read_at_once(), page + 2 * KIB);
    cr_expect_eq(world_get(world, "/r7", "")->status, 200);
    for (size_t i = 0; i < SLOW; i++) {
        const struct reply *reply = dialogue_read(slow[i]);
        cr_expect(reply->end == REPLY_COMPLETE || reply->end == REPLY_TRUNCATED, "%d", reply->end);
        whole += reply->end == REPLY_COMPLETE;
    }
    cr_expect_leq(whole, PAGES_MAX / page + 1, "%zu pages of %zu bytes were kept", whole, page);
    cr_expect_eq(cut_off(world), SLOW - whole);
    world_stop(world);
}

/* It takes some, again and again, so that its socket never seems dead. How many bytes, until the end.
 */
static size_t sip(int fd)
{
    char room[2 * KIB];
    size_t sum = 0;
    ssize_t count;

    while ((count = read(fd, room, sizeof room)) > 0) {
        sum += (size_t)count;
        usleep(10000);
    }
    return sum;
}

Test(slow_scrapers, that_take_a_little_now_and_then_are_cut_off_when_their_time_is_over)
{
    struct world *world = before("idle-timeout = 1500ms\n");
    size_t page = read_at_once();
    int fd = address_connect(admin);

    cr_assert_geq(fd, 0);
    cr_assert_eq(write(fd, ask, strlen(ask)), (ssize_t)strlen(ask));
    cr_expect_lt(sip(fd), page);
    close(fd);
    cr_expect_eq(cut_off(world), 1);
    cr_expect_eq(world_get(world, "/r7", "")->status, 200);
    world_stop(world);
}
