#include "proxy/explanation.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "budget/hedge.h"
#include "conf/method.h"
#include "conf/route.h"
#include "conf/text.h"
#include "proxy/http1_head.h"
#include "proxy/http1_target.h"
#include "proxy/writer.h"

/* ---- which route ------------------------------------------------------------------------------ */

static struct explained_refusal invalid(const char *why)
{
    return (struct explained_refusal){.status = 400, .why = why};
}

/* What the codec says of a request that has nothing wrong with it but perhaps its method. CONNECT has
 * targets of its own. */
static int refuse_method(struct text method)
{
    char room[64];
    struct writer writer = writer_on(room, sizeof room);
    struct header headers[HTTP1_HEADERS_MAX];
    struct http1_head head;

    if (text_is(method, TEXT("CONNECT")))
        return 0;
    write_text(&writer, method);
    write_string(&writer, " / HTTP/1.1\r\nHost: h\r\n\r\n");
    return writer.is_cut
               ? 501
               : http1_head_read(&head, writer_text(&writer), headers, HTTP1_HEADERS_MAX).status;
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
    int status = refuse_method(request.method);
    if (status != 0)
        return (struct explained_refusal){.status = status, .why = "this method is not known"};
    bool is_barred =
        text_is(request.method, TEXT("CONNECT")) || text_is(request.method, TEXT("TRACE"));
    struct route_match match = route_find(conf->table, request.method, request.path);
    if (match.result == ROUTE_OTHER_METHOD)
        return (struct explained_refusal){405, "no route for this method", match.allow};
    if (is_barred)
        return (struct explained_refusal){405, "this method goes nowhere",
                                          match.result == ROUTE_FOUND ? METHODS_IN_USE : ""};
    if (match.result == ROUTE_NONE)
        return (struct explained_refusal){.status = 404, .why = "no route"};
    *ret_route = match.route;
    return (struct explained_refusal){.status = 0};
}

/* ---- attempts of a call ----------------------------------------------------------------------- */

/* Where the policy and the ledger have it. */
static size_t index_of(const struct explanation *explanation, const struct explained_call *call)
{
    return (size_t)(call->policy - explanation->route->policy.calls);
}

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

/* As the proxy begins a call, with an endless grant and nothing drawn from the allowance yet. */
static struct retry retry_of(const struct explained_call *call, const char *client_method,
                             struct allowance *allowance)
{
    const char *method = call->conf->is_passing ? client_method : call->conf->method;

    allowance_init(allowance, call->upstream->retry_budget);
    return (struct retry){
        .policy = &call->retry,
        .allowance = allowance,
        .by = INSTANT_NEVER,
        .safe = method_is_idempotent(method_of(text_of(method))),
        .replayable = true,
    };
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
static void fill_grant(const struct explanation *explanation, const struct explained_call *call,
                       struct explained_grant *grant)
{
    struct allowance first, second;
    struct retry retry = retry_of(call, explanation->question->method, &first);

    second = first;
    retry.by = instant_after(grant->starts, grant->granted);
    grant->cut = instant_min(
        retry.by, instant_after(grant->starts, explanation->most[index_of(explanation, call)]));
    grant->told = span_until(retry_attempt_due(&retry, grant->starts), grant->starts);
    grant->hedge = fit_hedge(call, &retry, grant->starts);
    grant->at_once = fit_retries(retry, grant->starts, false);
    retry.allowance = &second;
    grant->at_cut = fit_retries(retry, grant->starts, true);
}

/* ---- the most that a call takes --------------------------------------------------------------- */

/* What the first attempt takes more when another races it: that one may last as long. */
static struct span longest_head_start(const struct explained_call *call, const struct retry *retry)
{
    const struct instant begin = {.ns = 0};

    if (call->conf->hedge.kind == HEDGE_LATELY && call->upstream->hedge_budget > 0 && retry->safe)
        return call->retry.attempt;
    struct instant hedge = fit_hedge(call, retry, begin);
    return hedge.ns == INSTANT_NEVER.ns ? SPAN_NONE : span_until(hedge, begin);
}

/* All attempts, and the longest waits between them. One that fails and is tried again may have taken
 * all of its time, whatever the failure is that retry-on names. */
static struct span most_of(const struct explained_call *call, const char *client_method)
{
    struct allowance allowance;
    struct retry retry = retry_of(call, client_method, &allowance);
    struct span most = span_add(call->retry.attempt, longest_head_start(call, &retry));
    unsigned retries = fit_retries(retry, (struct instant){.ns = 0}, false).fit;

    for (unsigned i = 0; i < retries; i++) {
        struct span wait = span_of(call->retry.backoff.ns, INT64_C(1) << i);
        most = span_add(most, span_add(call->retry.attempt, wait));
    }
    return most;
}

/* ---- grants ----------------------------------------------------------------------------------- */

static void rehearse_calls(struct rehearsal *rehearsal, const struct explanation *explanation,
                           const struct rehearsed_call *calls)
{
    const struct policy *policy = &explanation->route->policy;

    if (explanation->is_observed)
        rehearse_observed(rehearsal, policy, calls);
    else
        rehearse(rehearsal, policy, explanation->question->budget, calls);
}

/* All calls end well. */
static void play_well(const struct explanation *explanation, enum use use,
                      struct rehearsed_call calls[static PLAN_CALLS_MAX])
{
    for (size_t i = 0; i < explanation->route->policy.calls_count; i++)
        calls[i] = (struct rehearsed_call){
            .takes = use == USE_ALL ? explanation->most[i] : SPAN_NONE,
            .is_in_time = true,
            .ends = CALL_OK,
        };
}

static struct explained_grant grant_in(const struct ledger_entry *entry)
{
    enum grant_kind kind = entry->outcome == CALL_WAITING   ? GRANT_UNREACHED
                           : entry->outcome == CALL_SKIPPED ? GRANT_SKIPPED
                                                            : GRANT_GIVEN;

    return (struct explained_grant){
        .kind = kind, .starts = entry->started, .granted = entry->granted};
}

/* What a call is granted that stands in for another, when that one has failed, and those before it
 * for which it stands in: they precede it in the list. */
static struct explained_grant grant_instead(const struct explanation *explanation,
                                            const struct explained_call *call, enum use use)
{
    struct rehearsed_call calls[PLAN_CALLS_MAX];
    struct rehearsal rehearsal;
    size_t index = index_of(explanation, call);

    play_well(explanation, use, calls);
    while (call->failing) {
        call--;
        calls[index_of(explanation, call)].ends = CALL_BROKEN;
    }
    rehearse_calls(&rehearsal, explanation, calls);
    return grant_in(&rehearsal.ledger[index]);
}

static void add_grants(struct explanation *explanation, enum use use)
{
    struct rehearsal *rehearsal = &explanation->rehearsals[use];
    struct rehearsed_call calls[PLAN_CALLS_MAX];

    play_well(explanation, use, calls);
    rehearse_calls(rehearsal, explanation, calls);
    for (size_t i = 0; i < explanation->calls_count; i++) {
        struct explained_call *call = &explanation->calls[i];
        call->grants[use] = call->failing
                                ? grant_instead(explanation, call, use)
                                : grant_in(&rehearsal->ledger[index_of(explanation, call)]);
        fill_grant(explanation, call, &call->grants[use]);
    }
}

/* ---- all of it -------------------------------------------------------------------------------- */

static struct explained_call *add_call(struct explanation *explanation, size_t index, size_t step)
{
    struct explained_call *call = &explanation->calls[explanation->calls_count++];
    const struct conf_call *conf = &explanation->route->calls[index];

    assert(explanation->calls_count <= PLAN_CALLS_MAX);
    *call = (struct explained_call){
        .conf = conf,
        .policy = &explanation->route->policy.calls[index],
        .upstream = &explanation->conf->upstreams[conf->upstream],
        .retry = conf->retry,
        .step = step,
    };
    if (explanation->is_observed)
        call->retry.attempt = SPAN_FOREVER;
    explanation->most[index] = most_of(call, explanation->question->method);
    return call;
}

/* Each followed by those that stand in, one for the other. */
static void add_calls(struct explanation *explanation)
{
    const struct policy *policy = &explanation->route->policy;

    for (size_t step = 0; step < policy->steps_count; step++) {
        for (size_t j = 0; j < policy->steps[step].count; j++) {
            const struct explained_call *call =
                add_call(explanation, policy->steps[step].first + j, step);
            while (call->policy->fallback != 0) {
                const char *failing = call->conf->name;
                struct explained_call *other = add_call(explanation, call->policy->fallback, step);
                other->failing = failing;
                call = other;
            }
        }
    }
}

static struct instant find_last_504(const struct explanation *explanation)
{
    const struct plan *plan = explanation_plan(explanation);
    bool merges = plan->steps_begun > 0 && explanation->route->answers == ANSWER_MERGE;

    return merges ? instant_max(explanation->last_cut, plan->reply_by) : explanation->last_cut;
}

static void find_facts(struct explanation *explanation)
{
    add_calls(explanation);
    for (enum use use = 0; use < USES; use++)
        add_grants(explanation, use);
    explanation->last_cut = rehearse_latest(&explanation->rehearsals[USE_ALL], explanation->most);
    explanation->last_504 = find_last_504(explanation);
}

void explanation_make(struct explanation *explanation, const struct conf *conf,
                      const struct explain_question *question)
{
    size_t route = 0;

    *explanation = (struct explanation){.question = question, .conf = conf};
    explanation->refusal = refuse(question, conf, &route);
    if (explanation->refusal.status != 0)
        return;
    explanation->route = &conf->routes[route];
    find_facts(explanation);
}

void explanation_observe(struct explanation *observed, const struct explanation *enforced)
{
    *observed = (struct explanation){
        .question = enforced->question,
        .conf = enforced->conf,
        .is_observed = true,
        .route = enforced->route,
    };
    find_facts(observed);
}

void explanation_label(const struct explained_call *call, char text[static LABEL_TEXT])
{
    snprintf(text, LABEL_TEXT, "%s%s%s", call->failing ? "else " : "", call->conf->name,
             call->policy->optional && !call->failing ? "?" : "");
}
