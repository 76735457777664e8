#include "proxy/trace_notes.h"

#include <string.h>

#include "proxy/arena.h"
#include "proxy/call.h"
#include "proxy/client.h"
#include "proxy/headers.h"
#include "proxy/trace_state.h"

/* What is noted of a client's text, at most: a span is no place for more. */
enum { HOST_MAX = 255, AGENT_MAX = 256 };

static struct text copy_some(struct arena *arena, struct text text, size_t most)
{
    if (text.count > most)
        text.count = most;
    return (struct text){.at = arena_copy(arena, text), .count = text.count};
}

/* It belongs to the trace of the traceparent beside it, if that was valid. */
static struct text copy_state(struct arena *arena, const struct trace_context *context,
                              const struct request *request)
{
    char room[TRACE_STATE_MAX];

    if (!context->is_given)
        return TEXT_NONE;
    return copy_some(arena, trace_state_read(request->headers, request->headers_count, room),
                     sizeof room);
}

struct trace_notes *trace_notes_create(struct arena *arena, struct trace_source *random,
                                       const struct trace_context *context,
                                       const struct request *request)
{
    struct trace_notes *notes = arena_take(arena, sizeof *notes);
    const struct header *agent =
        header_find(request->headers, request->headers_count, TEXT("user-agent"));

    *notes = (struct trace_notes){
        .arena = arena,
        .random = random,
        .host = copy_some(arena, request->host, HOST_MAX),
        .agent = copy_some(arena, agent ? agent->value : TEXT_NONE, AGENT_MAX),
        .state = copy_state(arena, context, request),
        .minor = request->minor,
        .last = &notes->first,
    };
    trace_span_write(random, notes->id);
    return notes;
}

static struct trace_attempt *add(struct trace_notes *notes)
{
    struct trace_attempt *attempt = arena_take(notes->arena, sizeof *attempt);

    *attempt = (struct trace_attempt){.notes = notes, .ended = INSTANT_NEVER};
    trace_span_write(notes->random, attempt->id);
    *notes->last = attempt;
    notes->last = &attempt->next;
    notes->count++;
    return attempt;
}

static unsigned count_of(const struct trace_notes *notes, const struct call *call)
{
    unsigned count = 0;

    for (const struct trace_attempt *attempt = notes->first; attempt; attempt = attempt->next)
        count += attempt->call == call;
    return count;
}

struct trace_attempt *trace_notes_begin(struct trace_notes *notes, const struct lane *lane,
                                        const char *address)
{
    unsigned number = count_of(notes, lane->call);
    struct trace_attempt *attempt = add(notes);

    attempt->call = lane->call;
    attempt->number = number;
    attempt->is_hedge = lane == lane->call->second;
    attempt->begun = lane->since;
    attempt->granted = span_until(lane->due, lane->since);
    if (address)
        strncpy(attempt->address, address, sizeof attempt->address - 1);
    return attempt;
}

struct trace_attempt *trace_notes_again(struct trace_attempt *attempt, struct instant now)
{
    unsigned number = count_of(attempt->notes, attempt->call);
    struct trace_attempt *again = add(attempt->notes);
    struct span used = span_since(attempt->begun, now);

    trace_notes_end(attempt, CALL_BROKEN, 0, now);
    again->call = attempt->call;
    again->number = number;
    again->is_hedge = attempt->is_hedge;
    again->begun = now;
    again->granted = span_less(attempt->granted, used);
    memcpy(again->address, attempt->address, sizeof again->address);
    return again;
}

void trace_notes_end(struct trace_attempt *attempt, enum call_outcome outcome, int status,
                     struct instant now)
{
    if (attempt->ended.ns != INSTANT_NEVER.ns)
        return;
    attempt->ended = now;
    attempt->outcome = outcome;
    attempt->status = status;
}
