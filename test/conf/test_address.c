#include "conf/address.h"
#include "test/conf/setter.h"

Test(address, listens_are_literal_addresses_and_sockets)
{
    static const char literal[] =
        "needs an IP address, as in 127.0.0.1:8080 or [::1]:8080, or unix:/path";
    static const struct setter_case cases[] = {
        {"127.0.0.1:8080", NULL},
        {"[::1]:8080", NULL},
        {"0.0.0.0:0", NULL},
        {"unix:/run/hourglass.sock", NULL},
        {"localhost:8080", literal},
        {"8080", literal},
        {"*:8080", literal},
        {"[127.0.0.1]:80", literal},
        {"", literal},
        {"::1:8080", "needs brackets around an IPv6 address: [::1]:8080"},
        {"127.0.0.1", "needs a port, as in 127.0.0.1:8080"},
        {"127.0.0.1:65536", "has no port from 0 to 65535 behind the colon"},
        {"127.0.0.1:", "has no port from 0 to 65535 behind the colon"},
        {"127.0.0.1:+80", "has no port from 0 to 65535 behind the colon"},
        {"[::1", "opens [ but does not close it with ]"},
        {"[::1]8080", "has text between ] and the port"},
        {"unix:", "needs a path behind unix:"},
    };

    check_setter(set_listen, sizeof(struct conf_address), cases, COUNT_OF(cases));
}

Test(address, a_socket_path_ends_where_the_kernel_ends_it)
{
    char path[109] = {0};

    memset(path, 'x', 107);
    cr_assert_null(unix_path_fault(path));
    path[107] = 'x';
    cr_assert_not_null(unix_path_fault(path));
}

Test(address, a_list_keeps_its_order_and_refuses_doubles)
{
    struct store store = {0};
    struct address_list list = {0};

    cr_assert_null(
        set_listens(&list, "127.0.0.1:8080 , [::1]:8080,unix:/a,127.0.0.1:0,127.0.0.1:0", &store));
    cr_assert_eq(list.count, 5);
    cr_assert_str_eq(list.items[0].text, "127.0.0.1:8080");
    cr_assert_str_eq(list.items[1].host, "::1");
    cr_assert_eq(list.items[1].port, 8080);
    cr_assert_str_eq(list.items[2].path, "/a");
    cr_assert_null(list.items[2].host);
    cr_assert_str_eq(set_listens(&list, "unix:/a", &store), "names unix:/a twice");
    store_finish(&store);
}

Test(address, admin_can_be_off)
{
    struct store store = {0};
    struct conf_address *admin = NULL;

    cr_assert_null(set_admin(&admin, "off", &store));
    cr_assert_null(admin);
    cr_assert_null(set_admin(&admin, "127.0.0.1:9901", &store));
    cr_assert_eq(admin->port, 9901);
    store_finish(&store);
}

Test(address, trust_is_a_list_of_networks)
{
    struct store store = {0};
    struct trust_list list = {0};

    cr_assert_null(set_trusts(&list, "127.0.0.0/8, ::1/128, unix, 10.1.2.3, fe80::/10", &store));
    cr_assert_eq(list.count, 5);
    cr_assert(!list.items[0].is_ipv6 && list.items[0].bits == 8 && list.items[0].address[0] == 127);
    cr_assert(list.items[1].is_ipv6 && list.items[1].bits == 128 && list.items[1].address[15] == 1);
    cr_assert(list.items[2].is_unix);
    cr_assert(list.items[3].bits == 32 && list.items[3].address[3] == 3);
    cr_assert(list.items[4].bits == 10 && list.items[4].address[1] == 0x80);
    list = (struct trust_list){0};
    cr_assert_null(set_trusts(&list, "none", &store));
    cr_assert_eq(list.count, 0);
    store_finish(&store);
}

Test(address, a_network_that_is_not_one_is_refused)
{
    static const struct setter_case cases[] = {
        {"0.0.0.0/0", NULL},
        {"::/0", NULL},
        {"127.0.0.1/8", "names a network by an address within it: write 127.0.0.0/8 (in "
                        "\"127.0.0.1/8\")"},
        {"10.0.0.0/33", "needs a number of bits from 0 to 32 behind the / (in \"10.0.0.0/33\")"},
        {"::1/129", "needs a number of bits from 0 to 128 behind the / (in \"::1/129\")"},
        {"10.0.0.0/", "needs a number of bits from 0 to 32 behind the / (in \"10.0.0.0/\")"},
        {"10/8", "takes networks such as 10.0.0.0/8 or ::1/128, and unix, or none alone (in "
                 "\"10/8\")"},
        {"unix, none", "takes networks such as 10.0.0.0/8 or ::1/128, and unix, or none alone (in "
                       "\"none\")"},
    };

    check_setter(set_trusts, sizeof(struct trust_list), cases, COUNT_OF(cases));
}

Test(address, a_name_server_has_an_address_and_gets_its_port)
{
    static const char fault[] =
        "must be system or the address of a name server, such as 127.0.0.53:53";
    static const struct setter_case cases[] = {
        {"system", NULL},
        {"dns:53", fault},
        {"off", fault},
        {"1.1.1.1:0", fault},
    };
    struct store store = {0};
    char *resolver;

    check_setter(set_resolver, sizeof(char *), cases, COUNT_OF(cases));
    cr_assert_null(set_resolver(&resolver, "127.0.0.53", &store));
    cr_assert_str_eq(resolver, "127.0.0.53:53");
    cr_assert_null(set_resolver(&resolver, "[::1]:5353", &store));
    cr_assert_str_eq(resolver, "[::1]:5353");
    store_finish(&store);
}
