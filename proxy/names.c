#include "proxy/names.h"

#include <arpa/inet.h>
#include <event2/dns.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <event2/util.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/clock.h"
#include "proxy/memory.h"

struct name {
    struct name_watch watch;
    struct event timer;
    struct evdns_getaddrinfo_request *request; /* under way; owned by evdns */
    bool is_dropped; /* destroyed while asking: the answer's callback frees it */
};

struct evdns_base *names_open(struct event_base *base, const char *resolver)
{
    bool is_system = strcmp(resolver, "system") == 0;
    int flags = EVDNS_BASE_DISABLE_WHEN_INACTIVE;
    struct evdns_base *evdns =
        evdns_base_new(base, flags | (is_system ? EVDNS_BASE_INITIALIZE_NAMESERVERS : 0));

    if (!evdns)
        return NULL;
    evdns_base_set_option(evdns, "randomize-case:", "0");
    evdns_base_set_option(evdns, "timeout:", "2");
    evdns_base_set_option(evdns, "attempts:", "2");
    if (is_system)
        return evdns;
    evdns_base_load_hosts(evdns, "/etc/hosts");
    if (evdns_base_nameserver_ip_add(evdns, resolver) == 0)
        return evdns;
    evdns_base_free(evdns, 0);
    return NULL;
}

/* What was cancelled is told in a later turn of the loop only, and needs the evdns base then:
 * evdns_base_free before that is a use after free inside libevent. */
void names_close(struct event_base *base, struct evdns_base *evdns)
{
    event_base_loop(base, EVLOOP_NONBLOCK);
    event_base_loop(base, EVLOOP_NONBLOCK);
    evdns_base_free(evdns, 0);
}

static size_t read_addresses(const struct evutil_addrinfo *found,
                             char (*addresses)[NAME_ADDRESS_TEXT])
{
    size_t count = 0;

    for (; found && count < NAME_ADDRESSES_MAX; found = found->ai_next) {
        union {
            const struct sockaddr *any;
            const struct sockaddr_in *ipv4;
            const struct sockaddr_in6 *ipv6;
        } at = {.any = found->ai_addr};
        const void *address = NULL;

        if (found->ai_family == AF_INET)
            address = &at.ipv4->sin_addr;
        else if (found->ai_family == AF_INET6)
            address = &at.ipv6->sin6_addr;
        if (address && inet_ntop(found->ai_family, address, addresses[count], NAME_ADDRESS_TEXT))
            count++;
    }
    return count;
}

static void on_answer(int error, struct evutil_addrinfo *found, void *arg)
{
    struct name *name = arg;
    char addresses[NAME_ADDRESSES_MAX][NAME_ADDRESS_TEXT];
    size_t count = error ? 0 : read_addresses(found, addresses);

    if (found)
        evutil_freeaddrinfo(found);
    name->request = NULL;
    if (name->is_dropped) {
        free(name);
        return;
    }
    struct timeval wait = clock_timeval(count > 0 ? name->watch.refresh : name->watch.retry);
    event_add(&name->timer, &wait);
    if (error != EVUTIL_EAI_CANCEL)
        name->watch.on_heard(name->watch.owner, addresses, count, clock_now());
}

static void on_refresh(evutil_socket_t fd, short what, void *arg)
{
    struct name *name = arg;
    struct evutil_addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};

    (void)fd, (void)what;
    struct evdns_getaddrinfo_request *request =
        evdns_getaddrinfo(name->watch.evdns, name->watch.host, NULL, &hints, on_answer, name);
    /* NULL: on_answer has come already (a name of /etc/hosts). */
    name->request = request;
}

struct name *name_create(const struct name_watch *watch)
{
    struct name *name = memory_take_clear(1, sizeof *name);
    struct timeval at_once = {0, 0};

    name->watch = *watch;
    evtimer_assign(&name->timer, watch->base, on_refresh, name);
    event_add(&name->timer, &at_once);
    return name;
}

void name_destroy(struct name *name)
{
    if (!name)
        return;
    event_del(&name->timer);
    if (!name->request) {
        free(name);
        return;
    }
    name->is_dropped = true;
    evdns_getaddrinfo_cancel(name->request);
}
