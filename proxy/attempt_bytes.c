#include "proxy/attempt_bytes.h"

#include <curl/curl.h>

#include "proxy/attempt.h"
#include "proxy/clock.h"
#include "proxy/curl_loop.h"
#include "proxy/http1_chunked.h"
#include "proxy/tell.h"
#include "proxy/trace_notes.h"

/* The callbacks of a handle that nobody uses any more, whose transfer has yet to end, have no attempt:
 * they make it fail. */

static void note(struct attempt *attempt, enum attempt_news news)
{
    attempt->news |= news;
    curl_loop_touch(attempt->loop, attempt);
}

/* The connection is there and the request goes out now: for the first time, or again, since
 * libcurl by itself sends any request a second time when a kept connection turns out to be dead. */
static int on_request_ready(void *arg, char *to, char *from, int to_port, int from_port)
{
    struct attempt *attempt = ((struct handle *)arg)->attempt;

    (void)to, (void)from, (void)to_port, (void)from_port;
    if (!attempt)
        return CURL_PREREQFUNC_ABORT;
    if (attempt->sends > 0 && (!attempt->order->may_resend || attempt->sends > 1))
        return CURL_PREREQFUNC_ABORT;
    if (attempt->note && attempt->sends > 0)
        attempt->note = trace_notes_again(attempt->note, clock_now());
    if (!tell_write(attempt, clock_now())) {
        attempt->is_expired = true;
        return CURL_PREREQFUNC_ABORT;
    }
    attempt->sends++;
    attempt->is_watched = false;
    return CURL_PREREQFUNC_OK;
}

static size_t on_header_line(char *bytes, size_t one, size_t count, void *arg)
{
    struct attempt *attempt = ((struct handle *)arg)->attempt;

    (void)one;
    if (!attempt)
        return 0;
    bool was_done = attempt->response.progress == RESPONSE_DONE;
    if (!response_take(&attempt->response, (struct text){.at = bytes, .count = count}))
        return 0;
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
    if (result == CHUNKED_INVALID)
        attempt->response.fault = FAULT_CHUNKS;
    return result != CHUNKED_INVALID;
}

static bool take_body(struct attempt *attempt, struct text piece)
{
    if (attempt->response.is_chunked)
        return take_chunks(attempt, piece);
    chain_append(&attempt->body, attempt->pool, piece.at, piece.count);
    return true;
}

/* Its own head says so, or its last chunk; where the end of the connection is its end, nothing does. */
static bool has_come_to_end(const struct attempt *attempt)
{
    int64_t length = attempt->response.length;

    return attempt->is_body_whole ||
           (length != LENGTH_UNKNOWN && attempt->received >= (uint64_t)length);
}

bool attempt_is_whole(const struct attempt *attempt)
{
    const struct response *response = &attempt->response;
    bool ends_with_connection = !response->is_chunked && response->length == LENGTH_UNKNOWN;

    return !response_has_body(response->status, attempt->order->kind == HANDLE_HEAD) ||
           ends_with_connection || has_come_to_end(attempt);
}

/* Each line of the head comes here, in pieces when it is long, before libcurl stores it and before
 * on_header_line. A folded line must not be stored: libcurl 7.88 joins it to the header line before
 * it, and where a head begins with one, that is a line of an earlier response, whose memory was
 * given back. */
static bool may_be_stored(struct attempt *attempt, struct text bytes)
{
    bool is_folded = !attempt->is_within_line && (bytes.at[0] == ' ' || bytes.at[0] == '\t');

    attempt->is_within_line = bytes.at[bytes.count - 1] != '\n';
    if (is_folded)
        attempt->response.fault = FAULT_FOLDED;
    return !is_folded;
}

/* For one more read of libcurl's? Where nothing waits there always is. */
static bool has_room(const struct attempt *attempt)
{
    size_t all = attempt->body.count + chain_segment_bytes();

    return attempt->is_catching_up || attempt->body.count == 0 ||
           (all <= ATTEMPT_WINDOW && pool_allows(attempt->pool, all));
}

/* Told so, libcurl has nothing to keep; of bytes that are refused it makes a copy, and gives them a
 * second time. It has to be told of both directions: with one left, 7.88 reads on. So this is not for
 * uploads, which go on while the client does not read; nor for libcurl 8: 8.14 asks for a turn again and
 * again while a transfer is stopped so. */
static bool may_hold(enum handle_kind kind)
{
    return kind != HANDLE_UPLOAD && curl_version_info(CURLVERSION_NOW)->version_num < 0x080000;
}

static void hold(struct attempt *attempt)
{
    attempt->is_down_paused = true;
    curl_easy_pause(attempt->handle->easy, CURLPAUSE_ALL);
}

static size_t on_body_bytes(char *bytes, size_t one, size_t count, void *arg)
{
    struct attempt *attempt = ((struct handle *)arg)->attempt;
    struct text piece = {.at = bytes, .count = count};

    (void)one;
    if (!attempt)
        return 0;
    if (attempt->response.progress != RESPONSE_DONE)
        return may_be_stored(attempt, piece) ? count : 0;
    note(attempt, NEWS_BODY);
    bool is_holdable = attempt->handle->may_hold;
    if (!is_holdable && !has_room(attempt)) {
        attempt->is_down_paused = true;
        return CURL_WRITEFUNC_PAUSE;
    }
    attempt->received += count;
    if (!take_body(attempt, piece))
        return 0;
    if (is_holdable && !has_room(attempt) && !has_come_to_end(attempt))
        hold(attempt);
    return count;
}

static size_t on_upload_wanted(char *to, size_t one, size_t count, void *arg)
{
    struct attempt *attempt = ((struct handle *)arg)->attempt;

    if (!attempt)
        return CURL_READFUNC_ABORT;
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
    handle->may_hold = may_hold(handle->kind);
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
    attempt->fd = -1;
    note(attempt, NEWS_END);
}

void attempt_note_read_out(struct attempt *attempt)
{
    bool is_uploading = attempt->order->kind == HANDLE_UPLOAD && !attempt->is_upload_sent;
    bool has_head = attempt->response.progress == RESPONSE_DONE;

    if (!is_uploading || attempt->sends == 0)
        return;
    attempt->code = has_head && attempt_is_whole(attempt) ? CURLE_OK : CURLE_PARTIAL_FILE;
    note(attempt, NEWS_END);
}

int64_t attempt_bytes_down(const struct attempt *attempt)
{
    long head = 0;

    if (attempt->response.progress != RESPONSE_DONE || !attempt_is_whole(attempt))
        return -1;
    curl_easy_getinfo(attempt->handle->easy, CURLINFO_HEADER_SIZE, &head);
    return head + (int64_t)attempt->received;
}

bool attempt_is_paused(const struct attempt *attempt)
{
    return attempt->is_down_paused;
}
