#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/un.h>

#include "proxy/peer.h"

union place {
    struct sockaddr any;
    struct sockaddr_in ipv4;
    struct sockaddr_in6 ipv6;
    struct sockaddr_un local;
};

static union place place_of(const char *text)
{
    union place place = {.local = {.sun_family = AF_UNIX}};

    if (inet_pton(AF_INET, text, &place.ipv4.sin_addr) == 1)
        place.any.sa_family = AF_INET;
    else if (inet_pton(AF_INET6, text, &place.ipv6.sin6_addr) == 1)
        place.any.sa_family = AF_INET6;
    return place;
}

static struct conf_trust range(const char *address, unsigned bits)
{
    struct conf_trust trust = {.bits = bits, .is_ipv6 = strchr(address, ':') != NULL};

    cr_assert_eq(inet_pton(trust.is_ipv6 ? AF_INET6 : AF_INET, address, trust.address), 1);
    return trust;
}

Test(peer, is_trusted_within_the_range_and_not_beyond)
{
    static const struct {
        const char *range;
        unsigned bits;
        const char *address;
        bool is_trusted;
    } ROWS[] = {
        {"127.0.0.0", 8, "127.255.0.1", true},
        {"127.0.0.0", 8, "128.0.0.1", false},
        {"10.1.2.128", 25, "10.1.2.200", true},
        {"10.1.2.128", 25, "10.1.2.127", false},
        {"10.1.2.3", 32, "10.1.2.3", true},
        {"10.1.2.3", 32, "10.1.2.2", false},
        {"0.0.0.0", 0, "8.8.8.8", true},
        {"0.0.0.0", 0, "::1", false},
        {"::", 0, "::1", true},
        {"::", 0, "8.8.8.8", false},
        {"::1", 128, "::1", true},
        {"::1", 128, "::2", false},
        {"2001:db8::", 33, "2001:db8:7fff::1", true},
        {"2001:db8::", 33, "2001:db8:8000::1", false},
        {"127.0.0.0", 8, "::ffff:127.0.0.1", true},
        {"::", 0, "::ffff:127.0.0.1", false},
        {"0.0.0.0", 0, "unix", false},
    };

    for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++) {
        const struct conf_trust trust = range(ROWS[i].range, ROWS[i].bits);
        union place place = place_of(ROWS[i].address);

        cr_assert_eq(peer_is_trusted(&trust, 1, &place.any), ROWS[i].is_trusted, "row %zu", i);
    }
}

Test(peer, at_a_unix_socket_is_trusted_where_the_configuration_says_so)
{
    const struct conf_trust trusts[] = {range("127.0.0.0", 8), {.is_unix = true}};
    union place place = place_of("unix");

    cr_assert_not(peer_is_trusted(trusts, 1, &place.any));
    cr_assert(peer_is_trusted(trusts, 2, &place.any));
    cr_assert_not(peer_is_trusted(NULL, 0, &place.any));
}

Test(peer, has_a_name)
{
    static const char *const ROWS[][2] = {
        {"192.0.2.1", "192.0.2.1"},
        {"2001:db8::1", "2001:db8::1"},
        {"::ffff:192.0.2.1", "192.0.2.1"},
        {"unix", "unix"},
    };

    for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++) {
        union place place = place_of(ROWS[i][0]);
        struct peer peer;

        peer_name(&peer, &place.any);
        cr_assert_str_eq(peer.address, ROWS[i][1]);
        cr_assert_eq(peer.is_unix, i == 3);
    }
}
