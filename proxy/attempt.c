#include "proxy/attempt.h"

#include <assert.h>
#include <curl/curl.h>
#include <string.h>

#include "proxy/clock.h"
#include "proxy/curl_loop.h"
#include "proxy/http1_chunked.h"
#include "proxy/tell.h"

enum news { NEWS_HEAD = 1, NEWS_BODY = 2, NEWS_ROOM = 4, NEWS_END = 8 };

static void note(struct attempt *attempt, enum news news)
{
    attempt->news |= news;
    curl_loop_touch(attempt->loop, attempt);
}

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
    };
    response_init(&attempt->response, place->arena);
}

/* ---- the start -------------------------------------------------------------------------------- */

/* What libcurl must be kept from adding. One list for all requests, behind each one's own. */
static struct curl_slist *suppressed(void)
{
    static char content_type[] = "Content-Type:", accept[] = "Accept:", expect[] = "Expect:";
    static struct curl_slist last = {content_type, NULL}, middle = {accept, &last},
                             first = {expect, &middle};

    return &first;
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

/* All headers but Host stand in one node, joined by CRLF: libcurl prints a node byte by byte, so
 * each further node costs more than its bytes. They were checked; libcurl does not look again. */
static struct curl_slist *header_nodes(struct attempt *attempt, struct curl_slist nodes[2])
{
    union {
        const char *borrowed;
        char *lent; /* libcurl's list is not const, though it is only read */
    } host = {.borrowed = attempt->order->host};

    nodes[0] = (struct curl_slist){.data = host.lent, .next = &nodes[1]};
    nodes[1] = (struct curl_slist){.data = attempt->order->block, .next = suppressed()};
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
    curl_loop_add(attempt->loop, handle->easy);
}

/* ---- libcurl's callbacks: they copy and note, no more ----------------------------------------- */

/* The connection is there and the request goes out now: for the first time, or again, since
 * libcurl by itself sends any request a second time when a kept connection turns out to be dead. */
static int on_request_ready(void *arg, char *to, char *from, int to_port, int from_port)
{
    struct attempt *attempt = ((struct handle *)arg)->attempt;

    (void)to, (void)from, (void)to_port, (void)from_port;
    if (attempt->sends > 0 && (!attempt->order->may_resend || attempt->sends > 1))
        return CURL_PREREQFUNC_ABORT;
    if (!tell_write(attempt, clock_now())) {
        attempt->is_expired = true;
        return CURL_PREREQFUNC_ABORT;
    }
    attempt->sends++;
    return CURL_PREREQFUNC_OK;
}

static size_t on_header_line(char *bytes, size_t one, size_t count, void *arg)
{
    struct attempt *attempt = ((struct handle *)arg)->attempt;
    bool was_done = attempt->response.progress == RESPONSE_DONE;

    (void)one;
    if (!response_take(&attempt->response, (struct text){.at = bytes, .count = count})) {
        attempt->is_invalid = true;
        return 0;
    }
    if (!was_done && attempt->response.progress == RESPONSE_DONE)
        note(attempt, NEWS_HEAD);
    return count;
}

/* Chunks are decoded here, not by libcurl: it takes line ends and sizes that others read otherwise,
 * and while an upload goes on it does not say whether the response has come to its end or only the
 * connection has. */
static bool take_chunks(struct attempt *attempt, struct text bytes)
{
    struct text piece;
    enum chunked_result result;

    if (!attempt->chunked)
        attempt->chunked = http1_chunked_create(attempt->pool, RESPONSE_BYTES_MAX);
    while ((result = http1_chunked_next(attempt->chunked, &bytes, SIZE_MAX, &piece)) ==
           CHUNKED_PIECE)
        chain_append(&attempt->body, attempt->pool, piece.at, piece.count);
    attempt->is_body_whole = result == CHUNKED_END;
    if (attempt->is_body_whole && bytes.count > 0) {
        /* Nobody asked for these bytes; what may follow them must not meet the next request. */
        curl_easy_setopt(attempt->handle->easy, CURLOPT_FORBID_REUSE, 1L);
        attempt->is_tainted = true;
    }
    attempt->is_invalid = result == CHUNKED_INVALID;
    return !attempt->is_invalid;
}

/* Is all of the response there that its own head has announced? */
static bool is_whole(const struct attempt *attempt)
{
    const struct response *response = &attempt->response;

    if (!response_has_body(response->status, attempt->order->kind == HANDLE_HEAD))
        return true;
    if (response->is_chunked)
        return attempt->is_body_whole;
    return response->length == LENGTH_UNKNOWN || attempt->received >= (uint64_t)response->length;
}

/* Each line of the head comes here, in pieces when it is long, before libcurl stores it and before
 * on_header_line. A folded line must not be stored: libcurl 7.88 joins it to the header line before
 * it, and where a head begins with one, that is a line of an earlier response, whose memory was
 * given back. */
static bool may_be_stored(struct attempt *attempt, struct text bytes)
{
    bool is_folded = !attempt->is_within_line && (bytes.at[0] == ' ' || bytes.at[0] == '\t');

    attempt->is_within_line = bytes.at[bytes.count - 1] != '\n';
    attempt->is_invalid = attempt->is_invalid || is_folded;
    return !is_folded;
}

static size_t on_body_bytes(char *bytes, size_t one, size_t count, void *arg)
{
    struct attempt *attempt = ((struct handle *)arg)->attempt;

    (void)one;
    if (attempt->response.progress != RESPONSE_DONE)
        return may_be_stored(attempt, (struct text){.at = bytes, .count = count}) ? count : 0;
    note(attempt, NEWS_BODY);
    if (attempt->body.count > 0 && attempt->body.count + count > ATTEMPT_WINDOW) {
        attempt->is_down_paused = true;
        return CURL_WRITEFUNC_PAUSE;
    }
    attempt->received += count;
    if (attempt->response.is_chunked)
        return take_chunks(attempt, (struct text){.at = bytes, .count = count}) ? count : 0;
    chain_append(&attempt->body, attempt->pool, bytes, count);
    return count;
}

static size_t on_upload_wanted(char *to, size_t one, size_t count, void *arg)
{
    struct attempt *attempt = ((struct handle *)arg)->attempt;
    size_t taken = chain_take(&attempt->upload, attempt->pool, to, count * one);

    if (taken > 0) {
        attempt->went_up += taken;
        note(attempt, NEWS_ROOM);
    } else if (attempt->is_upload_ended) {
        attempt->is_upload_sent = true;
    } else {
        attempt->is_up_paused = true;
        return CURL_READFUNC_PAUSE;
    }
    return taken;
}

void attempt_bind(struct handle *handle)
{
    curl_easy_setopt(handle->easy, CURLOPT_PREREQFUNCTION, on_request_ready);
    curl_easy_setopt(handle->easy, CURLOPT_PREREQDATA, handle);
    curl_easy_setopt(handle->easy, CURLOPT_HEADERFUNCTION, on_header_line);
    curl_easy_setopt(handle->easy, CURLOPT_HEADERDATA, handle);
    curl_easy_setopt(handle->easy, CURLOPT_HEADER, 1L); /* to on_body_bytes too, and there first */
    curl_easy_setopt(handle->easy, CURLOPT_WRITEFUNCTION, on_body_bytes);
    curl_easy_setopt(handle->easy, CURLOPT_WRITEDATA, handle);
    curl_easy_setopt(handle->easy, CURLOPT_READFUNCTION, on_upload_wanted);
    curl_easy_setopt(handle->easy, CURLOPT_READDATA, handle);
}

void attempt_note_end(struct attempt *attempt, int code)
{
    attempt->code = code;
    note(attempt, NEWS_END);
}

/* libcurl reads no more although the transfer goes on: the response is complete before the upload
 * is. libcurl would wait for the rest of the upload; nobody else does. */
void attempt_note_read_out(struct attempt *attempt)
{
    bool is_uploading = attempt->order->kind == HANDLE_UPLOAD && !attempt->is_upload_sent;

    if (!is_uploading || attempt->response.progress != RESPONSE_DONE)
        return;
    attempt->code = is_whole(attempt) ? CURLE_OK : CURLE_PARTIAL_FILE;
    note(attempt, NEWS_END);
}

int64_t attempt_bytes_down(const struct attempt *attempt)
{
    long head = 0;

    if (attempt->response.progress != RESPONSE_DONE || !is_whole(attempt))
        return -1;
    curl_easy_getinfo(attempt->handle->easy, CURLINFO_HEADER_SIZE, &head);
    return head + (int64_t)attempt->received;
}

bool attempt_is_paused(const struct attempt *attempt)
{
    return attempt->is_down_paused;
}

/* ---- the news --------------------------------------------------------------------------------- */

static enum call_outcome outcome_of(const struct attempt *attempt)
{
    if (attempt->is_invalid)
        return CALL_INVALID;
    if (attempt->is_expired)
        return CALL_UNSENT;
    switch ((CURLcode)attempt->code) {
    case CURLE_OK:
        return attempt->response.progress == RESPONSE_DONE && is_whole(attempt) ? CALL_OK
                                                                                : CALL_BROKEN;
    case CURLE_COULDNT_CONNECT:
    case CURLE_COULDNT_RESOLVE_HOST:
        return CALL_REFUSED;
    case CURLE_OPERATION_TIMEDOUT:
        return attempt->sends > 0 ? CALL_TIMEOUT : CALL_CONNECT_TIMEOUT;
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_BAD_CONTENT_ENCODING:
        return CALL_INVALID;
    default:
        return CALL_BROKEN;
    }
}

/* A handle that was sent with twice counts that for ever, and one that failed may hold more that
 * only a fresh one is free of. */
static void let_go(struct attempt *attempt)
{
    struct handle *handle = attempt->handle;
    bool is_worn = attempt->sends > 1 || attempt->code != CURLE_OK || attempt->is_tainted;

    handle->attempt = NULL; /* libcurl calls back while it lets go: none of that is news */
    curl_loop_remove(attempt->loop, handle->easy);
    curl_loop_untouch(attempt->loop, attempt);
    handles_give(attempt->handles, handle, is_worn);
    attempt->handle = NULL;
    attempt->news = 0;
    http1_chunked_destroy(attempt->chunked, attempt->pool);
    attempt->chunked = NULL;
}

static void end(struct attempt *attempt, struct instant now)
{
    enum call_outcome outcome = outcome_of(attempt);

    let_go(attempt);
    attempt->events->on_end(attempt->owner, outcome, now);
}

/* The attempt may be gone when an event returns: what is left to tell stays in the loop's list. */
void attempt_deliver(struct attempt *attempt, struct instant now)
{
    unsigned news = attempt->news & (0U - attempt->news); /* the lowest bit: the first in order */

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
    if (attempt->handle)
        let_go(attempt);
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
    attempt->is_up_paused = false;
}

/* libcurl takes the state of both directions at once. */
static void unpause(struct attempt *attempt)
{
    int state = (attempt->is_down_paused ? CURLPAUSE_RECV : 0) |
                (attempt->is_up_paused ? CURLPAUSE_SEND : 0);

    CURLcode code = curl_easy_pause(attempt->handle->easy, state);
    if (code != CURLE_OK) /* what it held back was delivered at once, and was wrong */
        attempt_note_end(attempt, (int)code);
    curl_loop_kick(attempt->loop);
}

void attempt_upload(struct attempt *attempt, const char *bytes, size_t count)
{
    chain_append(&attempt->upload, attempt->pool, bytes, count);
    if (!attempt->handle || !attempt->is_up_paused)
        return;
    attempt->is_up_paused = false;
    unpause(attempt);
}

void attempt_upload_end(struct attempt *attempt)
{
    attempt->is_upload_ended = true;
    if (!attempt->handle || !attempt->is_up_paused)
        return;
    attempt->is_up_paused = false;
    unpause(attempt);
}

void attempt_resume(struct attempt *attempt)
{
    if (!attempt->handle || !attempt->is_down_paused || attempt->body.count > ATTEMPT_WINDOW / 2)
        return;
    attempt->is_down_paused = false;
    unpause(attempt);
}

bool attempt_is_sent(const struct attempt *attempt)
{
    return attempt->sends > 0;
}
