/* The explanation as JSON. Times end in _ms and are numbers, exact to the microsecond. */
#include <stdio.h>

#include "budget/wire.h"
#include "proxy/explanation.h"
#include "proxy/writer.h"

/* ---- JSON as it is written -------------------------------------------------------------------- */

struct json {
    FILE *out; /* borrowed */
    int depth;
    bool has_members; /* of what was opened last */
};

static void write_json_string(FILE *out, const char *string)
{
    fputc('"', out);
    for (; *string; string++) {
        char room[2];
        struct writer writer = writer_on(room, sizeof room);
        write_quoted(&writer, (struct text){.at = string, .count = 1});
        fwrite(room, 1, writer_text(&writer).count, out);
    }
    fputc('"', out);
}

static void new_line(const struct json *json)
{
    fprintf(json->out, "\n%*s", json->depth * 2, "");
}

/* name NULL: an item of an array. */
static void begin_member(struct json *json, const char *name)
{
    if (json->has_members)
        fputc(',', json->out);
    if (json->depth > 0)
        new_line(json);
    json->has_members = true;
    if (!name)
        return;
    write_json_string(json->out, name);
    fputs(": ", json->out);
}

static void open_value(struct json *json, const char *name, char bracket)
{
    begin_member(json, name);
    fputc(bracket, json->out);
    json->depth++;
    json->has_members = false;
}

static void close_value(struct json *json, char bracket)
{
    json->depth--;
    if (json->has_members)
        new_line(json);
    fputc(bracket, json->out);
    json->has_members = true;
}

static void put_plain(struct json *json, const char *name, const char *value)
{
    begin_member(json, name);
    fputs(value, json->out);
}

/* NULL is null. */
static void put_string(struct json *json, const char *name, const char *string)
{
    if (!string) {
        put_plain(json, name, "null");
        return;
    }
    begin_member(json, name);
    write_json_string(json->out, string);
}

static void put_bool(struct json *json, const char *name, bool value)
{
    put_plain(json, name, value ? "true" : "false");
}

static void put_number(struct json *json, const char *name, unsigned number)
{
    begin_member(json, name);
    fprintf(json->out, "%u", number);
}

/* Forever is null. */
static void put_ms(struct json *json, const char *name, struct span span)
{
    char room[32];
    struct writer writer = writer_on(room, sizeof room - 1);

    write_ms_short(&writer, span);
    *writer.at = '\0';
    put_plain(json, name, span.ns == SPAN_FOREVER.ns ? "null" : room);
}

static void put_when(struct json *json, const char *name, struct instant instant)
{
    put_ms(json, name, span_since((struct instant){.ns = 0}, instant));
}

/* ---- the route -------------------------------------------------------------------------------- */

static void put_refusal(struct json *json, const struct explained_refusal *refusal)
{
    open_value(json, "refused", '{');
    put_number(json, "status", (unsigned)refusal->status);
    put_string(json, "why", refusal->why);
    put_string(json, "allow", refusal->allow);
    close_value(json, '}');
}

static void put_route(struct json *json, const struct conf_route *route)
{
    bool merges = route->answers == ANSWER_MERGE;

    open_value(json, "route", '{');
    put_string(json, "name", route->name);
    put_string(json, "match", route->match);
    put_string(json, "answer", merges ? NULL : route->calls[route->answer].name);
    put_bool(json, "merge", merges);
    begin_member(json, "enforced_percent");
    fprintf(json->out, "%.7g", route->enforce_share * 100.0 / SHARE_WHOLE);
    close_value(json, '}');
}

static void put_times(struct json *json, const struct explanation *explanation)
{
    const struct plan *plan = explanation_plan(explanation);
    const struct span *asked = explanation->question->budget;
    bool is_most = explanation->is_observed || (asked && !span_covers(plan->budget, *asked));

    put_ms(json, "budget_ms", plan->budget);
    put_string(json, "budget_from", is_most ? "max" : asked ? "client" : "default");
    put_ms(json, "local_ms", plan->local);
    put_ms(json, "reply_ms", plan->reply);
    put_when(json, "calls_by_ms", plan->calls_by);
    put_when(json, "reply_by_ms", plan->reply_by);
    put_when(json, "hard_ms", plan->hard);
}

/* ---- the calls -------------------------------------------------------------------------------- */

static void put_retries(struct json *json, const char *name,
                        const struct explained_retries *retries)
{
    open_value(json, name, '{');
    put_number(json, "fit", retries->fit);
    put_string(json, "end", retry_verdict_name(retries->end));
    close_value(json, '}');
}

/* The upstream's tell lines; value null: too little is left to say. */
static void put_tells(struct json *json, const struct explained_call *call,
                      const struct explained_grant *grant, int64_t realtime_ms)
{
    int64_t starts_ms = realtime_ms + grant->starts.ns / NS_PER_MS;

    open_value(json, "told", '[');
    for (size_t i = 0; i < call->upstream->tells_count; i++) {
        const struct wire_field *field = &call->upstream->tells[i];
        char text[WIRE_TEXT_MAX];
        size_t count = wire_write(field->format, grant->told, starts_ms, text);
        open_value(json, NULL, '{');
        put_string(json, "header", field->name);
        put_string(json, "format", wire_format_name(field->format));
        put_string(json, "value", count > 0 ? text : NULL);
        close_value(json, '}');
    }
    close_value(json, ']');
}

static void put_grant(struct json *json, const struct explained_call *call, enum use use,
                      int64_t realtime_ms)
{
    static const char *const names[] = {[USE_NONE] = "none_used", [USE_ALL] = "all_used"};
    static const char *const states[] = {
        [GRANT_UNREACHED] = "unreached", [GRANT_SKIPPED] = "skipped", [GRANT_GIVEN] = "granted"};
    const struct explained_grant *grant = &call->grants[use];

    open_value(json, names[use], '{');
    put_string(json, "state", states[grant->kind]);
    if (grant->kind == GRANT_GIVEN) {
        put_when(json, "starts_at_ms", grant->starts);
        put_ms(json, "granted_ms", grant->granted);
        put_when(json, "cut_at_ms", grant->cut);
        if (call->retry.retries > 0) {
            put_retries(json, "retries_at_once", &grant->at_once);
            put_retries(json, "retries_cut", &grant->at_cut);
        }
        if (call->conf->hedge.kind != HEDGE_OFF)
            put_when(json, "hedge_at_ms", grant->hedge);
        put_tells(json, call, grant, realtime_ms);
    }
    close_value(json, '}');
}

static void put_hedge(struct json *json, const struct hedge_policy *hedge)
{
    switch (hedge->kind) {
    case HEDGE_OFF:
        break;
    case HEDGE_FIXED:
        put_ms(json, "hedge_ms", hedge->delay);
        break;
    case HEDGE_LATELY:
        put_number(json, "hedge_percentile", hedge->percent);
        break;
    }
}

static void put_call(struct json *json, const struct explained_call *call, int64_t realtime_ms)
{
    const struct retry_policy *retry = &call->retry;

    open_value(json, NULL, '{');
    put_string(json, "name", call->conf->name);
    put_string(json, "upstream", call->upstream->name);
    put_number(json, "step", (unsigned)call->step + 1);
    put_bool(json, "optional", call->policy->optional);
    put_string(json, "stands_in_for", call->failing);
    put_ms(json, "min_ms", call->policy->min);
    put_number(json, "retries", retry->retries);
    if (retry->retries > 0) {
        put_ms(json, "attempt_ms", retry->attempt);
        put_ms(json, "backoff_ms", retry->backoff);
    }
    put_hedge(json, &call->conf->hedge);
    for (enum use use = 0; use < USES; use++)
        put_grant(json, call, use, realtime_ms);
    close_value(json, '}');
}

static void put_calls(struct json *json, const struct explanation *explanation)
{
    open_value(json, "calls", '[');
    for (size_t i = 0; i < explanation->calls_count; i++)
        put_call(json, &explanation->calls[i], explanation->question->realtime_ms);
    close_value(json, ']');
}

/* ---- the end ---------------------------------------------------------------------------------- */

/* How the request ends if all calls take all that they are granted. */
static void put_end(struct json *json, const struct explanation *explanation)
{
    const struct rehearsal *all = &explanation->rehearsals[USE_ALL];
    bool gives_up = all->end.kind == DECIDE_GIVE_UP;
    int call = gives_up ? all->end.call : NO_CALL;

    open_value(json, "if_all_used", '{');
    put_number(json, "status", gives_up ? 504 : 200);
    put_string(json, "reason", gives_up ? reason_name(all->end.reason) : NULL);
    put_string(json, "call", call == NO_CALL ? NULL : explanation->route->calls[call].name);
    put_when(json, "at_ms", all->over);
    close_value(json, '}');
    put_when(json, "last_504_ms", explanation->last_504);
}

/* All that depends on whether the request is held to its budget. */
static void put_plan(struct json *json, const char *name, const struct explanation *explanation)
{
    open_value(json, name, '{');
    put_times(json, explanation);
    put_calls(json, explanation);
    put_end(json, explanation);
    close_value(json, '}');
}

static void put_plans(struct json *json, const struct explanation *enforced)
{
    struct explanation observed;

    put_plan(json, "enforced", enforced);
    if (enforced->route->enforce_share == SHARE_WHOLE) {
        put_plain(json, "observed", "null");
        return;
    }
    explanation_observe(&observed, enforced);
    put_plan(json, "observed", &observed);
}

void explain_print_json(const struct conf *conf, const struct explain_question *question, FILE *out)
{
    struct explanation explanation;
    struct json json = {.out = out};

    explanation_make(&explanation, conf, question);
    open_value(&json, NULL, '{');
    put_string(&json, "method", question->method);
    put_string(&json, "target", question->target);
    if (explanation.refusal.status != 0) {
        put_refusal(&json, &explanation.refusal);
    } else {
        put_route(&json, explanation.route);
        put_plans(&json, &explanation);
    }
    close_value(&json, '}');
    fputc('\n', out);
}
