#include "test/support/model.h"

#include <criterion/criterion.h>

static struct amount draw_amount(struct dice *dice, struct span fixed_most, int percent_most)
{
    struct amount amount = {.kind = AMOUNT_FIXED, .fixed = dice_span(dice, fixed_most)};

    if (dice_chance(dice, 40)) {
        amount.kind = AMOUNT_SHARE;
        amount.share = (int32_t)dice_to(dice, percent_most * SHARE_WHOLE / 100);
    }
    return amount;
}

static struct call_policy draw_call(struct dice *dice, struct span whole)
{
    struct call_policy call = {
        .budget = draw_amount(dice, whole, 100),
        .optional = dice_chance(dice, 30),
    };

    if (dice_chance(dice, 20))
        call.budget.kind = AMOUNT_REST;
    if (dice_chance(dice, 50))
        call.min = dice_span(dice, span_scale(whole, 1, 10));
    /* nothing is ever given a budget of nothing: conf refuses it */
    call.budget.fixed.ns++;
    call.budget.share++;
    return call;
}

static void draw_steps(struct model *model, struct dice *dice)
{
    struct policy *policy = &model->policy;

    policy->steps_count = 1 + (size_t)dice_to(dice, MODEL_STEPS_MAX - 1);
    for (size_t i = 0; i < policy->steps_count; i++) {
        struct step_policy *step = &model->steps[i];

        step->first = policy->calls_count;
        step->count = 1 + (size_t)dice_to(dice, MODEL_SIDE_BY_SIDE_MAX - 1);
        while (policy->calls_count < step->first + step->count)
            model->calls[policy->calls_count++] = draw_call(dice, policy->default_budget);
    }
    model->steps_calls_count = policy->calls_count;
}

/* Those that stand in may have others that stand in for them. */
static void draw_stand_ins(struct model *model, struct dice *dice, int percent)
{
    struct policy *policy = &model->policy;

    for (size_t i = 0; i < policy->calls_count && policy->calls_count < PLAN_CALLS_MAX; i++) {
        if (!dice_chance(dice, percent))
            continue;
        model->calls[i].fallback = policy->calls_count;
        model->calls[policy->calls_count++] = draw_call(dice, policy->default_budget);
    }
}

void model_draw(struct model *model, struct dice *dice, int stand_ins_percent)
{
    struct policy *policy = &model->policy;

    *model = (struct model){.policy = {.steps = model->steps, .calls = model->calls}};
    policy->default_budget = span_add(span_ms(1), dice_span(dice, span_s(10)));
    policy->max = span_add(policy->default_budget, dice_span(dice, span_s(20)));
    policy->local = draw_amount(dice, span_scale(policy->default_budget, 4, 10), 40);
    policy->reply = draw_amount(dice, span_scale(policy->default_budget, 1, 10), 10);
    if (dice_chance(dice, 50))
        policy->reply.kind = AMOUNT_AUTO;
    policy->proportional = dice_chance(dice, 50);
    draw_steps(model, dice);
    draw_stand_ins(model, dice, stand_ins_percent);
}

size_t model_parent(const struct model *model, size_t call)
{
    for (size_t i = 0; i < model->policy.calls_count; i++) {
        if (model->calls[i].fallback == call)
            return i;
    }
    cr_assert_fail("call %zu stands in for none", call);
    return 0;
}

size_t model_head(const struct model *model, size_t call)
{
    while (call >= model->steps_calls_count)
        call = model_parent(model, call);
    return call;
}

static struct span amount_of(const struct model *model, const struct amount *amount,
                             struct span whole)
{
    struct span usual = model->policy.default_budget;

    switch (amount->kind) {
    case AMOUNT_FIXED:
        if (model->policy.proportional && whole.ns < usual.ns)
            return span_scale(amount->fixed, whole.ns, usual.ns);
        return amount->fixed;
    case AMOUNT_SHARE:
        return span_scale(whole, amount->share, SHARE_WHOLE);
    case AMOUNT_AUTO:
        return span_max(span_ms(1), span_min(span_scale(whole, 2, 100), span_ms(20)));
    case AMOUNT_REST:
        break;
    }
    return SPAN_FOREVER;
}

struct span model_budget(const struct model *model, size_t call, struct span whole)
{
    return amount_of(model, &model->calls[call].budget, whole);
}

struct span model_reserve(const struct model *model, struct span whole)
{
    const struct amount *reply = &model->policy.reply;
    /* the reply never shrinks */
    struct span kept = reply->kind == AMOUNT_FIXED ? reply->fixed : amount_of(model, reply, whole);

    return span_max(amount_of(model, &model->policy.local, whole), kept);
}

struct span model_least(const struct model *model, size_t call)
{
    return span_max(model->calls[call].min, (struct span){.ns = 1});
}

struct span model_minima(const struct model *model, size_t step)
{
    struct span sum = SPAN_NONE;

    for (; step < model->policy.steps_count; step++) {
        const struct call_policy *call = &model->calls[model->steps[step].first];
        struct span largest = SPAN_NONE;

        for (size_t i = 0; i < model->steps[step].count; i++) {
            if (!call[i].optional)
                largest = span_max(largest, call[i].min);
        }
        sum = span_add(sum, largest);
    }
    return sum;
}
