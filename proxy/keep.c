#include "proxy/keep.h"

#include "conf/json.h"
#include "proxy/call.h"

static bool see_json(void *check, const char *bytes, size_t count)
{
    return json_check_take(check, bytes, count);
}

/* Each piece is looked through as it comes: all at once would hold up everybody else. */
enum call_outcome keep_more(struct call *call)
{
    struct chain *body = &call->lane->attempt.body;
    bool is_json = chain_walk(body, see_json, &call->check);

    (void)is_json; /* it stays false to the end, and only that is asked */
    chain_move(&call->kept, body, call->place.pool);
    if (call->kept.count > call->conf->body_max)
        return CALL_TOO_LARGE;
    return pool_allows(call->place.pool, call->kept.count) ? CALL_OK : CALL_NO_MEMORY;
}

/* As one text, without the blanks around it: a template looks into it. */
static void join_body(struct call *call)
{
    size_t count = call->kept.count;
    char *bytes = arena_take(call->place.arena, count + 1);

    chain_take(&call->kept, call->place.pool, bytes, count);
    call->body = json_trimmed((struct text){.at = bytes, .count = count});
}

static enum call_outcome look_at_end(struct call *call)
{
    enum call_outcome outcome = keep_more(call);

    if (outcome != CALL_OK)
        return outcome;
    call->has_json = json_check_is_whole(&call->check);
    if (call->conf->is_looked_into)
        join_body(call);
    if (!call->is_json || call->has_json)
        return CALL_OK;
    call->lane->attempt.response.fault = FAULT_JSON;
    return CALL_INVALID;
}

/* The body is complete. */
enum call_outcome keep_end(struct call *call)
{
    enum call_outcome outcome = look_at_end(call);

    if (outcome != CALL_OK)
        chain_clear(&call->kept, call->place.pool);
    return outcome;
}
