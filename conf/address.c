#include "conf/address.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/un.h>

#include "conf/words.h"

#define UNIX "unix:"

const char *unix_path_fault(const char *path)
{
    if (!*path)
        return "needs a path behind unix:";
    if (strlen(path) >= sizeof((struct sockaddr_un *)0)->sun_path)
        return "has a path of more than 107 bytes, which no unix socket can have";
    return NULL;
}

enum literal literal_read(const char *host, unsigned char bytes[static 16])
{
    memset(bytes, 0, 16);
    if (inet_pton(AF_INET, host, bytes) == 1)
        return LITERAL_IPV4;
    return inet_pton(AF_INET6, host, bytes) == 1 ? LITERAL_IPV6 : LITERAL_NONE;
}

/* At most 65535, digits only. */
static bool read_port(const char *text, unsigned *ret_port)
{
    unsigned port = 0;

    if (!*text || strlen(text) > 5 || text[strspn(text, "0123456789")])
        return false;
    for (; *text; text++)
        port = port * 10 + (unsigned)(*text - '0');
    *ret_port = port;
    return port <= 65535;
}

const char *split_host(char *text, char **ret_host, unsigned *port)
{
    char *colon = strchr(text, ':');

    *ret_host = text;
    if (*text == '[') {
        char *end = strchr(text, ']');
        if (!end)
            return "opens [ but does not close it with ]";
        if (end[1] && end[1] != ':')
            return "has text between ] and the port";
        colon = end[1] ? end + 1 : NULL;
        *end = '\0';
        *ret_host = text + 1;
    } else if (colon && strchr(colon + 1, ':')) {
        return "needs brackets around an IPv6 address: [::1]:8080";
    }
    if (!colon)
        return NULL;
    *colon = '\0';
    return read_port(colon + 1, port) ? NULL : "has no port from 0 to 65535 behind the colon";
}

/* A literal address with a port. is_bracketed addresses must be IPv6, others IPv4. */
static const char *read_socket(struct conf_address *address, const char *text, struct store *store)
{
    unsigned port = UINT16_MAX + 1;
    unsigned char bytes[16];
    const char *fault = split_host(store_string(store, text), &address->host, &port);

    if (fault)
        return fault;
    enum literal wanted = *text == '[' ? LITERAL_IPV6 : LITERAL_IPV4;
    if (literal_read(address->host, bytes) != wanted)
        return "needs an IP address, as in 127.0.0.1:8080 or [::1]:8080, or unix:/path";
    if (port > UINT16_MAX)
        return "needs a port, as in 127.0.0.1:8080";
    address->port = (uint16_t)port;
    return NULL;
}

const char *set_listen(void *field, const char *text, struct store *store)
{
    struct conf_address *address = field;

    *address = (struct conf_address){.text = store_string(store, text)};
    if (strncmp(text, UNIX, strlen(UNIX)) != 0)
        return read_socket(address, text, store);
    address->path = store_string(store, text + strlen(UNIX));
    return unix_path_fault(address->path);
}

bool address_is_local(const struct conf_address *address)
{
    unsigned char bytes[16];

    if (address->path)
        return true;
    bool is_ipv4 = literal_read(address->host, bytes) == LITERAL_IPV4;
    return is_ipv4 ? bytes[0] == 127 : strcmp(address->host, "::1") == 0;
}

bool address_is_same(const struct conf_address *a, const struct conf_address *b)
{
    if (a->path || b->path)
        return a->path && b->path && strcmp(a->path, b->path) == 0;
    return a->port != 0 && a->port == b->port && strcmp(a->host, b->host) == 0;
}

const char *set_listens(void *field, const char *text, struct store *store)
{
    struct address_list *list = field;
    struct conf_address address;

    for (const char *rest = text; rest;) {
        const char *fault = set_listen(&address, items_next(&rest, ',', store), store);
        if (fault)
            return store_print(store, "%s (in \"%s\")", fault, address.text);
        for (size_t i = 0; i < list->count; i++) {
            if (address_is_same(&list->items[i], &address))
                return store_print(store, "names %s twice", address.text);
        }
        list->items = store_grow(store, list->items, list->count, sizeof *list->items);
        list->items[list->count++] = address;
    }
    return NULL;
}

const char *set_admin(void *field, const char *text, struct store *store)
{
    struct conf_address **admin = field;

    if (strcmp(text, "off") == 0)
        return NULL;
    *admin = store_take(store, sizeof **admin);
    return set_listen(*admin, text, store);
}

/* The first address of the network, when the given one is not it. */
static const char *check_network(struct conf_trust *trust, struct store *store)
{
    struct conf_trust first = *trust;
    char text[INET6_ADDRSTRLEN];

    for (unsigned bit = trust->bits; bit < 128; bit++)
        first.address[bit / 8] &= (uint8_t) ~(0x80u >> bit % 8);
    if (memcmp(first.address, trust->address, sizeof first.address) == 0)
        return NULL;
    inet_ntop(trust->is_ipv6 ? AF_INET6 : AF_INET, first.address, text, sizeof text);
    return store_print(store, "names a network by an address within it: write %s/%u", text,
                       trust->bits);
}

static const char *read_trust(struct conf_trust *trust, const char *item, struct store *store)
{
    char *text = store_string(store, item);
    char *slash = strchr(text, '/');
    unsigned bits;

    *trust = (struct conf_trust){.is_unix = strcmp(text, "unix") == 0};
    if (trust->is_unix)
        return NULL;
    if (slash)
        *slash = '\0';
    enum literal literal = literal_read(text, trust->address);
    if (literal == LITERAL_NONE)
        return "takes networks such as 10.0.0.0/8 or ::1/128, and unix, or none alone";
    trust->is_ipv6 = literal == LITERAL_IPV6;
    trust->bits = trust->is_ipv6 ? 128 : 32;
    if (slash && (!read_port(slash + 1, &bits) || bits > trust->bits))
        return store_print(store, "needs a number of bits from 0 to %u behind the /", trust->bits);
    trust->bits = slash ? bits : trust->bits;
    return check_network(trust, store);
}

const char *set_trusts(void *field, const char *text, struct store *store)
{
    struct trust_list *list = field;
    const char *rest = strcmp(text, "none") == 0 ? NULL : text;

    while (rest) {
        char *item = items_next(&rest, ',', store);
        list->items = store_grow(store, list->items, list->count, sizeof *list->items);
        const char *fault = read_trust(&list->items[list->count++], item, store);
        if (fault)
            return store_print(store, "%s (in \"%s\")", fault, item);
    }
    return NULL;
}

const char *set_resolver(void *field, const char *text, struct store *store)
{
    char *host;
    unsigned port = 53;
    unsigned char bytes[16];

    if (strcmp(text, "system") == 0)
        return set_text(field, text, store);
    const char *fault = split_host(store_string(store, text), &host, &port);
    if (fault)
        return fault;
    enum literal literal = literal_read(host, bytes);
    if (literal == LITERAL_NONE || port == 0)
        return "must be system or the address of a name server, such as 127.0.0.53:53";
    bool is_ipv6 = literal == LITERAL_IPV6;
    *(char **)field = store_print(store, is_ipv6 ? "[%s]:%u" : "%s:%u", host, port);
    return NULL;
}
