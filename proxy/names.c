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

/* How long the addresses of one family wait for those of the other (RFC 8305 section 3). */
#define RESOLUTION_DELAY span_ms(50)

enum { FAMILIES = 2 };

/* For the addresses of one family. Both are asked at once, but one by one: of a question for both,
 * evdns tells no answer before the other one has come, or some seconds have passed. */
struct question {
    struct name *name; /* borrowed */
    int family;
    struct evdns_getaddrinfo_request *request; /* owned by evdns; NULL: it was answered at once */
    bool is_open;                              /* its answer has yet to come */
    char addresses[NAME_ADDRESSES_MAX][NAME_ADDRESS_TEXT];
    size_t count;
};

struct name {
    struct name_watch watch;
    struct event timer; /* asks again */
    struct event delay; /* tells of one family without the other */
    struct question questions[FAMILIES];
    bool is_known;   /* what was told last had addresses */
    bool is_dropped; /* destroyed while asking: the last answer's callback frees it */
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

/* ---- the answers ------------------------------------------------------------------------------ */

static bool is_asking(const struct name *name)
{
    return name->questions[0].is_open || name->questions[1].is_open;
}

static void tell(struct name *name)
{
    char addresses[NAME_ADDRESSES_MAX][NAME_ADDRESS_TEXT];
    size_t count = 0;

    for (size_t i = 0; i < FAMILIES; i++) {
        const struct question *question = &name->questions[i];
        for (size_t j = 0; j < question->count && count < NAME_ADDRESSES_MAX; j++)
            memcpy(addresses[count++], question->addresses[j], NAME_ADDRESS_TEXT);
    }
    name->is_known = count > 0;
    name->watch.on_heard(name->watch.owner, addresses, count, clock_now());
}

static void on_delay(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    tell(arg);
}

/* Both have been answered, one way or the other. */
static void end_round(struct name *name)
{
    bool is_found = name->questions[0].count > 0 || name->questions[1].count > 0;
    struct timeval wait = clock_timeval(is_found ? name->watch.refresh : name->watch.retry);

    event_del(&name->delay);
    event_add(&name->timer, &wait);
    tell(name);
}

/* Where addresses are known already there is no hurry: those are good until all have come. */
static void on_answer(int error, struct evutil_addrinfo *found, void *arg)
{
    struct question *question = arg;
    struct name *name = question->name;
    struct timeval delay = clock_timeval(RESOLUTION_DELAY);

    question->count = error ? 0 : read_addresses(found, question->addresses);
    question->is_open = false;
    question->request = NULL;
    if (found)
        evutil_freeaddrinfo(found);
    if (!is_asking(name) && name->is_dropped)
        free(name);
    else if (!is_asking(name))
        end_round(name);
    else if (question->count > 0 && !name->is_known && !name->is_dropped)
        event_add(&name->delay, &delay);
}

/* ---- the questions ---------------------------------------------------------------------------- */

static void ask(struct question *question)
{
    struct evutil_addrinfo hints = {.ai_family = question->family, .ai_socktype = SOCK_STREAM};
    const struct name_watch *watch = &question->name->watch;
    struct evdns_getaddrinfo_request *request =
        evdns_getaddrinfo(watch->evdns, watch->host, NULL, &hints, on_answer, question);

    /* NULL: on_answer has come already. So it does for both families of a name in /etc/hosts, with no
     * address of the one that does not stand there. */
    question->request = request;
}

static void on_refresh(evutil_socket_t fd, short what, void *arg)
{
    struct name *name = arg;

    (void)fd, (void)what;
    for (size_t i = 0; i < FAMILIES; i++) {
        name->questions[i].is_open = true;
        name->questions[i].count = 0;
    }
    for (size_t i = 0; i < FAMILIES; i++)
        ask(&name->questions[i]);
}

struct name *name_create(const struct name_watch *watch)
{
    struct name *name = memory_take_clear(1, sizeof *name);
    struct timeval at_once = {0, 0};

    name->watch = *watch;
    name->questions[0] = (struct question){.name = name, .family = AF_INET};
    name->questions[1] = (struct question){.name = name, .family = AF_INET6};
    evtimer_assign(&name->timer, watch->base, on_refresh, name);
    evtimer_assign(&name->delay, watch->base, on_delay, name);
    event_add(&name->timer, &at_once);
    return name;
}

void name_destroy(struct name *name)
{
    if (!name)
        return;
    event_del(&name->timer);
    event_del(&name->delay);
    if (!is_asking(name)) {
        free(name);
        return;
    }
    name->is_dropped = true;
    for (size_t i = 0; i < FAMILIES; i++) {
        if (name->questions[i].request)
            evdns_getaddrinfo_cancel(name->questions[i].request);
    }
}
