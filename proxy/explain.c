#include "proxy/explain.h"

#include <inttypes.h>
#include <string.h>

#include "budget/plan.h"
#include "budget/rehearsal.h"
#include "conf/route.h"
#include "conf/text.h"

enum { TIME_TEXT = 24 };

/* Milliseconds, as short as they can be said to the microsecond. */
static const char *say(struct span span, char text[static TIME_TEXT])
{
    int64_t us = span.ns / NS_PER_US;
    int at = snprintf(text, TIME_TEXT, "%" PRId64 ".%03" PRId64, us / 1000, us % 1000);

    while (at > 0 && text[at - 1] == '0')
        text[--at] = '\0';
    if (at > 0 && text[at - 1] == '.')
        text[--at] = '\0';
    snprintf(text + at, TIME_TEXT - (size_t)at, " ms");
    return text;
}

/* Every call ends well: at the end of its grant, or at once. */
static void rehearse_all(struct rehearsal *rehearsal, const struct conf_route *route,
                         const struct span *budget, bool takes_all)
{
    struct rehearsed_call calls[PLAN_CALLS_MAX];

    for (size_t i = 0; i < route->calls_count; i++)
        calls[i] = (struct rehearsed_call){.takes_all = takes_all, .ends = CALL_OK};
    rehearse(rehearsal, &route->policy, budget, calls);
}

static const char *grant_text(const struct ledger_entry *entry, char text[static TIME_TEXT])
{
    switch (entry->outcome) {
    case CALL_WAITING:
        return "-";
    case CALL_SKIPPED:
        return "skipped";
    default:
        return say(entry->granted, text);
    }
}

static const char *due_text(const struct ledger_entry *entry, char text[static TIME_TEXT])
{
    if (entry->outcome == CALL_WAITING || entry->outcome == CALL_SKIPPED)
        return "-";
    return say(span_since((struct instant){.ns = 0}, ledger_due(entry)), text);
}

static void print_table(const struct conf *conf, const struct conf_route *route,
                        const struct rehearsal *all, const struct rehearsal *none, FILE *out)
{
    fprintf(out, "\n%-5s %-16s %-16s %-9s %14s %14s %14s\n", "step", "call", "upstream", "",
            "granted", "cut at", "granted");
    fprintf(out, "%-5s %-16s %-16s %-9s %14s %14s %14s\n", "", "", "", "", "all used", "all used",
            "none used");
    for (size_t s = 0; s < route->policy.steps_count; s++) {
        const struct step_policy *step = &route->policy.steps[s];
        for (size_t i = step->first; i < step->first + step->count; i++) {
            char granted[TIME_TEXT], due[TIME_TEXT], most[TIME_TEXT];
            fprintf(out, "%-5zu %-16s %-16s %-9s %14s %14s %14s\n", s + 1, route->calls[i].name,
                    conf->upstreams[route->calls[i].upstream].name,
                    route->policy.calls[i].optional ? "optional" : "",
                    grant_text(&all->ledger[i], granted), due_text(&all->ledger[i], due),
                    grant_text(&none->ledger[i], most));
        }
    }
}

/* The latest that a required call of the last step that was reached is cut. */
static struct instant last_cut(const struct conf_route *route, const struct rehearsal *all)
{
    struct instant cut = {.ns = 0};

    for (size_t i = 0; i < route->calls_count; i++) {
        if (!route->policy.calls[i].optional && all->ledger[i].outcome == CALL_OK)
            cut = instant_max(cut, ledger_due(&all->ledger[i]));
    }
    return cut;
}

static void print_end(const struct conf_route *route, const struct rehearsal *all, FILE *out)
{
    char text[TIME_TEXT];

    fputc('\n', out);
    if (all->end.kind == DECIDE_GIVE_UP) {
        const char *name = all->end.call == NO_CALL ? NULL : route->calls[all->end.call].name;
        bool is_first = all->plan.steps_begun == 0;
        fprintf(out, "%s: 504, reason %s%s%s\n",
                is_first ? "No call is made" : "If all before it is used up",
                reason_name(all->end.reason), name ? ", call " : "", name ? name : "");
        return;
    }
    fprintf(out, "A call that is not over when it is cut: 504 then, at the latest at %s.\n",
            say(span_since((struct instant){.ns = 0}, last_cut(route, all)), text));
}

static const char *budget_origin(const struct explain_question *question, const struct plan *plan)
{
    if (!question->budget)
        return " (the default)";
    return span_covers(plan->budget, *question->budget) ? "" : " (the most that the route allows)";
}

static void print_head(const struct conf_route *route, const struct explain_question *question,
                       const struct plan *plan, FILE *out)
{
    char budget[TIME_TEXT], local[TIME_TEXT], reply[TIME_TEXT], by[TIME_TEXT];

    fprintf(out, "%s %s\n\n", question->method, question->target);
    fprintf(out, "route    %s\n", route->name);
    fprintf(out, "budget   %s%s\n", say(plan->budget, budget), budget_origin(question, plan));
    fprintf(out, "kept     local %s, reply %s\n", say(plan->local, local), say(plan->reply, reply));
    fprintf(out, "calls    must be over at %s\n",
            say(span_since((struct instant){.ns = 0}, plan->calls_by), by));
}

bool explain_print(const struct conf *conf, const struct explain_question *question, FILE *out)
{
    struct text path = {.at = question->target, .count = strcspn(question->target, "?")};
    struct route_match match = route_find(conf->table, text_of(question->method), path);
    struct rehearsal all, none;

    if (match.result == ROUTE_NONE) {
        fprintf(out, "%s %s\n\nno route: 404\n", question->method, question->target);
        return false;
    }
    if (match.result == ROUTE_OTHER_METHOD) {
        fprintf(out, "%s %s\n\nno route for this method: 405, allowed: %s\n", question->method,
                question->target, match.allow);
        return false;
    }
    const struct conf_route *route = &conf->routes[match.route];
    rehearse_all(&all, route, question->budget, true);
    rehearse_all(&none, route, question->budget, false);
    print_head(route, question, &all.plan, out);
    print_table(conf, route, &all, &none, out);
    print_end(route, &all, out);
    return true;
}
