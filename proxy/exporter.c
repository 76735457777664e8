/*
 * The life of a message:
 *
 *   exporter_take         spans are gathered: for a second, or until there are many
 *     begin_batch         all of them become one message
 *       send_batch        to the collector, whose answer is awaited  <--+
 *         conclude        it was taken, or refused, or: once more ------+
 *     go_on               with what was gathered meanwhile
 */
#include "proxy/exporter.h"

#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdlib.h>

#include "proxy/attempt.h"
#include "proxy/clock.h"
#include "proxy/headers.h"
#include "proxy/memory.h"
#include "proxy/otlp_answer.h"
#include "proxy/otlp_batch.h"
#include "proxy/record.h"
#include "proxy/retry_after.h"
#include "proxy/trace_notes.h"
#include "proxy/upstream.h"
#include "proxy/writer.h"

enum {
    GATHERED_MAX = 1024 * 1024,   /* bytes that wait; a message has as many, at most */
    ENOUGH_BYTES = 256 * 1024,    /* so many are sent at once */
    ENOUGH_SPANS = 512,           /* or so many spans */
    TRIES_MAX = 5,                /* of one message */
    ANSWER_MAX = 4096,            /* what is looked at of an answer */
    ANSWER_BYTES_MAX = 64 * 1024, /* what is read of it */
};

/* The defaults of OpenTelemetry's own exporters are 5 s, 10 s and 1 s. */
#define GATHER_TIME span_s(1)
#define ANSWER_TIME span_s(10)
#define FIRST_PAUSE span_s(1)
#define LONGEST_PAUSE span_s(60)
#define LAST_TIME span_s(1)

enum export_phase {
    EXPORT_GATHERING, /* no message is under way */
    EXPORT_SENDING,
    EXPORT_PAUSING, /* before the message is sent again */
};

struct exporter {
    const struct conf_proxy *conf; /* borrowed, as all that is not said to be owned */
    struct pool *pool;
    struct metrics *metrics;
    struct trace_source *random;
    struct upstream_metrics unseen; /* what upstream counts: nobody looks at it */
    struct upstreams *upstreams;    /* owned: the collector, and nobody else */
    struct upstream *collector;
    struct attempt_place place;
    struct attempt_order order;
    char block[512]; /* of order */
    struct arena arena;
    struct attempt attempt; /* EXPORT_SENDING */
    unsigned generation;    /* of the address that it tries */
    char answer[ANSWER_MAX];
    size_t answer_count;
    struct event timer; /* for the next decision in each phase */
    enum export_phase phase;
    struct otlp_batch gathered;
    struct otlp_batch batch; /* the message that is under way */
    size_t fed;              /* bytes of it that the attempt was given */
    unsigned tries;
    bool is_stopping;
    struct instant stop_by; /* then nothing is sent any more */
};

static void go_on(struct exporter *exporter, struct instant now);

static void arm(struct exporter *exporter, struct span span)
{
    struct timeval wait = clock_timeval(span);

    event_add(&exporter->timer, &wait);
}

/* ---- the end of a message --------------------------------------------------------------------- */

static void lose(struct exporter *exporter, enum trace_loss why, size_t spans)
{
    counter_add(&exporter->metrics->trace_spans_dropped[why], spans);
}

static void end_batch(struct exporter *exporter)
{
    otlp_batch_clear(&exporter->batch);
    exporter->phase = EXPORT_GATHERING;
}

static void drop_batch(struct exporter *exporter, enum trace_loss why)
{
    lose(exporter, why, exporter->batch.spans);
    end_batch(exporter);
}

static void note_taken(struct exporter *exporter)
{
    struct text answer = {.at = exporter->answer, .count = exporter->answer_count};
    size_t rejected = otlp_rejected(answer, exporter->batch.spans);

    lose(exporter, TRACE_LOSS_REFUSED, rejected);
    counter_add(&exporter->metrics->trace_spans_exported, exporter->batch.spans - rejected);
    end_batch(exporter);
}

static struct span asked_pause(const struct response *response)
{
    const struct header *header =
        header_find(response->headers, response->headers_count, TEXT("retry-after"));

    return header ? retry_after_read(header->value, clock_realtime_ms()) : SPAN_NONE;
}

/* Doubled each time, and no two proxies the same; or as long as the collector asks for. */
static void pause_or_drop(struct exporter *exporter, struct span asked)
{
    struct span most = span_scale(FIRST_PAUSE, INT64_C(1) << exporter->tries, 2);
    int64_t lot = (int64_t)(trace_random(exporter->random) % 1000);
    struct span pause = span_scale(most, 1000 + lot, 2000);

    if (exporter->is_stopping) {
        drop_batch(exporter, TRACE_LOSS_STOPPED);
    } else if (exporter->tries >= TRIES_MAX) {
        drop_batch(exporter, TRACE_LOSS_FAILED);
    } else {
        exporter->phase = EXPORT_PAUSING;
        arm(exporter, span_min(span_max(pause, asked), LONGEST_PAUSE));
    }
}

/* The collector has answered, or will not. With the head of an answer it has decided, whatever
 * becomes of the rest. */
static void conclude(struct exporter *exporter, struct instant now)
{
    const struct response *response = &exporter->attempt.response;
    bool is_answered = response->progress == RESPONSE_DONE;
    struct span asked = is_answered ? asked_pause(response) : SPAN_NONE;

    attempt_cancel(&exporter->attempt);
    arena_finish(&exporter->arena);
    event_del(&exporter->timer);
    switch (otlp_verdict_of(is_answered ? response->status : 0)) {
    case OTLP_TAKEN:
        note_taken(exporter);
        break;
    case OTLP_AGAIN:
        pause_or_drop(exporter, asked);
        break;
    case OTLP_REFUSED:
        drop_batch(exporter, TRACE_LOSS_REFUSED);
        break;
    }
    if (exporter->phase == EXPORT_GATHERING)
        go_on(exporter, now);
}

/* ---- its way ---------------------------------------------------------------------------------- */

static void feed(struct exporter *exporter)
{
    exporter->fed = otlp_batch_feed(&exporter->batch, &exporter->attempt, exporter->fed);
}

static void on_head(void *owner, struct instant now)
{
    (void)owner, (void)now;
}

static void on_body(void *owner, struct instant now)
{
    struct exporter *exporter = owner;
    struct attempt *attempt = &exporter->attempt;

    exporter->answer_count +=
        chain_take(&attempt->body, exporter->pool, exporter->answer + exporter->answer_count,
                   ANSWER_MAX - exporter->answer_count);
    chain_clear(&attempt->body, exporter->pool);
    if (attempt->received > ANSWER_BYTES_MAX)
        conclude(exporter, now);
    else
        attempt_resume(attempt);
}

static void on_room(void *owner, struct instant now)
{
    (void)now;
    feed(owner);
}

/* Nothing could be sent: the next address may do. */
static void avoid_address(struct exporter *exporter)
{
    if (!attempt_is_sent(&exporter->attempt))
        upstream_avoid(exporter->collector, exporter->generation);
}

static void on_end(void *owner, enum call_outcome outcome, struct instant now)
{
    struct exporter *exporter = owner;

    (void)outcome;
    avoid_address(exporter);
    conclude(exporter, now);
}

static const struct attempt_events attempt_events = {on_head, on_body, on_room, on_end};

static void send_batch(struct exporter *exporter, struct instant now)
{
    struct span time = exporter->is_stopping ? span_until(exporter->stop_by, now) : ANSWER_TIME;
    struct attempt_way way = {
        .address = upstream_address(exporter->collector, &exporter->generation),
        .due = instant_after(now, time),
    };

    exporter->phase = EXPORT_SENDING;
    exporter->tries++;
    exporter->fed = 0;
    exporter->answer_count = 0;
    attempt_init(&exporter->attempt, &exporter->place, &attempt_events, exporter);
    if (!upstream_is_named(exporter->collector)) {
        conclude(exporter, now);
        return;
    }
    way.generation = exporter->generation;
    exporter->order.upload_length = (int64_t)exporter->batch.bytes.count;
    feed(exporter);
    attempt_start(&exporter->attempt, &exporter->order, &way);
    arm(exporter, time);
}

/* ---- what is gathered ------------------------------------------------------------------------- */

static void begin_batch(struct exporter *exporter, struct instant now)
{
    otlp_batch_close(&exporter->batch, &exporter->gathered);
    exporter->tries = 0;
    send_batch(exporter, now);
}

/* No message is under way: when does the next one begin? */
static void go_on(struct exporter *exporter, struct instant now)
{
    bool is_enough = exporter->gathered.spans >= ENOUGH_SPANS ||
                     exporter->gathered.bytes.count >= ENOUGH_BYTES || exporter->is_stopping;

    if (exporter->gathered.spans == 0)
        return;
    if (exporter->is_stopping && instant_reached(exporter->stop_by, now)) {
        lose(exporter, TRACE_LOSS_STOPPED, exporter->gathered.spans);
        otlp_batch_clear(&exporter->gathered);
    } else if (is_enough) {
        begin_batch(exporter, now);
    } else if (!event_pending(&exporter->timer, EV_TIMEOUT, NULL)) {
        arm(exporter, GATHER_TIME);
    }
}

static void on_due(evutil_socket_t fd, short what, void *arg)
{
    struct instant now = clock_now();
    struct exporter *exporter = arg;

    (void)fd, (void)what;
    switch (exporter->phase) {
    case EXPORT_GATHERING:
        begin_batch(exporter, now);
        break;
    case EXPORT_SENDING:
        avoid_address(exporter);
        conclude(exporter, now);
        break;
    case EXPORT_PAUSING:
        send_batch(exporter, now);
        break;
    }
}

void exporter_take(struct exporter *exporter, const struct record *record)
{
    if (exporter->gathered.bytes.count >= GATHERED_MAX || pool_is_spent(exporter->pool)) {
        lose(exporter, TRACE_LOSS_FULL, 1 + record->notes->count);
        return;
    }
    otlp_batch_add(&exporter->gathered, record, exporter->conf->trace_service);
    if (exporter->phase == EXPORT_GATHERING)
        go_on(exporter, record->ended);
}

/* ---- its beginning and its end ---------------------------------------------------------------- */

static void make_order(struct exporter *exporter)
{
    struct writer writer = writer_on(exporter->block, sizeof exporter->block);
    const struct conf_collector *collector = &exporter->conf->trace_export;

    write_string(&writer, "Host: ");
    write_string(&writer, collector->at->authority);
    write_line(&writer, "Content-Type", TEXT("application/json"));
    write_line(&writer, "User-Agent", TEXT("hourglass/" HOURGLASS_VERSION));
    exporter->order = (struct attempt_order){
        .kind = HANDLE_UPLOAD,
        .method = TEXT("POST"),
        .target = collector->path,
        .block = exporter->block,
        .block_room = sizeof exporter->block,
        .block_count = writer_text(&writer).count,
    };
}

struct exporter *exporter_create(const struct exporter_options *options)
{
    struct exporter *exporter = memory_take_clear(1, sizeof *exporter);

    exporter->conf = options->conf;
    exporter->pool = options->pool;
    exporter->metrics = options->metrics;
    exporter->random = options->random;
    exporter->upstreams = upstreams_create(&(struct upstreams_options){
        .confs = options->conf->trace_export.at,
        .count = 1,
        .resolver = options->conf->resolver,
        .metrics = &exporter->unseen,
        .base = options->base,
        .loop = options->loop,
    });
    if (!exporter->upstreams) {
        free(exporter);
        return NULL;
    }
    exporter->collector = upstream_at(exporter->upstreams, 0);
    arena_init(&exporter->arena, options->pool);
    otlp_batch_init(&exporter->gathered, options->pool);
    otlp_batch_init(&exporter->batch, options->pool);
    exporter->place = (struct attempt_place){
        .loop = options->loop,
        .handles = upstream_handles(exporter->collector),
        .arena = &exporter->arena,
        .pool = options->pool,
        .random = options->random,
    };
    make_order(exporter);
    evtimer_assign(&exporter->timer, options->base, on_due, exporter);
    return exporter;
}

bool exporter_is_empty(struct exporter *exporter, struct instant now)
{
    if (!exporter->is_stopping) {
        exporter->is_stopping = true;
        exporter->stop_by = instant_after(now, LAST_TIME);
        if (exporter->phase == EXPORT_GATHERING)
            go_on(exporter, now);
        else if (exporter->phase == EXPORT_PAUSING)
            send_batch(exporter, now);
        else
            arm(exporter, LAST_TIME);
    }
    return exporter->phase == EXPORT_GATHERING && exporter->gathered.spans == 0;
}

void exporter_destroy(struct exporter *exporter)
{
    if (!exporter)
        return;
    event_del(&exporter->timer);
    if (exporter->phase == EXPORT_SENDING)
        attempt_cancel(&exporter->attempt);
    arena_finish(&exporter->arena);
    lose(exporter, TRACE_LOSS_STOPPED, exporter->batch.spans + exporter->gathered.spans);
    otlp_batch_clear(&exporter->batch);
    otlp_batch_clear(&exporter->gathered);
    upstreams_destroy(exporter->upstreams);
    free(exporter);
}
