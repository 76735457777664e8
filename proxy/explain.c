#include "proxy/explain.h"

#include <stdio.h>

#include "budget/wire.h"
#include "proxy/explanation.h"
#include "proxy/writer.h"

enum { TIME_TEXT = 32 };

/* Milliseconds, as short as they can be said to the microsecond. */
static const char *say(struct span span, char text[static TIME_TEXT])
{
    struct writer writer = writer_on(text, TIME_TEXT - 1);

    write_ms_short(&writer, span);
    *writer.at = '\0';
    return text;
}

static const char *say_when(struct instant instant, char text[static TIME_TEXT])
{
    return say(span_since((struct instant){.ns = 0}, instant), text);
}

/* ---- the route and its times ------------------------------------------------------------------ */

static void print_refusal(const struct explained_refusal *refusal, FILE *out)
{
    fprintf(out, "%s: %d", refusal->why, refusal->status);
    if (refusal->status == 405)
        fprintf(out, ", allowed: %s", *refusal->allow ? refusal->allow : "nothing");
    fputc('\n', out);
}

static const char *budget_origin(const struct explanation *explanation)
{
    const struct span *asked = explanation->question->budget;

    if (!asked)
        return " (the default)";
    return span_covers(explanation_plan(explanation)->budget, *asked)
               ? ""
               : " (the most that the route allows)";
}

static void print_answer(const struct conf_route *route, FILE *out)
{
    if (route->answers == ANSWER_MERGE)
        fputs("answer   the bodies of all calls, merged\n", out);
    else
        fprintf(out, "answer   of call %s\n", route->calls[route->answer].name);
}

static void print_share(const struct conf_route *route, FILE *out)
{
    if (route->enforce_share == 0)
        fputs("mode     only observed: no request is held to its budget\n", out);
    else if (route->enforce_share < SHARE_WHOLE)
        fprintf(out, "mode     enforced for %.7g%% of requests, the others are only observed\n",
                route->enforce_share * 100.0 / SHARE_WHOLE);
}

static void print_head(const struct explanation *explanation, FILE *out)
{
    const struct conf_route *route = explanation->route;
    const struct plan *plan = explanation_plan(explanation);
    char one[TIME_TEXT], two[TIME_TEXT], three[TIME_TEXT];

    fprintf(out, "route    %s: %s\n", route->name, route->match);
    print_answer(route, out);
    print_share(route, out);
    fprintf(out, "budget   %s ms%s\n", say(plan->budget, one), budget_origin(explanation));
    fprintf(out, "kept     local %s ms, reply %s ms\n", say(plan->local, one),
            say(plan->reply, two));
    fprintf(out, "ends     calls at %s ms, an answer is on its way by %s ms, all at %s ms\n",
            say_when(plan->calls_by, one), say_when(plan->reply_by, two),
            say_when(plan->hard, three));
}

/* ---- grants ----------------------------------------------------------------------------------- */

static const char *granted_text(const struct explained_grant *grant, char text[static TIME_TEXT])
{
    switch (grant->kind) {
    case GRANT_UNREACHED:
        break;
    case GRANT_SKIPPED:
        return "skipped";
    case GRANT_GIVEN:
        return say(grant->granted, text);
    }
    return "-";
}

static void print_grants(const struct explanation *explanation, FILE *out)
{
    fputs("\nin ms, if the calls before used nothing, and if they used all that they may:\n\n",
          out);
    fprintf(out, "%-4s  %-16s %-14s %9s | %9s\n", "step", "call", "upstream", "none used",
            "all used");
    fprintf(out, "%-37s %9s | %9s %9s %9s\n", "", "granted", "starts at", "granted", "cut at");
    for (size_t i = 0; i < explanation->calls_count; i++) {
        const struct explained_call *call = &explanation->calls[i];
        const struct explained_grant *all = &call->grants[USE_ALL];
        bool is_given = all->kind == GRANT_GIVEN;
        char label[LABEL_TEXT], instant[TIME_TEXT], granted[TIME_TEXT], start[TIME_TEXT],
            due[TIME_TEXT];
        explanation_label(call, label);
        fprintf(out, "%-4zu  %-16s %-14s %9s | %9s %9s %9s\n", call->step + 1, label,
                call->upstream->name, granted_text(&call->grants[USE_NONE], instant),
                is_given ? say_when(all->starts, start) : "-", granted_text(all, granted),
                is_given ? say_when(instant_after(all->starts, all->granted), due) : "-");
    }
}

/* ---- retries, hedges, what is told ------------------------------------------------------------ */

/* A line of these tables: what it is about, and its cell for each use. */
struct line {
    const struct explained_call *call;
    char what[64];
    char cells[USES][WIRE_TEXT_MAX];
};

/* The head of a table, before its first line. */
static void print_title(const char *title, bool *is_begun, FILE *out)
{
    if (!*is_begun)
        fprintf(out, "\n%-39s %15s | %15s\n", title, "none used", "all used");
    *is_begun = true;
}

static void print_line(struct line *line, FILE *out)
{
    for (enum use use = 0; use < USES; use++) {
        if (line->call->grants[use].kind != GRANT_GIVEN)
            snprintf(line->cells[use], sizeof line->cells[use], "-");
    }
    fprintf(out, "  %-16s %-20s %15s | %15s\n", line->call->conf->name, line->what,
            line->cells[USE_NONE], line->cells[USE_ALL]);
}

static void write_retries(const struct explained_retries *retries, unsigned most,
                          char cell[static WIRE_TEXT_MAX])
{
    if (retries->fit > 0)
        snprintf(cell, WIRE_TEXT_MAX, "%u of %u", retries->fit, most);
    else if (retries->end == RETRY_NO_TIME)
        snprintf(cell, WIRE_TEXT_MAX, "no retry fits");
    else
        snprintf(cell, WIRE_TEXT_MAX, "none: %s", retry_verdict_name(retries->end));
}

static void print_retries_of(const struct explained_call *call, FILE *out)
{
    const struct retry_policy *policy = &call->conf->retry;
    struct line at_once = {.call = call, .what = "fail at once"};
    struct line cut = {.call = call, .what = "take all there is"};
    char text[TIME_TEXT];

    if (policy->attempt.ns != SPAN_FOREVER.ns)
        snprintf(cut.what, sizeof cut.what, "take %s ms", say(policy->attempt, text));
    for (enum use use = 0; use < USES; use++) {
        write_retries(&call->grants[use].at_once, policy->retries, at_once.cells[use]);
        write_retries(&call->grants[use].cut, policy->retries, cut.cells[use]);
    }
    print_line(&at_once, out);
    print_line(&cut, out);
}

static void print_retries(const struct explanation *explanation, FILE *out)
{
    bool is_begun = false;

    for (size_t i = 0; i < explanation->calls_count; i++) {
        if (explanation->calls[i].conf->retry.retries == 0)
            continue;
        print_title("retries that fit, if attempts", &is_begun, out);
        print_retries_of(&explanation->calls[i], out);
    }
}

static void print_hedges(const struct explanation *explanation, FILE *out)
{
    bool is_begun = false;

    for (size_t i = 0; i < explanation->calls_count; i++) {
        const struct explained_call *call = &explanation->calls[i];
        const struct hedge_policy *hedge = &call->conf->hedge;
        struct line line = {.call = call};
        char text[TIME_TEXT];
        if (hedge->kind == HEDGE_OFF)
            continue;
        if (hedge->kind == HEDGE_FIXED)
            snprintf(line.what, sizeof line.what, "after %s ms", say(hedge->delay, text));
        else
            snprintf(line.what, sizeof line.what, "after its p%u", hedge->percent);
        for (enum use use = 0; use < USES; use++) {
            struct instant at = call->grants[use].hedge;
            const char *never = hedge->kind == HEDGE_FIXED ? "never" : "then";
            snprintf(line.cells[use], sizeof line.cells[use], "%s",
                     at.ns == INSTANT_NEVER.ns ? never : say_when(at, text));
        }
        print_title("hedges start at", &is_begun, out);
        print_line(&line, out);
    }
}

static void print_tells_of(const struct explained_call *call, int64_t realtime_ms, FILE *out)
{
    for (size_t i = 0; i < call->upstream->tells_count; i++) {
        const struct wire_field *field = &call->upstream->tells[i];
        struct line line = {.call = call};
        snprintf(line.what, sizeof line.what, "%s", field->name);
        for (enum use use = 0; use < USES; use++) {
            const struct explained_grant *grant = &call->grants[use];
            int64_t starts_ms = realtime_ms + grant->starts.ns / NS_PER_MS;
            if (wire_write(field->format, grant->told, starts_ms, line.cells[use]) == 0)
                snprintf(line.cells[use], sizeof line.cells[use], "too little");
        }
        print_line(&line, out);
    }
    if (call->upstream->tells_count == 0)
        fprintf(out, "  %-16s nothing\n", call->conf->name);
}

static void print_tells(const struct explanation *explanation, FILE *out)
{
    bool is_begun = false;

    for (size_t i = 0; i < explanation->calls_count; i++) {
        print_title("upstreams are told", &is_begun, out);
        print_tells_of(&explanation->calls[i], explanation->question->realtime_ms, out);
    }
}

/* ---- the end ---------------------------------------------------------------------------------- */

static void print_end(const struct explanation *explanation, FILE *out)
{
    const struct rehearsal *all = &explanation->rehearsals[USE_ALL];
    const struct conf_route *route = explanation->route;
    char text[TIME_TEXT];

    fputc('\n', out);
    if (all->end.kind == DECIDE_GIVE_UP) {
        bool has_call = all->end.call != NO_CALL;
        fprintf(out, "%s: 504 at %s ms, reason %s%s%s.\n",
                all->plan.steps_begun == 0 ? "No call is made" : "If all before it is used up",
                say_when(all->over, text), reason_name(all->end.reason), has_call ? ", call " : "",
                has_call ? route->calls[all->end.call].name : "");
    }
    if (explanation->last_cut.ns > 0)
        fprintf(out, "A call that is not over when it is cut: 504 then, at the latest at %s ms.\n",
                say_when(explanation->last_cut, text));
    if (all->plan.steps_begun > 0 && route->answers == ANSWER_MERGE)
        fprintf(out, "A merge that is not made in time: 504 at %s ms.\n",
                say_when(all->plan.reply_by, text));
}

void explain_print(const struct conf *conf, const struct explain_question *question, FILE *out)
{
    struct explanation explanation;

    explanation_make(&explanation, conf, question);
    fprintf(out, "%s %s\n\n", question->method, question->target);
    if (explanation.refusal.status != 0) {
        print_refusal(&explanation.refusal, out);
        return;
    }
    print_head(&explanation, out);
    fputc('\n', out);
    explanation_draw(&explanation, out);
    print_grants(&explanation, out);
    print_retries(&explanation, out);
    print_hedges(&explanation, out);
    print_tells(&explanation, out);
    print_end(&explanation, out);
}
