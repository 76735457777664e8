#include "proxy/curl_sockets.h"

#include <curl/curl.h>
#include <event2/event.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proxy/attempt.h"
#include "proxy/attempt_bytes.h"
#include "proxy/handles.h"
#include "proxy/leftovers.h"
#include "proxy/shard.h"
#include "proxy/watches.h"

/* ---- the end of a response ------------------------------------------------------------------ */

/* The next request may take this connection before the loop looks at the socket again. */
static void refuse_leftovers(struct watch *watch, evutil_socket_t fd, struct attempt *attempt)
{
    int64_t response_bytes = attempt_bytes_down(attempt);

    attempt->is_settled = response_bytes >= 0;
    if (leftovers_are_there(fd, response_bytes, &watch->used))
        shutdown(fd, SHUT_RDWR);
}

static void note_connected(struct watch *watch, struct shard *shard)
{
    watch->owner = shard;
    shard->connections += !watch->was_connected;
    watch->was_connected = true;
}

/* If libcurl asks for it already, then for another request. */
void curl_sockets_settle(struct shard *shard, void *easy, struct attempt *attempt)
{
    curl_socket_t fd = CURL_SOCKET_BAD;

    if (attempt->is_settled)
        return;
    curl_easy_getinfo(easy, CURLINFO_ACTIVESOCKET, &fd);
    struct watch *watch = watches_find(shard->watches, fd);
    if (!watch || (!watch->is_idle && watch_is_set(watch)))
        return;
    note_connected(watch, shard);
    watch->is_idle = true;
    if (!watch_set(watch, true, false))
        shutdown(fd, SHUT_RDWR);
    refuse_leftovers(watch, fd, attempt);
}

bool curl_sockets_has_unread(int fd)
{
    char byte;

    return recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

/* ---- libcurl asks --------------------------------------------------------------------------- */

/* Nothing would be heard of this socket: nobody may wait for it, now or later. libcurl may not be
 * told, since it would give up all transfers. */
static void give_up_socket(struct watch *watch, evutil_socket_t fd, struct attempt *attempt)
{
    if (watch->is_idle)
        shutdown(fd, SHUT_RDWR);
    else if (attempt)
        attempt_note_end(attempt,
                         attempt_is_sent(attempt) ? CURLE_RECV_ERROR : CURLE_COULDNT_CONNECT);
}

/* NULL when nobody uses the handle, and for those that libcurl has of its own. */
static struct attempt *attempt_of(CURL *easy)
{
    const struct handle *handle = handle_of(easy);

    return handle ? handle->attempt : NULL;
}

/* libcurl asks for a socket to be watched. When it asks for nothing any more because a transfer
 * has ended, the socket stays registered; when because the transfer is paused, only until something
 * comes, since what lies there unread would wake the loop for ever; and not at all when it was never
 * connected, since libcurl has then closed it already, without a call to curl_closes_socket. */
static int curl_wants_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *unused)
{
    struct shard *shard = arg;
    struct watch *watch = watches_find(shard->watches, fd);
    struct attempt *attempt = attempt_of(easy);

    (void)unused;
    if (!watch)
        return 0;
    bool is_reading = what == CURL_POLL_IN || what == CURL_POLL_INOUT;
    bool is_writing = what == CURL_POLL_OUT || what == CURL_POLL_INOUT;
    bool is_paused = attempt && attempt_is_paused(attempt);

    watch->owner = shard;
    if (is_reading)
        note_connected(watch, shard);
    watch->is_idle = what == CURL_POLL_REMOVE && !is_paused && watch->was_connected;
    if (watch->is_idle && attempt)
        refuse_leftovers(watch, fd, attempt);
    if (watch->is_idle && shard->watches->is_busy)
        watch_cork(watch);
    else if (is_reading)
        watch_note_sent(watch);
    if (what == CURL_POLL_REMOVE && is_paused)
        watch_hold(watch);
    else if (!watch_set(watch, is_reading || watch->is_idle, is_writing))
        give_up_socket(watch, fd, attempt);
    if (attempt)
        attempt->fd = is_reading ? fd : -1;
    if (attempt && is_reading)
        attempt->is_watched = true;
    else if (attempt && !is_paused)
        attempt_note_read_out(attempt);
    return 0;
}

static curl_socket_t curl_opens_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *at)
{
    int fd = socket(at->family, at->socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, at->protocol);

    (void)purpose;
    if (fd < 0)
        return CURL_SOCKET_BAD;
    watches_open(arg, fd, at->family != AF_UNIX);
    return fd;
}

/* The last that is heard of a socket: nothing may stay registered under its number. */
static int curl_closes_socket(void *arg, curl_socket_t fd)
{
    const struct watch *watch = watches_find(arg, fd);

    if (watch && watch->was_connected)
        shard_note_closed(watch->owner, watch->is_dead);
    watches_close(arg, fd);
    leftovers_drop(fd);
    return close(fd);
}

/* ---- who asks --------------------------------------------------------------------------------- */

void curl_sockets_bind(struct watches *watches, void *easy)
{
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, curl_opens_socket);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, watches);
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, curl_closes_socket);
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, watches);
}

void curl_sockets_adopt(struct watches *watches, struct shard *shard)
{
    shard->watches = watches;
    curl_multi_setopt(shard->multi, CURLMOPT_SOCKETFUNCTION, curl_wants_socket);
    curl_multi_setopt(shard->multi, CURLMOPT_SOCKETDATA, shard);
}
