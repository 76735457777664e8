#include "proxy/handles.h"

#include <assert.h>
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>

#include "proxy/attempt_bytes.h"
#include "proxy/chain.h"
#include "proxy/curl_loop.h"
#include "proxy/memory.h"

enum { UPLOAD_BUFFER = 65536 };

void handles_init(struct handles *handles, struct event_base *base, struct curl_loop *loop,
                  const struct conf_upstream *conf)
{
    *handles = (struct handles){.loop = loop, .conf = conf};
    orphans_init(&handles->orphans, base, handles);
    shards_init(&handles->shards, loop, conf->connections);
}

static void handle_destroy(struct handle *handle)
{
    curl_easy_cleanup(handle->easy);
    curl_url_cleanup(handle->url);
    free(handle);
}

void handles_finish(struct handles *handles)
{
    orphans_finish(&handles->orphans);
    for (int kind = 0; kind < HANDLE_KINDS; kind++) {
        for (struct handle *next, *handle = handles->free[kind]; handle; handle = next) {
            next = handle->next;
            handle_destroy(handle);
        }
        handles->free[kind] = NULL;
    }
    shards_finish(&handles->shards);
}

/* Connections are found again by the host of the URL: each unix socket has a name of its own. */
static void set_host(struct handle *handle, const struct conf_upstream *conf, const char *address)
{
    char host[128];
    bool is_ipv6 = address && strchr(address, ':');

    if (address)
        snprintf(host, sizeof host, is_ipv6 ? "[%s]" : "%s", address);
    else
        snprintf(host, sizeof host, "%s.unix.invalid", conf->name);
    CURLUcode code = curl_url_set(handle->url, CURLUPART_HOST, host, 0);
    assert(code == CURLUE_OK);
}

static void *url_create(const struct conf_upstream *conf)
{
    CURLU *url = curl_url();
    char port[8];

    assert(url);
    snprintf(port, sizeof port, "%u", conf->path ? 80u : (unsigned)conf->port);
    curl_url_set(url, CURLUPART_SCHEME, "http", 0);
    curl_url_set(url, CURLUPART_HOST, "unset.invalid", 0);
    curl_url_set(url, CURLUPART_PORT, port, 0);
    curl_url_set(url, CURLUPART_PATH, "/", 0);
    return url;
}

/* What holds for every request. No timeout of libcurl's is used for budgets; none of its ways to
 * find a proxy, a name, a cookie or another place to go is left open. */
static void set_always(CURL *easy)
{
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, (long)chain_segment_bytes());
    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
    curl_easy_setopt(easy, CURLOPT_NOPROXY, "*"); /* no proxy of the environment's either */
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http");
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_HTTP09_ALLOWED, 0L);
    curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(easy, CURLOPT_DNS_CACHE_TIMEOUT, -1L);
    curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, (long)CONNECTION_AGE_S);
    curl_easy_setopt(easy, CURLOPT_TRANSFER_ENCODING, 0L);
    curl_easy_setopt(easy, CURLOPT_HTTP_TRANSFER_DECODING, 0L); /* attempt_bytes.c decodes */
}

/* No TLS is spoken: the files of certificates that libcurl has by default would only be named anew,
 * in a copy, for each request. */
static void set_no_certificates(CURL *easy)
{
    curl_easy_setopt(easy, CURLOPT_CAINFO, NULL);
    curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
    curl_easy_setopt(easy, CURLOPT_PROXY_CAINFO, NULL);
    curl_easy_setopt(easy, CURLOPT_PROXY_CAPATH, NULL);
}

static void set_kind(CURL *easy, enum handle_kind kind)
{
    switch (kind) {
    case HANDLE_HEAD:
        curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
        break;
    case HANDLE_UPLOAD:
        curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
        curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, (long)UPLOAD_BUFFER);
        break;
    case HANDLE_PLAIN:
    case HANDLE_KINDS:
        curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
        break;
    }
}

static struct handle *handle_create(const struct handles *handles, enum handle_kind kind)
{
    struct handle *handle = memory_take_clear(1, sizeof *handle);

    handle->easy = curl_easy_init();
    handle->url = url_create(handles->conf);
    assert(handle->easy);
    handle->kind = kind;
    set_always(handle->easy);
    set_no_certificates(handle->easy);
    set_kind(handle->easy, kind);
    if (handles->conf->path)
        curl_easy_setopt(handle->easy, CURLOPT_UNIX_SOCKET_PATH, handles->conf->path);
    curl_easy_setopt(handle->easy, CURLOPT_CURLU, handle->url);
    curl_easy_setopt(handle->easy, CURLOPT_PRIVATE, handle);
    curl_loop_bind(handles->loop, handle->easy);
    attempt_bind(handle);
    return handle;
}

struct handle *handles_take(struct handles *handles, enum handle_kind kind, const char *address,
                            unsigned generation)
{
    struct handle *handle = handles->free[kind];
    bool is_new = !handle;

    if (is_new)
        handle = handle_create(handles, kind);
    else
        handles->free[kind] = handle->next;
    if (is_new || handle->generation != generation)
        set_host(handle, handles->conf, address);
    handle->generation = generation;
    handle->next = NULL;
    return handle;
}

struct handle *handle_of(void *easy)
{
    char *private = NULL;

    curl_easy_getinfo(easy, CURLINFO_PRIVATE, &private);
    return (struct handle *)(void *)private;
}

void handle_pass_on(struct handle *handle, struct attempt *attempt)
{
    handle->attempt = attempt;
    curl_easy_setopt(handle->easy, CURLOPT_HTTPHEADER, NULL);
}

void handle_let_go(struct handle *handle)
{
    handle_pass_on(handle, NULL);
    curl_easy_setopt(handle->easy, CURLOPT_FORBID_REUSE, 1L);
    handle->is_let_go = true;
}

void handles_give(struct handles *handles, struct handle *handle, bool is_worn)
{
    handle->attempt = NULL;
    if (is_worn) {
        handle_destroy(handle);
        return;
    }
    if (handle->is_let_go)
        curl_easy_setopt(handle->easy, CURLOPT_FORBID_REUSE, 0L);
    handle->is_let_go = false;
    handle->next = handles->free[handle->kind];
    handles->free[handle->kind] = handle;
}
