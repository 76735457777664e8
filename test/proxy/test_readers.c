#include "proxy/readers.h"

#include <criterion/criterion.h>
#include <event2/event.h>

#include "proxy/clock.h"
#include "test/support/fake_client.h"

enum { FAKES = 4 };

static struct event_base *base;
static struct readers *readers;
static struct fake_client fakes[FAKES];

static void set_up(void)
{
    base = event_base_new();
    readers = readers_create(
        &(struct readers_options){.base = base, .bytes_max = 100, .patience = span_ms(40)});
    for (size_t i = 0; i < FAKES; i++)
        fake_client_init(&fakes[i], NULL);
}

static void tear_down(void)
{
    readers_destroy(readers);
    event_base_free(base);
}

TestSuite(readers, .init = set_up, .fini = tear_down);

static struct reader *join(size_t fake, size_t bytes)
{
    return readers_join(readers, &fakes[fake].client, bytes, clock_now());
}

/* Which are cut off? "01" are the first two. */
static void expect_cut(const char *expected)
{
    char cut[FAKES + 1];
    size_t count = 0;

    for (size_t i = 0; i < FAKES; i++) {
        cr_expect_leq(fakes[i].cuts, 1);
        if (fakes[i].cuts > 0)
            cut[count++] = (char)('0' + i);
    }
    cut[count] = '\0';
    cr_expect_str_eq(cut, expected);
    cr_expect_eq(readers_cut_off(readers), count);
}

Test(readers, who_has_been_reading_longest_makes_room_and_nobody_more_than_that)
{
    join(0, 40);
    join(1, 40);
    join(2, 20);
    expect_cut("");
    join(3, 41);
    expect_cut("01");
}

Test(readers, a_page_that_is_too_large_alone_may_be_read)
{
    join(0, 1);
    join(1, 101);
    expect_cut("0");
    join(2, 1);
    expect_cut("01");
}

Test(readers, who_has_read_all_or_is_gone_counts_no_more)
{
    struct reader *first = join(0, 50);
    struct reader *second = join(1, 50);

    reader_leave(second);
    join(2, 50);
    reader_leave(first);
    join(3, 50);
    expect_cut("");
}

Test(readers, who_has_gone_in_time_was_not_cut_off_and_later_was)
{
    struct instant now = clock_now();
    struct reader *left = readers_join(readers, &fakes[0].client, 1, now);
    struct reader *lost = readers_join(readers, &fakes[1].client, 1, now);

    reader_go(left, instant_after(now, span_us(39999)));
    cr_expect_eq(readers_cut_off(readers), 0);
    reader_go(lost, instant_after(now, span_ms(40)));
    cr_expect_eq(readers_cut_off(readers), 1);
    cr_expect_eq(fakes[1].cuts, 0, "that has been done");
}

Test(readers, each_has_its_time_and_is_cut_off_then)
{
    struct instant begun = clock_now();

    reader_leave(join(0, 1));
    join(1, 1);
    event_base_loop(base, EVLOOP_ONCE);
    while (fakes[1].cuts == 0)
        event_base_loop(base, EVLOOP_ONCE);
    cr_expect_geq(span_since(begun, clock_now()).ns, span_ms(40).ns);
    expect_cut("1");
    cr_expect_eq(event_base_get_num_events(base, EVENT_BASE_COUNT_ADDED), 0);
}

Test(readers, the_next_has_its_own_time)
{
    join(0, 1);
    while (fakes[0].cuts == 0)
        event_base_loop(base, EVLOOP_ONCE);
    join(1, 1);
    expect_cut("0");
    while (fakes[1].cuts == 0)
        event_base_loop(base, EVLOOP_ONCE);
    expect_cut("01");
}
