/* Where an upstream is: http://host:port or unix:/path. And where spans go: the same, with a path. */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "conf/address.h"

enum { HTTP_PORT = 80, HOST_MAX_BYTES = 253, LABEL_MAX_BYTES = 63 };

/* To connect to a collector has the time that its answer has. */
#define COLLECTOR_CONNECT span_s(10)

/* A name as of RFC 1123, with _ as people use it. A last label of digits belongs to an address. */
static const char *name_of_host_fault(const char *host)
{
    const char *label = host;

    if (!*host)
        return "names no host";
    if (strlen(host) > HOST_MAX_BYTES)
        return "names a host of more than 253 bytes";
    for (;;) {
        size_t count = strcspn(label, ".");
        bool is_last = !label[count];
        if (count == 0 || count > LABEL_MAX_BYTES)
            return "names a host with an empty part, or one of more than 63 bytes";
        if (is_last && strspn(label, "0123456789") == count)
            return "names an IP address that is not one";
        for (size_t i = 0; i < count; i++) {
            if (!isalnum((unsigned char)label[i]) && !strchr("-_", label[i]))
                return "names a host that holds more than letters, digits, -, _ and .";
        }
        if (is_last)
            return NULL;
        label += count + 1;
    }
}

static const char *read_host(struct conf_upstream *upstream, char *text, struct store *store)
{
    unsigned char bytes[16];
    unsigned port = HTTP_PORT;
    bool has_brackets = *text == '[';
    const char *fault = split_host(text, &upstream->host, &port);

    if (fault)
        return fault;
    enum literal literal = literal_read(upstream->host, bytes);
    upstream->is_literal = literal != LITERAL_NONE;
    upstream->is_ipv6 = literal == LITERAL_IPV6;
    if (has_brackets && !upstream->is_ipv6)
        return "has something other than an IPv6 address in brackets";
    if (literal == LITERAL_NONE)
        fault = name_of_host_fault(upstream->host);
    if (port == 0)
        return "needs a port from 1 to 65535";
    upstream->port = (uint16_t)port;
    upstream->authority =
        store_print(store, has_brackets ? "[%s]:%u" : "%s:%u", upstream->host, port);
    if (port == HTTP_PORT)
        *strrchr(upstream->authority, ':') = '\0';
    return fault;
}

const char *set_url(void *field, const char *text, struct store *store)
{
    struct conf_upstream *upstream = field;

    if (strncmp(text, "unix:", strlen("unix:")) == 0) {
        upstream->path = store_string(store, text + strlen("unix:"));
        upstream->authority = store_string(store, "localhost");
        return unix_path_fault(upstream->path);
    }
    if (strncasecmp(text, "https://", strlen("https://")) == 0)
        return "with https is not supported yet";
    if (strncasecmp(text, "http://", strlen("http://")) != 0)
        return "must be http://host:port or unix:/path";
    const char *host = text + strlen("http://");
    if (strpbrk(host, ", \t"))
        return "takes one address: write an [upstream NAME] for each";
    if (strpbrk(host, "/?#"))
        return "must end after host and port: a path belongs into the request of a call";
    if (strchr(host, '@'))
        return "may not hold a user or password";
    return read_host(upstream, store_string(store, host), store);
}

/* As a request line may hold it (RFC 9112 section 3.2), without a query. */
static const char *collector_path_fault(const char *path)
{
    for (; *path; path++) {
        if (*path <= ' ' || *path > '~' || strchr("\"<>\\^`{|}", *path))
            return "has a path with a character that may not stand there";
    }
    return NULL;
}

const char *set_trace_export(void *field, const char *text, struct store *store)
{
    static const char scheme[] = "http://";
    struct conf_collector *collector = field;
    const char *path = NULL;

    *collector = (struct conf_collector){.at = NULL};
    if (strcmp(text, "off") == 0)
        return NULL;
    if (strpbrk(text, "?#"))
        return "may not hold ? or #";
    if (strncasecmp(text, scheme, strlen(scheme)) == 0)
        path = strchr(text + strlen(scheme), '/');
    else if (strncmp(text, "unix:", strlen("unix:")) != 0 &&
             strncasecmp(text, "https://", strlen("https://")) != 0)
        return "must be off, http://host:port or unix:/path";
    struct conf_upstream *upstream = store_take(store, sizeof *upstream);
    const char *fault =
        set_url(upstream, path ? store_copy(store, text, (size_t)(path - text)) : text, store);
    if (fault)
        return fault;
    upstream->name = store_string(store, "trace-export");
    upstream->connect = COLLECTOR_CONNECT;
    upstream->connections = 1;
    collector->at = upstream;
    collector->path = store_string(store, path && path[1] ? path : "/v1/traces");
    return collector_path_fault(collector->path);
}
