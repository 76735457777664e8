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

    if (explanation->is_observed)
        return " (the most that the route allows)";
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

/* Of some requests only, or of none, that they are held to their budget. */
static void print_share(const struct conf_route *route, FILE *out)
{
    if (route->enforce_share == 0)
        fputs("mode     only observed: no request is held to its budget\n", out);
    else if (route->enforce_share < SHARE_WHOLE)
        fprintf(out, "mode     enforced for %.7g%% of requests, the others are only observed\n",
                route->enforce_share * 100.0 / SHARE_WHOLE);
}

static void print_route(const struct conf_route *route, FILE *out)
{
    fprintf(out, "route    %s: %s\n", route->name, route->match);
    print_answer(route, out);
    print_share(route, out);
}

static void print_times(const struct explanation *explanation, FILE *out)
{
    const struct plan *plan = explanation_plan(explanation);
    char one[TIME_TEXT], two[TIME_TEXT], three[TIME_TEXT];

    fprintf(out, "budget   %s ms%s\n", say(plan->budget, one), budget_origin(explanation));
    fprintf(out, "kept     local %s ms, reply %s ms\n", say(plan->local, one),
            say(plan->reply, two));
    fprintf(out, "ends     calls at %s ms, an answer is on its way by %s ms, all at %s ms\n",
            say_when(plan->calls_by, one), say_when(plan->reply_by, two),
            say_when(plan->hard, three));
}

/* ---- grants ----------------------------------------------------------------------------------- */

static const char *granted_text(const struct explained_call *call, enum use use,
                                char text[static TIME_TEXT])
{
    const struct explained_grant *grant = &call->grants[use];

    switch (grant->kind) {
    case GRANT_UNREACHED:
        break;
    case GRANT_SKIPPED:
        return call->failing ? "no time" : "skipped";
    case GRANT_GIVEN:
        return say(grant->granted, text);
    }
    return "-";
}

static void print_grant(const struct explained_call *call, FILE *out)
{
    const struct explained_grant *all = &call->grants[USE_ALL];
    bool is_given = all->kind == GRANT_GIVEN;
    char label[LABEL_TEXT], instant[TIME_TEXT], granted[TIME_TEXT], start[TIME_TEXT],
        due[TIME_TEXT];

    explanation_label(call, label);
    fprintf(out, "%-4zu  %-16s %-14s %9s | %9s %9s %9s\n", call->step + 1, label,
            call->upstream->name, granted_text(call, USE_NONE, instant),
            is_given ? say_when(all->starts, start) : "-", granted_text(call, USE_ALL, granted),
            is_given ? say_when(all->cut, due) : "-");
}

/* What the table cannot say. */
static void print_notes(const struct explanation *explanation, FILE *out)
{
    bool any_short = false;
    bool any_late = false;

    for (size_t i = 0; i < explanation->calls_count; i++) {
        const struct explained_call *call = &explanation->calls[i];
        const struct explained_grant *all = &call->grants[USE_ALL];
        any_late = any_late || (call->failing && all->kind == GRANT_SKIPPED);
        any_short = any_short || (all->kind == GRANT_GIVEN &&
                                  all->cut.ns < instant_after(all->starts, all->granted).ns);
    }
    if (any_late)
        fputs(
            "\nno time: the call that it stands in for leaves too little, if it takes all that it "
            "may.\n",
            out);
    if (any_short)
        fputs("\nA call that is cut before its grant is over has no attempts left. To wait for a "
              "connection,\nor as Retry-After asks, makes it longer, but not longer than its "
              "grant.\n",
              out);
}

static void print_grants(const struct explanation *explanation, FILE *out)
{
    fputs("\nin ms, if the calls before used nothing, and if they used all that they may:\n\n",
          out);
    fprintf(out, "%-4s  %-16s %-14s %9s | %9s\n", "step", "call", "upstream", "none used",
            "all used");
    fprintf(out, "%-37s %9s | %9s %9s %9s\n", "", "granted", "starts at", "granted", "cut at");
    for (size_t i = 0; i < explanation->calls_count; i++)
        print_grant(&explanation->calls[i], out);
    print_notes(explanation, out);
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
    const struct retry_policy *policy = &call->retry;
    struct line at_once = {.call = call, .what = "fail at once"};
    struct line cut = {.call = call, .what = "take all there is"};
    char text[TIME_TEXT];

    if (policy->attempt.ns != SPAN_FOREVER.ns)
        snprintf(cut.what, sizeof cut.what, "take %s ms", say(policy->attempt, text));
    for (enum use use = 0; use < USES; use++) {
        write_retries(&call->grants[use].at_once, policy->retries, at_once.cells[use]);
        write_retries(&call->grants[use].at_cut, policy->retries, cut.cells[use]);
    }
    print_line(&at_once, out);
    print_line(&cut, out);
}

static void print_retries(const struct explanation *explanation, FILE *out)
{
    bool is_begun = false;

    for (size_t i = 0; i < explanation->calls_count; i++) {
        if (explanation->calls[i].retry.retries == 0)
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

/* What becomes of the request when a call is cut. */
static void print_cuts(const struct explanation *explanation, FILE *out)
{
    bool any_optional = false;
    bool any_other = false;
    char text[TIME_TEXT];

    for (size_t i = 0; i < explanation->calls_count; i++) {
        any_optional = any_optional || explanation->calls[i].policy->optional;
        any_other = any_other || explanation->calls[i].failing;
    }
    if (explanation->last_cut.ns > 0)
        fprintf(out,
                "A %scall that is not over when it is cut: 504 then, at the latest at %s ms.\n",
                any_optional ? "required " : "", say_when(explanation->last_cut, text));
    if (any_other)
        fputs("If another stands in for it, and there is time for that one: no 504, it is made.\n",
              out);
    if (any_optional)
        fputs("An optional call that is cut leaves a gap, and no 504.\n", out);
}

static void print_end(const struct explanation *explanation, FILE *out)
{
    const struct rehearsal *all = &explanation->rehearsals[USE_ALL];
    const struct conf_route *route = explanation->route;
    char text[TIME_TEXT];

    fputc('\n', out);
    /* With REASON_LOCAL all calls are made: the last of them are cut when an answer is due. */
    if (all->end.kind == DECIDE_GIVE_UP && all->end.reason != REASON_LOCAL) {
        bool has_call = all->end.call != NO_CALL;
        fprintf(out, "%s: 504 at %s ms, reason %s%s%s.\n",
                all->plan.steps_begun == 0 ? "No call is made" : "If all before it is used up",
                say_when(all->over, text), reason_name(all->end.reason), has_call ? ", call " : "",
                has_call ? route->calls[all->end.call].name : "");
    }
    if (all->plan.steps_begun == 0)
        return;
    print_cuts(explanation, out);
    if (route->answers == ANSWER_MERGE)
        fprintf(out, "A merge that is not made in time: 504 at %s ms.\n",
                say_when(all->plan.reply_by, text));
}

static void print_tables(const struct explanation *explanation, FILE *out)
{
    print_grants(explanation, out);
    print_retries(explanation, out);
    print_hedges(explanation, out);
    print_tells(explanation, out);
    print_end(explanation, out);
}

/* ---- all of it -------------------------------------------------------------------------------- */

static void print_enforced(const struct explanation *enforced, FILE *out)
{
    print_times(enforced, out);
    fputc('\n', out);
    explanation_draw(enforced, out);
    print_tables(enforced, out);
}

/* What holds for those that are only observed, and for those that are not. */
static void print_both(const struct explanation *enforced, FILE *out)
{
    int32_t share = enforced->route->enforce_share;
    struct explanation observed;

    explanation_observe(&observed, enforced);
    fputc('\n', out);
    explanation_draw(enforced, out);
    fprintf(out, "\nOBSERVED, as %.7g%% of requests are: max is spent, whatever they ask for\n\n",
            (SHARE_WHOLE - share) * 100.0 / SHARE_WHOLE);
    print_times(&observed, out);
    print_tables(&observed, out);
    if (share == 0)
        fputs("\nENFORCED, as no request is: what it would be held to\n\n", out);
    else
        fprintf(out, "\nENFORCED, as %.7g%% of requests are: what they are held to\n\n",
                share * 100.0 / SHARE_WHOLE);
    print_times(enforced, out);
    print_tables(enforced, out);
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
    print_route(explanation.route, out);
    if (explanation.route->enforce_share < SHARE_WHOLE)
        print_both(&explanation, out);
    else
        print_enforced(&explanation, out);
}
