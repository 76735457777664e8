#include "conf/address.h"
#include "test/conf/setter.h"

Test(url, an_upstream_is_a_name_an_address_or_a_socket)
{
    static const struct {
        const char *text;
        const char *host;
        unsigned port;
        const char *authority;
        bool is_literal;
        bool is_ipv6;
    } cases[] = {
        {"http://db", "db", 80, "db", false, false},
        {"http://db:80", "db", 80, "db", false, false},
        {"HTTP://db.example:9001", "db.example", 9001, "db.example:9001", false, false},
        {"http://127.0.0.1:9001", "127.0.0.1", 9001, "127.0.0.1:9001", true, false},
        {"http://[::1]:9001", "::1", 9001, "[::1]:9001", true, true},
        {"http://[::1]", "::1", 80, "[::1]", true, true},
        {"http://my_service-1", "my_service-1", 80, "my_service-1", false, false},
    };
    struct store store = {0};

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct conf_upstream upstream = {0};
        cr_assert_null(set_url(&upstream, cases[i].text, &store), "%s", cases[i].text);
        cr_expect_str_eq(upstream.host, cases[i].host);
        cr_expect_eq(upstream.port, cases[i].port, "%s", cases[i].text);
        cr_expect_str_eq(upstream.authority, cases[i].authority);
        cr_expect_eq(upstream.is_literal, cases[i].is_literal, "%s", cases[i].text);
        cr_expect_eq(upstream.is_ipv6, cases[i].is_ipv6, "%s", cases[i].text);
        cr_expect_null(upstream.path);
    }
    store_finish(&store);
}

Test(url, a_socket_has_a_path_and_no_host)
{
    struct store store = {0};
    struct conf_upstream upstream = {0};

    cr_assert_null(set_url(&upstream, "unix:/run/app.sock", &store));
    cr_assert_str_eq(upstream.path, "/run/app.sock");
    cr_assert_null(upstream.host);
    cr_assert_str_eq(upstream.authority, "localhost");
    store_finish(&store);
}

Test(url, what_cannot_be_called_is_refused)
{
    static const char path[] =
        "must end after host and port: a path belongs into the request of a call";
    static const struct setter_case cases[] = {
        {"https://db", "with https is not supported yet"},
        {"http://db/", path},
        {"http://db?x", path},
        {"http://db#x", path},
        {"http://u:p@db", "may not hold a user or password"},
        {"http://", "names no host"},
        {"http://:80", "names no host"},
        {"http://db:0", "needs a port from 1 to 65535"},
        {"http://db:x", "has no port from 0 to 65535 behind the colon"},
        {"http://1.2.3", "names an IP address that is not one"},
        {"http://300.1.1.1", "names an IP address that is not one"},
        {"http://a..b", "names a host with an empty part, or one of more than 63 bytes"},
        {"http://a, http://b", "takes one address: write an [upstream NAME] for each"},
        {"http://a b", "takes one address: write an [upstream NAME] for each"},
        {"http://a+b", "names a host that holds more than letters, digits, -, _ and ."},
        {"http://[db]:80", "has something other than an IPv6 address in brackets"},
        {"db:9001", "must be http://host:port or unix:/path"},
    };

    check_setter(set_url, sizeof(struct conf_upstream), cases, COUNT_OF(cases));
}

Test(url, a_collector_has_a_path_that_is_made_up_when_it_is_left_out)
{
    static const struct {
        const char *text;
        const char *authority;
        const char *path;
    } cases[] = {
        {"http://otel:4318", "otel:4318", "/v1/traces"},
        {"http://otel:4318/", "otel:4318", "/v1/traces"},
        {"HTTP://[::1]:4318/v1/traces", "[::1]:4318", "/v1/traces"},
        {"http://otel/a/b%20c", "otel", "/a/b%20c"},
        {"unix:/run/otel.sock", "localhost", "/v1/traces"},
    };
    struct store store = {0};

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct conf_collector collector = {.at = NULL};
        cr_assert_null(set_trace_export(&collector, cases[i].text, &store), "%s", cases[i].text);
        cr_assert_not_null(collector.at);
        cr_expect_str_eq(collector.at->authority, cases[i].authority);
        cr_expect_str_eq(collector.path, cases[i].path);
        cr_expect(span_covers(collector.at->connect, span_ms(1)));
    }
    store_finish(&store);
}

Test(url, spans_go_nowhere_when_they_are_off)
{
    struct store store = {0};
    struct conf_collector collector = {.at = NULL};

    cr_assert_null(set_trace_export(&collector, "off", &store));
    cr_assert_null(collector.at);
    store_finish(&store);
}

Test(url, what_cannot_be_a_collector_is_refused)
{
    static const struct setter_case cases[] = {
        {"on", "must be off, http://host:port or unix:/path"},
        {"otel:4318", "must be off, http://host:port or unix:/path"},
        {"https://otel:4318", "with https is not supported yet"},
        {"http://", "names no host"},
        {"http:///v1/traces", "names no host"},
        {"http://otel:4318/v1?key=1", "may not hold ? or #"},
        {"http://otel:4318/a b", "has a path with a character that may not stand there"},
        {"http://otel:4318/\xc3\xa4", "has a path with a character that may not stand there"},
        {"http://u:p@otel", "may not hold a user or password"},
    };

    check_setter(set_trace_export, sizeof(struct conf_collector), cases, COUNT_OF(cases));
}
