#include "conf/steps.h"

#include <string.h>

#include "conf/words.h"

size_t steps_find(const struct steps *steps, const char *name)
{
    size_t i = 0;

    while (i < steps->names_count && strcmp(steps->names[i], name) != 0)
        i++;
    return i;
}

static const char *add_call(struct steps *steps, char *name, struct store *store)
{
    const char *fault = name_fault(name);

    if (!*name)
        return "has an empty place: write session, stock + price, order";
    if (fault)
        return store_print(store, "has a call \"%s\", whose name %s", name, fault);
    if (steps_find(steps, name) < steps->names_count)
        return store_print(store, "has the call %s twice", name);
    if (steps->names_count == PLAN_CALLS_MAX)
        return "has more than 32 calls";
    steps->names[steps->names_count++] = name;
    return NULL;
}

const char *set_steps(void *field, const char *text, struct store *store)
{
    struct steps *steps = field;
    const char *fault = NULL;

    for (const char *rest = text; rest && !fault;) {
        size_t first = steps->names_count;
        const char *calls = items_next(&rest, ',', store);
        while (calls && !fault)
            fault = add_call(steps, items_next(&calls, '+', store), store);
        if (!fault)
            steps->steps[steps->count++] =
                (struct step_policy){.first = first, .count = steps->names_count - first};
    }
    return fault;
}
