#include "proxy/names.h"

#include <criterion/criterion.h>
#include <event2/event.h>
#include <stdio.h>
#include <string.h>

#include "proxy/clock.h"
#include "test/support/name_server.h"

/* What was heard, of one name on the test's own event base. */
struct hearing {
    struct event_base *base;
    struct evdns_base *evdns;
    struct name_server *server;
    struct name *name;
    unsigned times;
    size_t count; /* the last time */
    char first[NAME_ADDRESS_TEXT];
};

static void on_heard(void *owner, char (*addresses)[NAME_ADDRESS_TEXT], size_t count,
                     struct instant now)
{
    struct hearing *hearing = owner;

    (void)now;
    hearing->times++;
    hearing->count = count;
    if (count > 0)
        memcpy(hearing->first, addresses[0], sizeof hearing->first);
    event_base_loopbreak(hearing->base);
}

static void begin_of(struct hearing *hearing, const char *host, enum name_answer answer)
{
    char resolver[32];

    *hearing = (struct hearing){.base = event_base_new(), .server = name_server_start(answer)};
    snprintf(resolver, sizeof resolver, "127.0.0.1:%u", name_server_port(hearing->server));
    hearing->evdns = names_open(hearing->base, resolver);
    cr_assert_not_null(hearing->evdns);
    hearing->name = name_create(&(struct name_watch){
        .evdns = hearing->evdns,
        .base = hearing->base,
        .host = host,
        .refresh = span_ms(20),
        .retry = span_ms(20),
        .on_heard = on_heard,
        .owner = hearing,
    });
    cr_expect_eq(hearing->times, 0, "not before name_create has returned");
}

static void begin(struct hearing *hearing, enum name_answer answer)
{
    begin_of(hearing, "origin.test", answer);
}

static void end(struct hearing *hearing)
{
    name_destroy(hearing->name);
    names_close(hearing->base, hearing->evdns);
    name_server_stop(hearing->server);
    event_base_free(hearing->base);
}

/* Runs until something is heard. */
static void hear(struct hearing *hearing)
{
    unsigned before = hearing->times;

    event_base_dispatch(hearing->base);
    cr_assert_eq(hearing->times, before + 1);
}

Test(names, all_addresses_are_heard_in_the_servers_order, .timeout = 300)
{
    struct hearing hearing;

    begin(&hearing, NAME_IS_LAST);
    hear(&hearing);
    cr_expect_eq(hearing.count, 3);
    cr_expect_str_eq(hearing.first, "127.0.0.98");
    end(&hearing);
}

Test(names, a_name_is_asked_for_again_and_its_loss_is_heard_too, .timeout = 300)
{
    struct hearing hearing;

    begin(&hearing, NAME_IS_LOCAL);
    hear(&hearing);
    cr_expect_eq(hearing.count, 1);
    name_server_turn(hearing.server, NAME_IS_UNKNOWN);
    hear(&hearing);
    cr_expect_eq(hearing.count, 0);
    name_server_turn(hearing.server, NAME_IS_LOCAL);
    hear(&hearing);
    cr_expect_eq(hearing.count, 1);
    cr_expect_str_eq(hearing.first, "127.0.0.1");
    end(&hearing);
}

Test(names, a_question_under_way_does_not_outlive_its_name, .timeout = 300)
{
    struct hearing hearing;

    begin(&hearing, NAME_IS_SILENT);
    for (int i = 0; i < 100 && name_server_asked(hearing.server) == 0; i++)
        event_base_loop(hearing.base, EVLOOP_ONCE);
    end(&hearing);
    cr_expect_eq(hearing.times, 0);
}

/* evdns gives up a question after 2 s, and asks it twice. */
Test(names, ipv4_addresses_wait_50_ms_for_an_ipv6_answer_and_not_for_its_loss, .timeout = 20)
{
    struct hearing hearing;
    struct instant before = clock_now();

    begin(&hearing, NAME_IS_HALF_SILENT);
    hear(&hearing);
    struct span took = span_since(before, clock_now());
    cr_expect_eq(hearing.count, 1);
    cr_expect_str_eq(hearing.first, "127.0.0.1");
    cr_expect_geq(took.ns, span_ms(50).ns);
    cr_expect_lt(took.ns, span_ms(1900).ns);
    end(&hearing);
}

Test(names, ipv6_addresses_that_come_late_are_heard_behind_the_others, .timeout = 20)
{
    struct hearing hearing;

    begin(&hearing, NAME_IS_HALF_SILENT);
    hear(&hearing);
    name_server_turn(hearing.server, NAME_IS_DUAL);
    hear(&hearing); /* when it has been asked for the second time */
    cr_expect_eq(hearing.count, 2);
    cr_expect_str_eq(hearing.first, "127.0.0.1");
    end(&hearing);
}

Test(names, a_name_that_is_known_keeps_its_addresses_until_both_answers_are_there, .timeout = 20)
{
    struct hearing hearing;

    begin(&hearing, NAME_IS_DUAL);
    hear(&hearing);
    cr_expect_eq(hearing.count, 2);
    name_server_turn(hearing.server, NAME_IS_HALF_SILENT);
    struct instant before = clock_now();
    hear(&hearing);
    cr_expect_geq(span_since(before, clock_now()).ns, span_s(2).ns, "after the IPv6 question");
    cr_expect_eq(hearing.count, 1);
    end(&hearing);
}

Test(names, a_name_of_the_hosts_file_does_not_wait_for_a_name_server, .timeout = 20)
{
    struct hearing hearing;
    struct instant before = clock_now();

    begin_of(&hearing, "localhost", NAME_IS_SILENT);
    hear(&hearing);
    cr_expect_geq(hearing.count, 1);
    cr_expect_str_eq(hearing.first, "127.0.0.1");
    cr_expect_lt(span_since(before, clock_now()).ns, span_ms(1900).ns);
    end(&hearing);
}

Test(names, a_resolver_that_is_no_address_cannot_be_used)
{
    struct event_base *base = event_base_new();

    cr_expect_null(names_open(base, "not an address"));
    event_base_loop(base, EVLOOP_NONBLOCK);
    event_base_free(base);
}
