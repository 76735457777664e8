#include "proxy/http1_input.h"

#include <criterion/criterion.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct pool pool;
static struct http1_input input;
static struct transport transport;
static int client;

static void begin(void)
{
    int pair[2];

    cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
    transport.fd = pair[0];
    client = pair[1];
    pool_init(&pool);
}

static void finish(void)
{
    http1_input_finish(&input, &pool);
    cr_expect_eq(pool.used, 0u);
    pool_finish(&pool);
    close(transport.fd);
    close(client);
}

TestSuite(http1_input, .init = begin, .fini = finish);

/* They come in one piece. */
static void come(const char *bytes, size_t count)
{
    cr_assert_eq(write(client, bytes, count), (ssize_t)count);
    cr_assert_eq(http1_input_read(&input, &pool, &transport, (struct instant){.ns = 1}),
                 TRANSPORT_OK);
}

/* A head of so many bytes is kept; how many are held for it then? */
static size_t held_for(size_t count, size_t behind)
{
    static char bytes[16000];

    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (char)('a' + i % 26);
    come(bytes, count + behind);
    struct text head = http1_input_keep_head(&input, &pool, count);
    cr_assert_eq(head.count, count);
    cr_assert_arr_eq(head.at, bytes, count);
    cr_assert_eq(http1_input_text(&input).count, behind);
    cr_assert(http1_input_has_room(&input));
    return pool.used;
}

static void let_go(void)
{
    http1_input_drop_head(&input, &pool);
    cr_assert_eq(pool.used, 0u);
}

Test(http1_input, a_head_with_nothing_behind_it_is_held_in_a_block_that_it_fits)
{
    cr_expect_eq(held_for(300, 0), 1024u);
    let_go();
    cr_expect_eq(held_for(1024, 0), 1024u);
    let_go();
    cr_expect_eq(held_for(1025, 0), 4096u);
    let_go();
    cr_expect_eq(held_for(5000, 0), 16384u);
    let_go();
}

Test(http1_input, what_comes_behind_a_head_leaves_it_where_it_is)
{
    cr_expect_eq(held_for(300, 10), 16384u);
    http1_input_use(&input, 10);
    come("next", 4);
    cr_expect_eq(http1_input_text(&input).count, 4u);
    http1_input_use(&input, 4);
    let_go();
}

Test(http1_input, a_body_that_comes_later_does_not_touch_the_head)
{
    static char body[16384];

    come("GET / HTTP/1.1\r\n\r\n", 18);
    struct text head = http1_input_keep_head(&input, &pool, 18);
    for (int i = 0; i < 5; i++) {
        memset(body, 'a' + i, sizeof body);
        come(body, sizeof body);
        cr_assert_eq(http1_input_text(&input).count, sizeof body);
        cr_assert_arr_eq(http1_input_text(&input).at, body, sizeof body);
        http1_input_use(&input, sizeof body);
        cr_assert_arr_eq(head.at, "GET / HTTP/1.1\r\n\r\n", 18);
    }
    let_go();
}

Test(http1_input, the_next_request_has_a_first_byte_of_its_own)
{
    come("one", 3);
    cr_assert_eq(http1_input_keep_head(&input, &pool, 3).count, 3u);
    cr_assert_eq(write(client, "two", 3), 3);
    cr_assert_eq(http1_input_read(&input, &pool, &transport, (struct instant){.ns = 7}),
                 TRANSPORT_OK);
    cr_expect_eq(http1_input_started(&input).ns, 7);
    http1_input_use(&input, 3);
    let_go();
}
