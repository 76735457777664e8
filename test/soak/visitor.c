#include "test/soak/visitor.h"

#include <assert.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "proxy/clock.h"
#include "test/soak/subject.h"
#include "test/soak/token.h"

enum { PATIENCE_S = 20, SMALL_BUFFER = 4096, AGAIN_PERCENT = 50 };

static void ask(struct visitor *visitor);

/* ---- the end of a visit */

static void end_visit(struct visitor *visitor)
{
    visitor->tally->bytes_read += visitor->bytes_read;
    cable_close(&visitor->cable, false);
    event_del(&visitor->patience);
    message_finish(&visitor->answer);
    visitor->on_over(visitor);
}

static bool is_all_answered(const struct visitor *visitor)
{
    return visitor->answered == visitor->asks_count;
}

static struct ask *asked(struct visitor *visitor)
{
    return is_all_answered(visitor) ? NULL : &visitor->asks[visitor->answered];
}

static void end_ask(struct visitor *visitor, enum fate fate, int status)
{
    const struct ask *one = asked(visitor);

    tally_end(visitor->tally, one->token, fate, status);
    if (one->must_succeed && (fate != FATE_ANSWERED || status != 200))
        tally_problem(visitor->tally, one->token, "has to succeed, but fate %d, status %d:\n%s%s",
                      (int)fate, status, visitor->answer.head, visitor->answer.body);
    visitor->answered++;
}

/* No answer will come any more: to the first of the rest something may have. */
static void end_rest(struct visitor *visitor, enum fate first, enum fate others)
{
    while (!is_all_answered(visitor)) {
        end_ask(visitor, visitor->has_left ? FATE_LEFT : first, 0);
        first = others;
    }
    end_visit(visitor);
}

static void leave(struct visitor *visitor, bool by_reset)
{
    cable_close(&visitor->cable, by_reset);
    visitor->has_left = true;
    end_rest(visitor, FATE_LEFT, FATE_LEFT);
}

static void on_patience(evutil_socket_t fd, short what, void *arg)
{
    struct visitor *visitor = arg;
    const struct ask *one = asked(visitor);

    (void)fd, (void)what;
    if (visitor->manner != MANNER_SLOW_READER) /* whose answer may lie in the kernel's buffers */
        tally_problem(visitor->tally, one ? one->token : 0, "no end after %d s, manner %d",
                      PATIENCE_S, (int)visitor->manner);
    leave(visitor, true);
}

/* ---- answers */

static int status_of(const struct message *answer)
{
    return atoi(answer->start + strlen("HTTP/1.1 ")) % TALLY_STATUSES;
}

/* An answer without an id is not of the exchange: the codec, or the listener, has refused. */
static void take_refusal(struct visitor *visitor, int status)
{
    const struct ask *one = asked(visitor);
    bool is_slow = visitor->manner == MANNER_DRIPPING || visitor->manner == MANNER_LEAVES_ASKING;

    if (status == 503 && visitor->is_new)
        visitor->tally->shed++;
    else if (!one->is_bad && !(status == 408 && is_slow))
        tally_problem(visitor->tally, one->token, "a well-formed request was refused: %d\n%s",
                      status, visitor->answer.body);
    end_ask(visitor, FATE_REFUSED, status);
}

static void check_answer(struct visitor *visitor, const char *id, int status)
{
    const struct message *answer = &visitor->answer;
    const struct ask *one = asked(visitor);
    const char *size = message_header(answer, "X-Size", 0);
    uint32_t owner = 0;

    if (!token_read(id, &owner) || owner != one->token)
        tally_problem(visitor->tally, one->token, "%s, %s: has the answer of %s", one->route,
                      one->mood, id);
    id = message_header(answer, "X-Token", 0);
    if (id && (!token_read(id, &owner) || owner != one->token))
        tally_problem(visitor->tally, one->token, "has a header of the answer to %s", id);
    if (!token_owns(one->token, answer->body, answer->body_count))
        tally_problem(visitor->tally, one->token, "has bytes of another answer, status %d:\n%s",
                      status, answer->head);
    if (size && answer->framing != FRAMING_NONE && answer->body_count > 0 &&
        strtoul(size, NULL, 10) != answer->body_count && !message_header(answer, "Content-Type", 0))
        tally_problem(visitor->tally, one->token, "has %zu bytes of %s", answer->body_count, size);
    if (one->is_bad && !one->may_succeed && status < 400)
        tally_problem(visitor->tally, one->token, "is malformed, and was answered %d", status);
}

/* An answer to a client that reads or sends slowly may be late by that. */
static void judge_time(struct visitor *visitor, struct instant now)
{
    struct instant due = instant_after(visitor->since, span_ms(asked(visitor)->budget_ms));

    if (asked(visitor)->budget_ms == 0) /* not even an answer at once is in time */
        return;
    if (visitor->manner == MANNER_PLAIN || visitor->manner == MANNER_PIPELINED ||
        visitor->manner == MANNER_LEAVES_READING)
        tally_late(visitor->tally, span_since(due, now));
}

static void next_answer(struct visitor *visitor)
{
    const struct ask *one = asked(visitor);

    message_finish(&visitor->answer);
    message_init(&visitor->answer, true);
    visitor->answer.has_no_body = one && one->is_head;
}

/* False: the visit is over. */
static bool take_answer(struct visitor *visitor, struct instant now)
{
    const struct message *answer = &visitor->answer;
    int status = status_of(answer);
    const char *id = message_header(answer, "X-Request-Id", 0);
    const char *connection = message_header(answer, "Connection", 0);
    bool is_last = (connection && strcasecmp(connection, "close") == 0) ||
                   answer->framing == FRAMING_CLOSE || (!id && status >= 400);

    if (status < 200) {
        next_answer(visitor);
        return true;
    }
    if (id) {
        check_answer(visitor, id, status);
        judge_time(visitor, now);
        end_ask(visitor, FATE_ANSWERED, status);
    } else {
        take_refusal(visitor, status);
    }
    visitor->is_new = false;
    visitor->since = now;
    next_answer(visitor);
    if (is_last) /* what it has asked behind that is not served */
        end_rest(visitor, FATE_UNSERVED, FATE_UNSERVED);
    return !is_last;
}

/* The other side has closed, or the connection is broken. */
static void end_of_stream(struct visitor *visitor, struct instant now)
{
    struct message *answer = &visitor->answer;
    const struct source *source = &visitor->cable.source;
    bool is_begun = answer->state == MESSAGE_BODY || source->begin < source->end;

    if (is_all_answered(visitor)) {
        end_visit(visitor);
    } else if (source->state == SOURCE_RESET) {
        end_rest(visitor, FATE_RESET, FATE_RESET);
    } else if (answer->state == MESSAGE_BODY && answer->framing == FRAMING_CLOSE &&
               visitor
                   ->is_local) { /* its end says nothing: where there is no reset, it may be cut */
        end_rest(visitor, FATE_RESET, FATE_UNSERVED);
    } else if (answer->state == MESSAGE_BODY && answer->framing == FRAMING_CLOSE) {
        if (take_answer(visitor, now))
            end_rest(visitor, FATE_UNSERVED, FATE_UNSERVED);
    } else {
        if (is_begun)
            judge_time(visitor, now);
        end_rest(visitor, is_begun ? FATE_CUT : FATE_UNSERVED, FATE_UNSERVED);
    }
}

/* ---- what comes */

static bool wants_to_leave(const struct visitor *visitor)
{
    const struct source *source = &visitor->cable.source;

    return visitor->manner == MANNER_LEAVES_READING && !is_all_answered(visitor) &&
           visitor->answer.body_count + source->end - source->begin >= visitor->leaves_after;
}

static void after_answers(struct visitor *visitor)
{
    const struct source *source = &visitor->cable.source;

    if (source->begin < source->end)
        tally_problem(visitor->tally, visitor->asks[0].token, "bytes that answer nothing");
    if (visitor->cable.is_playing || visitor->has_left || visitor->manner > MANNER_DRIPPING ||
        !dice_chance(&visitor->dice, AGAIN_PERCENT))
        end_visit(visitor);
    else
        ask(visitor);
}

static void on_bytes(void *arg)
{
    struct visitor *visitor = arg;
    struct source *source = &visitor->cable.source;
    struct instant now = clock_now();

    while (!is_all_answered(visitor)) {
        size_t before = source->begin;
        message_take(&visitor->answer, source);
        visitor->bytes_read += source->begin - before;
        if (visitor->answer.state == MESSAGE_INVALID) {
            tally_problem(visitor->tally, asked(visitor)->token, "an answer that is none:\n%s\n%s",
                          visitor->answer.start, visitor->answer.head);
            leave(visitor, true);
            return;
        }
        if (visitor->answer.state != MESSAGE_COMPLETE)
            break;
        if (!take_answer(visitor, now))
            return;
    }
    if (wants_to_leave(visitor))
        leave(visitor, dice_chance(&visitor->dice, 50));
    else if (source->state != SOURCE_OPEN)
        end_of_stream(visitor, now);
    else if (is_all_answered(visitor) && visitor->asks_count > 0)
        after_answers(visitor);
}

static void on_played(void *arg)
{
    struct visitor *visitor = arg;

    if (!cable_is_open(&visitor->cable)) {
        visitor->has_left = true;
        end_rest(visitor, FATE_LEFT, FATE_LEFT);
    }
}

/* ---- what is asked */

static size_t count_of(struct visitor *visitor)
{
    switch (visitor->manner) {
    case MANNER_SAYS_NOTHING:
    case MANNER_IDLES:
        return 0;
    case MANNER_PIPELINED:
        return 2 + (size_t)dice_to(&visitor->dice, VISITOR_ASKS_MAX - 2);
    case MANNER_LEAVES_ASKING:
        return 1 + (size_t)dice_to(&visitor->dice, 2);
    default:
        return 1;
    }
}

static void write_asks(struct visitor *visitor, struct script *script, unsigned n)
{
    visitor->answered = 0;
    visitor->asks_count = count_of(visitor);
    for (size_t i = 0; i < visitor->asks_count; i++) {
        uint32_t token = tally_ask(visitor->tally);
        if (visitor->manner == MANNER_MALFORMED)
            visitor->asks[i] = ask_malformed(script, &visitor->dice, token);
        else if (visitor->manner == MANNER_EASY)
            visitor->asks[i] = ask_easy(script, n, token);
        else
            visitor->asks[i] = ask_any(script, &visitor->dice, token);
        tally_describe(visitor->tally, token, visitor->asks[i].route, visitor->asks[i].mood);
    }
}

/* Where, and how, it leaves; how fast it sends. */
static void set_manner(struct visitor *visitor, struct script *script)
{
    struct dice *dice = &visitor->dice;
    size_t half = script->count / 2;

    switch (visitor->manner) {
    case MANNER_DRIPPING:
        script->piece = (size_t)dice_to(dice, 60) + 1 + script->count / 500;
        script->pause_ms = 1 + (int)dice_to(dice, 6);
        break;
    case MANNER_LEAVES_ASKING:
        if (dice_chance(dice, 70)) /* else after all of it */
            half = (size_t)dice_to(dice, (int64_t)(dice_chance(dice, 50) ? script->count : 200));
        else
            half = script->count;
        script_cut(script, half, dice_chance(dice, 50) ? SCRIPT_CLOSES : SCRIPT_RESETS);
        script_pause(script, (int)dice_to(dice, dice_chance(dice, 10) ? 400 : 30));
        break;
    case MANNER_HALF_CLOSES:
        visitor->has_left = true;
        script_cut(script, dice_chance(dice, 20) ? half : script->count, SCRIPT_HALF_CLOSES);
        break;
    case MANNER_SAYS_NOTHING:
        script->end = dice_chance(dice, 50) ? SCRIPT_CLOSES : SCRIPT_RESETS;
        break;
    default:
        break;
    }
}

static void be_patient(struct visitor *visitor)
{
    const struct timeval wait = {.tv_sec = PATIENCE_S};

    event_add(&visitor->patience, &wait);
}

static void ask_n(struct visitor *visitor, unsigned n)
{
    struct script script = {.bytes = NULL};

    write_asks(visitor, &script, n);
    set_manner(visitor, &script);
    next_answer(visitor);
    be_patient(visitor);
    visitor->since = clock_now();
    cable_play(&visitor->cable, &script);
}

static void ask(struct visitor *visitor)
{
    ask_n(visitor, 0);
}

/* ---- its life */

void visitor_init(struct visitor *visitor)
{
    static const struct cable_events events = {on_bytes, on_played};

    visitor->cable.events = &events;
    visitor->cable.owner = visitor;
    visitor->cable.source.fd = -1;
    message_init(&visitor->answer, true);
    message_finish(&visitor->answer);
    event_assign(&visitor->patience, visitor->base, -1, 0, on_patience, visitor);
}

void visitor_begin(struct visitor *visitor, int fd, enum manner manner, unsigned n)
{
    const int small = SMALL_BUFFER;

    visitor->manner = manner;
    visitor->has_left = false;
    visitor->is_new = true;
    visitor->bytes_read = 0;
    visitor->leaves_after = (size_t)dice_to(&visitor->dice, 2000);
    visitor->tally->connects++;
    cable_open(&visitor->cable, visitor->base, fd);
    if (manner == MANNER_SLOW_READER) {
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
        visitor->cable.read_pause_ms = 5 + (int)dice_to(&visitor->dice, 50);
    }
    ask_n(visitor, n);
}

void visitor_finish(struct visitor *visitor)
{
    cable_close(&visitor->cable, true);
    event_del(&visitor->patience);
    message_finish(&visitor->answer);
}
