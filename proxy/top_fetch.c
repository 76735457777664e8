#include "proxy/top_fetch.h"

#include <assert.h>
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/memory.h"

enum {
    CONNECT_MS = 2000,
    WHOLE_MS = 5000,
    BODY_MAX = 64 << 20, /* of thousands of routes; more is no page of ours */
    URL_ROOM = 512,
    FAULT_ROOM = 512,
};

struct top_fetch {
    const struct conf_address *address; /* borrowed */
    bool (*gives_up)(void);
    CURL *easy; /* owned: keeps the connection */
    char *body; /* owned */
    size_t count;
    size_t room;
    char fault[FAULT_ROOM];
};

/* 0 ends the transfer. */
static size_t on_body(char *bytes, size_t size, size_t count, void *arg)
{
    struct top_fetch *fetch = arg;
    size_t wanted = fetch->count + size * count;

    if (wanted > BODY_MAX)
        return 0;
    if (wanted > fetch->room) {
        fetch->room = 2 * wanted;
        fetch->body = memory_resize(fetch->body, fetch->room);
    }
    memcpy(fetch->body + fetch->count, bytes, size * count);
    fetch->count = wanted;
    return size * count;
}

static int on_progress(void *arg, curl_off_t down_all, curl_off_t down, curl_off_t up_all,
                       curl_off_t up)
{
    const struct top_fetch *fetch = arg;

    (void)down_all, (void)down, (void)up_all, (void)up;
    return fetch->gives_up && fetch->gives_up();
}

static void set(CURLcode code)
{
    assert(code == CURLE_OK);
}

/* Of the environment nothing counts, no proxy either. */
static void set_up(struct top_fetch *fetch)
{
    CURL *easy = fetch->easy;

    set(curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body));
    set(curl_easy_setopt(easy, CURLOPT_WRITEDATA, fetch));
    set(curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, on_progress));
    set(curl_easy_setopt(easy, CURLOPT_XFERINFODATA, fetch));
    set(curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L));
    set(curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L));
    set(curl_easy_setopt(easy, CURLOPT_PROXY, ""));
    set(curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http"));
    set(curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS));
    set(curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)WHOLE_MS));
    if (fetch->address->path)
        set(curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, fetch->address->path));
}

struct top_fetch *top_fetch_create(const struct conf_address *address, bool (*gives_up)(void))
{
    struct top_fetch *fetch = memory_take_clear(1, sizeof *fetch);

    fetch->address = address;
    fetch->gives_up = gives_up;
    fetch->easy = curl_easy_init();
    if (!fetch->easy) {
        free(fetch);
        return NULL;
    }
    set_up(fetch);
    return fetch;
}

void top_fetch_destroy(struct top_fetch *fetch)
{
    if (!fetch)
        return;
    curl_easy_cleanup(fetch->easy);
    free(fetch->body);
    free(fetch);
}

static bool is_well(struct top_fetch *fetch, const char *target, CURLcode code)
{
    long status = 0;

    curl_easy_getinfo(fetch->easy, CURLINFO_RESPONSE_CODE, &status);
    if (code == CURLE_OK && status == 200)
        return true;
    if (code == CURLE_OK)
        snprintf(fetch->fault, sizeof fetch->fault, "the admin listener at %s answers %ld to %s",
                 fetch->address->text, status, target);
    else
        snprintf(fetch->fault, sizeof fetch->fault,
                 "the admin listener at %s cannot be reached: %s", fetch->address->text,
                 curl_easy_strerror(code));
    return false;
}

bool top_fetch_get(struct top_fetch *fetch, const char *target, struct text *ret_body)
{
    const char *authority = fetch->address->path ? "localhost" : fetch->address->text;
    char url[URL_ROOM];

    snprintf(url, sizeof url, "http://%s%s", authority, target);
    set(curl_easy_setopt(fetch->easy, CURLOPT_URL, url));
    fetch->count = 0;
    CURLcode code = curl_easy_perform(fetch->easy);
    *ret_body = (struct text){.at = fetch->body, .count = fetch->count};
    return is_well(fetch, target, code);
}

const char *top_fetch_fault(const struct top_fetch *fetch)
{
    return fetch->fault;
}
