#include "proxy/attempt.h"

#include <assert.h>
#include <curl/curl.h>
#include <string.h>

#include "proxy/attempt_bytes.h"
#include "proxy/curl_loop.h"
#include "proxy/curl_sockets.h"
#include "proxy/http1_chunked.h"

void attempt_init(struct attempt *attempt, const struct attempt_place *place,
                  const struct attempt_events *events, void *owner)
{
    *attempt = (struct attempt){
        .loop = place->loop,
        .handles = place->handles,
        .pool = place->pool,
        .random = place->random,
        .events = events,
        .owner = owner,
        .body = CHAIN_EMPTY,
        .upload = CHAIN_EMPTY,
        .fd = -1,
    };
    response_init(&attempt->response, place->arena);
}

/* ---- the start -------------------------------------------------------------------------------- */

/* What libcurl must be kept from adding, behind each request's own headers: it expects an answer
 * before a body, and accepts anything. */
static struct curl_slist *suppressed(enum handle_kind kind)
{
    static char accept[] = "Accept:", expect[] = "Expect:";
    static struct curl_slist without_body = {accept, NULL}, with_body = {expect, &without_body};

    return kind == HANDLE_UPLOAD ? &with_body : &without_body;
}

static void set_method(struct handle *handle, struct text method)
{
    assert(method.count < sizeof handle->method);
    if (handle->kind == HANDLE_HEAD || text_is(text_of(handle->method), method))
        return;
    memcpy(handle->method, method.at, method.count);
    handle->method[method.count] = '\0';
    curl_easy_setopt(handle->easy, CURLOPT_CUSTOMREQUEST, handle->method);
}

/* All headers stand in one node, joined by CRLF: libcurl prints a node byte by byte, so each further
 * node costs more than its bytes. They were checked; libcurl does not look again. It would take a Host
 * in front of them for its own, copy it and print it twice: the node before says that it adds none. */
static struct curl_slist *header_nodes(struct attempt *attempt, struct curl_slist nodes[2])
{
    static char host[] = "Host:";

    nodes[0] = (struct curl_slist){.data = host, .next = &nodes[1]};
    nodes[1] = (struct curl_slist){.data = attempt->order->block,
                                   .next = suppressed(attempt->order->kind)};
    return nodes;
}

void attempt_start(struct attempt *attempt, const struct attempt_order *order,
                   const struct attempt_way *way)
{
    struct handle *handle =
        handles_take(attempt->handles, order->kind, way->address, way->generation);
    struct curl_slist *nodes = arena_take(attempt->response.arena, 2 * sizeof(struct curl_slist));

    attempt->order = order;
    attempt->due = way->due;
    attempt->handle = handle;
    handle->attempt = attempt;
    set_method(handle, order->method);
    curl_easy_setopt(handle->easy, CURLOPT_REQUEST_TARGET, order->target);
    curl_easy_setopt(handle->easy, CURLOPT_HTTPHEADER, header_nodes(attempt, nodes));
    if (order->kind == HANDLE_UPLOAD)
        curl_easy_setopt(handle->easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)order->upload_length);
    curl_loop_add(attempt->loop, attempt);
}

/* ---- the news --------------------------------------------------------------------------------- */

enum { TOO_LARGE = 100 }; /* CURLE_TOO_LARGE, which libcurl 7.88 has no name for */

/* What libcurl itself does not take of a response. A line of the head that is longer than it takes is
 * lack of memory to 7.88; of that itself there is none (memory.h). */
static enum response_fault fault_of(int code)
{
    switch (code) {
    case CURLE_UNSUPPORTED_PROTOCOL: /* to libcurl this is HTTP/0.9 */
        return FAULT_STATUS_LINE;
    case CURLE_BAD_CONTENT_ENCODING:
        return FAULT_ENCODING;
    case CURLE_WEIRD_SERVER_REPLY:
        return FAULT_HEAD;
    case CURLE_OUT_OF_MEMORY:
    case TOO_LARGE:
        return FAULT_HEAD_SIZE;
    default:
        return FAULT_NONE;
    }
}

static enum call_outcome outcome_of(const struct attempt *attempt)
{
    if (attempt->response.fault != FAULT_NONE)
        return CALL_INVALID;
    if (attempt->is_expired)
        return CALL_UNSENT;
    switch ((CURLcode)attempt->code) {
    case CURLE_OK:
        return attempt->response.progress == RESPONSE_DONE && attempt_is_whole(attempt)
                   ? CALL_OK
                   : CALL_BROKEN;
    case CURLE_COULDNT_CONNECT:
    case CURLE_COULDNT_RESOLVE_HOST:
        return CALL_REFUSED;
    case CURLE_OPERATION_TIMEDOUT:
        return attempt->sends > 0 ? CALL_TIMEOUT : CALL_CONNECT_TIMEOUT;
    default:
        return CALL_BROKEN;
    }
}

/* A handle that was sent with twice counts that for ever, and one that failed may hold more that
 * only a fresh one is free of. */
static bool is_worn(const struct attempt *attempt)
{
    return attempt->sends > 1 || attempt->code != CURLE_OK || attempt->is_tainted;
}

static void part(struct attempt *attempt)
{
    curl_loop_forget(attempt->loop, attempt);
    attempt->handle = NULL;
    attempt->news = 0;
    http1_chunked_destroy(attempt->chunked, attempt->pool);
    attempt->chunked = NULL;
}

static void let_go(struct attempt *attempt)
{
    struct handle *handle = attempt->handle;

    handle->attempt = NULL; /* libcurl calls back while it lets go: none of that is news */
    curl_loop_remove(attempt->loop, attempt);
    part(attempt);
    handles_give(attempt->handles, handle, is_worn(attempt));
}

static void abandon(struct attempt *attempt)
{
    struct handle *handle = attempt->handle;

    part(attempt);
    orphans_take(&attempt->handles->orphans, handle, is_worn(attempt));
}

static void end(struct attempt *attempt, struct instant now)
{
    if (attempt->response.fault == FAULT_NONE)
        attempt->response.fault = fault_of(attempt->code);
    enum call_outcome outcome = outcome_of(attempt);

    let_go(attempt);
    attempt->events->on_end(attempt->owner, outcome, now);
}

/* libcurl takes the state of both directions at once. */
static void unpause(struct attempt *attempt)
{
    int state = (attempt->is_down_paused ? CURLPAUSE_RECV : 0) |
                (attempt->is_up_paused ? CURLPAUSE_SEND : 0);

    CURLcode code = curl_easy_pause(attempt->handle->easy, state);
    if (code != CURLE_OK) /* what it held back was delivered at once, and was wrong */
        attempt_note_end(attempt, (int)code);
}

void attempt_go_on(struct attempt *attempt)
{
    attempt->is_down_paused = attempt->is_down_paused && !attempt->is_down_wanted;
    attempt->is_up_paused = attempt->is_up_paused && !attempt->is_up_wanted;
    attempt->is_down_wanted = attempt->is_up_wanted = false;
    unpause(attempt);
}

/* An answer that was there at once is read before libcurl asks for its socket. Paused then, it would
 * not ask at all, and a kept connection would go on being watched as idle: what comes on it would be
 * thrown away. So it goes on with what it has read already, and asks. */
static void catch_up(struct attempt *attempt)
{
    attempt->is_catching_up = true;
    attempt->is_down_paused = false;
    unpause(attempt);
    attempt->is_catching_up = false;
}

/* The attempt may be gone when an event returns: what is left to tell stays in the loop's list. */
void attempt_deliver(struct attempt *attempt, struct instant now)
{
    unsigned news;

    if (attempt->is_down_paused && !attempt->is_watched)
        catch_up(attempt);
    news = attempt->news & (0U - attempt->news); /* the lowest bit: the first in order */
    attempt->news &= ~news;
    if (attempt->news == 0)
        curl_loop_untouch(attempt->loop, attempt);
    switch (news) {
    case NEWS_HEAD:
        attempt->events->on_head(attempt->owner, now);
        break;
    case NEWS_BODY:
        attempt->events->on_body(attempt->owner, now);
        break;
    case NEWS_ROOM:
        attempt->events->on_room(attempt->owner, now);
        break;
    case NEWS_END:
        end(attempt, now);
        break;
    default:
        break;
    }
}

/* ---- asked by the call ------------------------------------------------------------------------ */

void attempt_cancel(struct attempt *attempt)
{
    if (attempt->handle && attempt->is_starting)
        let_go(attempt);
    else if (attempt->handle)
        abandon(attempt);
    chain_clear(&attempt->upload, attempt->pool);
    chain_clear(&attempt->body, attempt->pool);
    http1_chunked_destroy(attempt->chunked, attempt->pool);
    attempt->chunked = NULL;
}

void attempt_rewind(struct attempt *attempt)
{
    assert(attempt->sends == 0 && attempt->response.progress == RESPONSE_NONE);
    if (attempt->handle)
        let_go(attempt);
    attempt->code = 0;
    attempt->is_up_paused = attempt->is_up_wanted = false;
}

static void resume_upload(struct attempt *attempt)
{
    if (!attempt->handle || !attempt->is_up_paused)
        return;
    attempt->is_up_wanted = true;
    curl_loop_resume(attempt->loop, attempt);
}

void attempt_upload(struct attempt *attempt, const char *bytes, size_t count)
{
    chain_append(&attempt->upload, attempt->pool, bytes, count);
    resume_upload(attempt);
}

void attempt_upload_end(struct attempt *attempt)
{
    attempt->is_upload_ended = true;
    resume_upload(attempt);
}

void attempt_resume(struct attempt *attempt)
{
    if (!attempt->handle || !attempt->is_down_paused || attempt->body.count > ATTEMPT_WINDOW / 2)
        return;
    attempt->is_down_wanted = true;
    curl_loop_resume(attempt->loop, attempt);
}

bool attempt_brings_more(const struct attempt *attempt)
{
    return (attempt->news & ~(unsigned)NEWS_ROOM) != 0;
}

bool attempt_is_sent(const struct attempt *attempt)
{
    return attempt->sends > 0;
}

bool attempt_has_unread(const struct attempt *attempt)
{
    return attempt->handle && (attempt_brings_more(attempt) ||
                               (attempt->fd >= 0 && curl_sockets_has_unread(attempt->fd)));
}
