#include "proxy/admin.h"

#include <stdio.h>

#include "conf/address.h"
#include "proxy/dashboard.h"
#include "proxy/memory.h"
#include "proxy/pages.h"
#include "proxy/readers.h"

#define PLAIN_TEXT TEXT("text/plain; charset=utf-8")

static int print_not_found(const struct admin *admin, struct text query, FILE *out)
{
    (void)admin, (void)query;
    fputs("Not found. There are ", out);
    pages_name(out);
    fputs(".\n", out);
    return 404;
}

static int print_not_allowed(const struct admin *admin, struct text query, FILE *out)
{
    (void)admin, (void)query;
    fputs("Only GET and HEAD are allowed here.\n", out);
    return 405;
}

static int print_misdirected(const struct admin *admin, struct text query, FILE *out)
{
    (void)admin, (void)query;
    fputs("These pages are not known by that name: ask for an IP address, or localhost.\n", out);
    return 421;
}

/* ---- which page ------------------------------------------------------------------------------- */

/* host or host:port, [host] or [host]:port, without what is around the host; empty: none of these. */
static struct text without_port(struct text host)
{
    bool is_bracketed = host.count > 0 && host.at[0] == '[';
    size_t begin = is_bracketed ? 1 : 0;
    const char *end = memchr(host.at, is_bracketed ? ']' : ':', host.count);
    size_t count = end ? (size_t)(end - host.at) : host.count;
    size_t rest = count + begin;

    if (is_bracketed && !end)
        return TEXT_NONE;
    if (rest < host.count && host.at[rest++] != ':')
        return TEXT_NONE;
    for (; rest < host.count; rest++) {
        if (host.at[rest] < '0' || host.at[rest] > '9')
            return TEXT_NONE;
    }
    return (struct text){.at = host.at + begin, .count = count - begin};
}

/* A web page can have its own name resolve to this machine, and then read here what its visitor may
 * read (DNS rebinding); but only by that name. To requests without one it has no access. */
static bool is_known_as(const struct conf_address *address, struct text host)
{
    unsigned char bytes[16];
    char literal[64] = "";

    if (address->path || host.count == 0)
        return true;
    struct text name = without_port(host);
    if (text_is_like(name, TEXT("localhost")))
        return true;
    if (name.count >= sizeof literal)
        return false;
    memcpy(literal, name.at, name.count);
    return literal_read(literal, bytes) != LITERAL_NONE;
}

/* The page that answers a request. */
static const struct page *page_for(const struct admin *admin, const struct request *request)
{
    static const struct page misdirected = {.print = print_misdirected};
    static const struct page not_found = {.print = print_not_found};
    static const struct page not_allowed = {.print = print_not_allowed};

    if (!is_known_as(admin->conf->proxy.admin, request->host))
        return &misdirected;
    const struct page *page = page_find(request->path);
    if (!page)
        return &not_found;
    if (text_is(request->method, TEXT("GET")) || text_is(request->method, TEXT("HEAD")))
        return page;
    return &not_allowed;
}

/* Where a page is printed to. */
struct sheet {
    struct chain *body;
    struct pool *pool;
};

static ssize_t append(void *cookie, const char *bytes, size_t count)
{
    const struct sheet *sheet = cookie;

    chain_append(sheet->body, sheet->pool, bytes, count);
    return (ssize_t)count;
}

/* Prints the page to the end of body. Returns its status. Pages may have megabytes: they are written
 * to where they are sent from, and not put together before. */
static int print_page(const struct admin *admin, const struct page *page, struct text query,
                      struct chain *body)
{
    struct sheet sheet = {body, admin->pool};
    FILE *out = fopencookie(&sheet, "w", (cookie_io_functions_t){.write = append});
    char room[16384];

    if (!out)
        memory_is_missing();
    setvbuf(out, room, _IOFBF, sizeof room);
    int status = page->print(admin, query, out);
    fclose(out);
    return status;
}

static void *on_request(void *service_arg, struct client *client, const struct request *request,
                        struct instant now)
{
    struct admin *admin = service_arg;
    const struct page *page = page_for(admin, request);
    struct chain body = CHAIN_EMPTY;

    admin->now = now;
    int status = print_page(admin, page, request->query, &body);
    const struct header headers[] = {
        {TEXT("Content-Type"), status == 200 ? page->type : PLAIN_TEXT},
        {TEXT("Cache-Control"), TEXT("no-store")},
        {TEXT("Content-Security-Policy"), dashboard_policy},
        {TEXT("X-Content-Type-Options"), TEXT("nosniff")},
        {TEXT("Referrer-Policy"), TEXT("no-referrer")},
        {TEXT("Allow"), TEXT("GET, HEAD")}, /* must be the last: with 405 only */
    };
    struct reply reply = {
        .status = status,
        .headers = headers,
        .headers_count = status == 405 ? 6 : 5,
        .length = (int64_t)body.count,
    };

    client_reply(client, &reply, now);
    bool has_room = client_send(client, &body);
    (void)has_room; /* that was all there is to send */
    if (client_end(client, now))
        return admin; /* who is told of nothing more */
    return readers_join(admin->readers, client, (size_t)reply.length, now);
}

static void on_body(void *owner, const char *bytes, size_t count, struct instant now)
{
    (void)owner, (void)bytes, (void)count, (void)now;
}

static void on_moment(void *owner, struct instant now)
{
    (void)owner, (void)now;
}

static void on_sent(void *owner, struct instant now)
{
    (void)now;
    reader_leave(owner);
}

static void on_gone(void *owner, enum client_loss loss, struct instant now)
{
    (void)loss;
    reader_go(owner, now);
}

/* Every request is answered as it comes: all that matters later is that the answer is read. */
const struct service admin_service = {
    .on_request = on_request,
    .on_body = on_body,
    .on_body_end = on_moment,
    .on_writable = on_moment,
    .on_sent = on_sent,
    .on_gone = on_gone,
};
