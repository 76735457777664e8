#include "proxy/explanation.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "budget/hedge.h"
#include "conf/method.h"
#include "conf/route.h"
#include "conf/text.h"
#include "proxy/http1_target.h"

/* ---- which route ------------------------------------------------------------------------------ */

static struct explained_refusal invalid(const char *why)
{
    return (struct explained_refusal){.status = 400, .why = why};
}

/* In the order in which the codec and then the exchange look at a request. */
static struct explained_refusal refuse(const struct explain_question *question,
                                       const struct conf *conf, size_t *ret_route)
{
    struct request request = {.method = text_of(question->method),
                              .target = text_of(question->target)};

    if (!http1_is_token(request.method))
        return invalid("this is not a method");
    if (!http1_target_read(&request))
        return invalid("this is not a target, or not one for this method: a path begins with a "
                       "slash and has no . or .. segment");
    bool is_barred =
        text_is(request.method, TEXT("CONNECT")) || text_is(request.method, TEXT("TRACE"));
    struct route_match match = route_find(conf->table, request.method, request.path);
    if (match.result == ROUTE_OTHER_METHOD)
        return (struct explained_refusal){405, "no route for this method", match.allow};
    if (is_barred)
        return (struct explained_refusal){405, "this method goes nowhere", ""};
    if (match.result == ROUTE_NONE)
        return (struct explained_refusal){.status = 404, .why = "no route"};
    *ret_route = match.route;
    return (struct explained_refusal){.status = 0};
}

/* ---- attempts of a call ----------------------------------------------------------------------- */

/* A failure that retry-on names, if there is any. */
static struct attempt_result named_failure(const struct retry_on *on)
{
    if (on->connect)
        return (struct attempt_result){.outcome = CALL_REFUSED};
    for (int status = 429; status <= 599; status++) {
        if (retry_on_covers(on, CALL_STATUS, status))
            return (struct attempt_result){.outcome = CALL_STATUS, .status = status};
    }
    return (struct attempt_result){.outcome = CALL_TIMEOUT};
}

/* Asks for one retry after the other. are_cut: each attempt takes all the time that it has. */
static struct explained_retries fit_retries(struct retry retry, struct instant now, bool are_cut)
{
    struct explained_retries retries = {.fit = 0};
    struct attempt_result result = are_cut ? (struct attempt_result){.outcome = CALL_TIMEOUT}
                                           : named_failure(&retry.policy->on);

    for (;;) {
        if (are_cut)
            now = retry_attempt_due(&retry, now);
        struct retry_decision decision = retry_decide(&retry, &result, UINT64_MAX, now);
        retries.end = decision.verdict;
        if (decision.verdict != RETRY_AFTER)
            return retries;
        retries.fit++;
        now = instant_after(now, decision.delay);
    }
}

static struct instant fit_hedge(const struct explained_call *call, const struct retry *retry,
                                struct instant starts)
{
    struct hedge hedge = {.policy = &call->conf->hedge};

    if (call->conf->hedge.kind != HEDGE_FIXED || call->upstream->hedge_budget == 0)
        return INSTANT_NEVER;
    struct instant due = hedge_due(&hedge, retry, starts);
    return due.ns < retry_attempt_due(retry, starts).ns ? due : INSTANT_NEVER;
}

/* What becomes of a grant. The body, if there is one, is taken for one that can be sent again. */
static void fill_grant(const struct explained_call *call, const char *client_method,
                       struct explained_grant *grant)
{
    const char *method = call->conf->is_passing ? client_method : call->conf->method;
    struct allowance first, second;
    struct retry retry = {
        .policy = &call->conf->retry,
        .allowance = &first,
        .by = instant_after(grant->starts, grant->granted),
        .safe = method_is_idempotent(method_of(text_of(method))),
        .replayable = true,
    };

    allowance_init(&first, call->upstream->retry_budget);
    second = first;
    grant->told = span_until(retry_attempt_due(&retry, grant->starts), grant->starts);
    grant->hedge = fit_hedge(call, &retry, grant->starts);
    grant->at_once = fit_retries(retry, grant->starts, false);
    retry.allowance = &second;
    grant->cut = fit_retries(retry, grant->starts, true);
}

/* ---- grants ----------------------------------------------------------------------------------- */

static void rehearse_use(struct rehearsal *rehearsal, const struct explanation *explanation,
                         enum use use)
{
    const struct policy *policy = &explanation->route->policy;
    struct rehearsed_call calls[PLAN_CALLS_MAX];

    for (size_t i = 0; i < policy->calls_count; i++)
        calls[i] = (struct rehearsed_call){.takes_all = use == USE_ALL, .ends = CALL_OK};
    rehearse(rehearsal, policy, explanation->question->budget, calls);
}

static struct explained_grant grant_in_step(const struct ledger_entry *entry)
{
    enum grant_kind kind = entry->outcome == CALL_WAITING   ? GRANT_UNREACHED
                           : entry->outcome == CALL_SKIPPED ? GRANT_SKIPPED
                                                            : GRANT_GIVEN;

    return (struct explained_grant){
        .kind = kind, .starts = entry->started, .granted = entry->granted};
}

/* When calls of this step must be over for the required ones of later steps to have their minima. */
static struct instant step_by(const struct plan *plan, size_t step)
{
    const struct policy *policy = plan->policy;
    struct instant by = plan->calls_by;

    for (size_t i = step + 1; i < policy->steps_count; i++) {
        struct span min = SPAN_NONE;
        for (size_t j = 0; j < policy->steps[i].count; j++) {
            const struct call_policy *call = &policy->calls[policy->steps[i].first + j];
            min = span_max(min, call->optional ? SPAN_NONE : call->min);
        }
        by = instant_before(by, min);
    }
    return by;
}

/* When the required calls of a step are over at the latest: an optional one, and what stands in for
 * it, does not make its step longer. */
static struct instant required_by(const struct rehearsal *rehearsal, size_t step)
{
    const struct policy *policy = rehearsal->plan.policy;
    struct instant by = {.ns = 0};
    bool any = false;

    for (size_t j = 0; j < policy->steps[step].count; j++) {
        size_t i = policy->steps[step].first + j;
        if (policy->calls[i].optional)
            continue;
        by = instant_max(by, ledger_due(&rehearsal->ledger[i]));
        any = true;
    }
    return any ? by : step_by(&rehearsal->plan, step);
}

static struct span budget_of(const struct plan *plan, const struct call_policy *call)
{
    const struct policy *policy = plan->policy;
    struct span budget = amount_span(call->budget, plan->budget);

    if (!policy->proportional || call->budget.kind != AMOUNT_FIXED ||
        span_covers(plan->budget, policy->default_budget))
        return budget;
    return span_scale(budget, plan->budget.ns, policy->default_budget.ns);
}

/* What a stand-in is granted when the call before it has failed, at once or when it was cut. by:
 * when the chain must be over. */
static struct explained_grant grant_instead(const struct explained_call *call,
                                            const struct explained_grant *before, enum use use,
                                            const struct plan *plan, struct instant by)
{
    struct span used = use == USE_ALL ? before->granted : SPAN_NONE;
    struct explained_grant grant = {.starts = instant_after(before->starts, used)};
    struct span available = span_until(by, grant.starts);
    struct span least = span_max(call->policy->min, (struct span){.ns = 1});

    if (before->kind != GRANT_GIVEN)
        return grant;
    grant.granted = span_min(span_max(budget_of(plan, call->policy), least), available);
    grant.kind = span_covers(available, least) ? GRANT_GIVEN : GRANT_SKIPPED;
    return grant;
}

/* ---- all of it -------------------------------------------------------------------------------- */

static struct explained_call *add_call(struct explanation *explanation, const struct conf *conf,
                                       size_t index, size_t step)
{
    struct explained_call *call = &explanation->calls[explanation->calls_count++];

    assert(explanation->calls_count <= PLAN_CALLS_MAX);
    *call = (struct explained_call){
        .conf = &explanation->route->calls[index],
        .policy = &explanation->route->policy.calls[index],
        .upstream = &conf->upstreams[explanation->route->calls[index].upstream],
        .step = step,
    };
    return call;
}

/* The stand-ins of the call that was added last: one for the other. */
static void add_stand_ins(struct explanation *explanation, const struct conf *conf)
{
    struct explained_call *before = &explanation->calls[explanation->calls_count - 1];
    bool is_optional = before->policy->optional;
    size_t step = before->step;

    while (before->policy->fallback != 0) {
        struct explained_call *call = add_call(explanation, conf, before->policy->fallback, step);
        call->failing = before->conf->name;
        for (enum use use = 0; use < USES; use++) {
            const struct rehearsal *rehearsal = &explanation->rehearsals[use];
            struct instant by =
                is_optional ? required_by(rehearsal, step) : step_by(&rehearsal->plan, step);
            call->grants[use] =
                grant_instead(call, &before->grants[use], use, &rehearsal->plan, by);
        }
        before = call;
    }
}

static void add_calls(struct explanation *explanation, const struct conf *conf)
{
    const struct policy *policy = &explanation->route->policy;

    for (size_t step = 0; step < policy->steps_count; step++) {
        for (size_t j = 0; j < policy->steps[step].count; j++) {
            size_t index = policy->steps[step].first + j;
            struct explained_call *call = add_call(explanation, conf, index, step);
            for (enum use use = 0; use < USES; use++)
                call->grants[use] = grant_in_step(&explanation->rehearsals[use].ledger[index]);
            add_stand_ins(explanation, conf);
        }
    }
}

/* The latest that a call is cut without which there is no answer. */
static struct instant find_last_cut(const struct explanation *explanation)
{
    struct instant last = {.ns = 0};
    bool is_required = false;

    for (size_t i = 0; i < explanation->calls_count; i++) {
        const struct explained_call *call = &explanation->calls[i];
        const struct explained_grant *grant = &call->grants[USE_ALL];
        if (!call->failing)
            is_required = !call->policy->optional;
        if (is_required && grant->kind == GRANT_GIVEN)
            last = instant_max(last, instant_after(grant->starts, grant->granted));
    }
    return last;
}

static struct instant find_last_504(const struct explanation *explanation)
{
    const struct rehearsal *all = &explanation->rehearsals[USE_ALL];
    struct instant last = explanation->last_cut;

    if (all->end.kind == DECIDE_GIVE_UP)
        return instant_max(last, all->over);
    if (explanation->route->answers == ANSWER_MERGE)
        return instant_max(last, all->plan.reply_by);
    return last;
}

void explanation_make(struct explanation *explanation, const struct conf *conf,
                      const struct explain_question *question)
{
    size_t route = 0;

    *explanation = (struct explanation){.question = question};
    explanation->refusal = refuse(question, conf, &route);
    if (explanation->refusal.status != 0)
        return;
    explanation->route = &conf->routes[route];
    for (enum use use = 0; use < USES; use++)
        rehearse_use(&explanation->rehearsals[use], explanation, use);
    add_calls(explanation, conf);
    for (size_t i = 0; i < explanation->calls_count; i++) {
        struct explained_call *call = &explanation->calls[i];
        for (enum use use = 0; use < USES; use++)
            fill_grant(call, question->method, &call->grants[use]);
    }
    explanation->last_cut = find_last_cut(explanation);
    explanation->last_504 = find_last_504(explanation);
}

void explanation_label(const struct explained_call *call, char text[static LABEL_TEXT])
{
    snprintf(text, LABEL_TEXT, "%s%s%s", call->failing ? "else " : "", call->conf->name,
             call->policy->optional && !call->failing ? "?" : "");
}
