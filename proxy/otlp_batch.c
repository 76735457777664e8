#include "proxy/otlp_batch.h"

#include <assert.h>

#include "proxy/attempt.h"
#include "proxy/clock.h"
#include "proxy/otlp.h"

void otlp_batch_init(struct otlp_batch *batch, struct pool *pool)
{
    *batch = (struct otlp_batch){.pool = pool, .bytes = CHAIN_EMPTY};
}

void otlp_batch_clear(struct otlp_batch *batch)
{
    chain_clear(&batch->bytes, batch->pool);
    batch->spans = 0;
}

/* What was written so far goes to the message; writer is as fresh as before. */
static void append(struct otlp_batch *batch, struct writer *writer)
{
    struct text text = writer_text(writer);

    assert(!writer->is_cut);
    chain_append(&batch->bytes, batch->pool, text.at, text.count);
    writer->at = writer->start;
}

void otlp_batch_add(struct otlp_batch *batch, const struct record *record, const char *service)
{
    int64_t epoch_ns = clock_epoch_ns();
    char room[OTLP_ROOM];
    struct writer writer = writer_on(room, sizeof room);

    if (batch->spans == 0)
        otlp_write_head(&writer, service);
    else
        write_char(&writer, ',');
    append(batch, &writer);
    otlp_write_request(&writer, record, epoch_ns);
    append(batch, &writer);
    batch->spans++;
    for (const struct trace_attempt *attempt = record->notes->first; attempt;
         attempt = attempt->next) {
        write_char(&writer, ',');
        otlp_write_attempt(&writer, record, attempt, epoch_ns);
        append(batch, &writer);
        batch->spans++;
    }
}

void otlp_batch_close(struct otlp_batch *to, struct otlp_batch *from)
{
    char room[64];
    struct writer writer = writer_on(room, sizeof room);

    chain_move(&to->bytes, &from->bytes, to->pool);
    to->spans = from->spans;
    from->spans = 0;
    otlp_write_tail(&writer);
    append(to, &writer);
}

/* Where in the message an attempt is, and how much more it may be given. */
struct feeding {
    struct attempt *attempt;
    size_t skip;
    size_t left;
};

static bool feed_piece(void *arg, const char *bytes, size_t count)
{
    struct feeding *feeding = arg;
    size_t skipped = count < feeding->skip ? count : feeding->skip;

    feeding->skip -= skipped;
    bytes += skipped;
    count -= skipped;
    if (count > feeding->left)
        count = feeding->left;
    if (count > 0)
        attempt_upload(feeding->attempt, bytes, count);
    feeding->left -= count;
    return feeding->left > 0;
}

size_t otlp_batch_feed(const struct otlp_batch *batch, struct attempt *attempt, size_t fed)
{
    size_t waiting = attempt->upload.count;
    size_t room = waiting < ATTEMPT_WINDOW ? ATTEMPT_WINDOW - waiting : 0;
    struct feeding feeding = {.attempt = attempt, .skip = fed, .left = room};

    if (room > 0)
        (void)chain_walk(&batch->bytes, feed_piece, &feeding);
    fed += room - feeding.left;
    if (fed == batch->bytes.count)
        attempt_upload_end(attempt);
    return fed;
}
