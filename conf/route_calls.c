#include "conf/route_calls.h"

#include <string.h>

#include "conf/nearest.h"

/* A call's section: it is of this route. NULL: there is none. */
static struct section *find_section(struct draft *draft, const struct section *route,
                                    const char *name)
{
    struct section *section =
        draft_find(draft, SECTION_CALL, store_print(draft->store, "%s.%s", route->name, name));

    if (section)
        section->is_used = true;
    return section;
}

static void find_steps(struct route_calls *calls, struct draft *draft)
{
    const struct section *route = calls->route;
    const struct steps *steps = &((const struct route_draft *)route->draft)->steps;

    calls->are_whole = true;
    for (size_t i = 0; i < steps->names_count; i++) {
        const char *full_name = store_print(draft->store, "%s.%s", route->name, steps->names[i]);
        calls->names[i] = steps->names[i];
        calls->places[i] = i;
        calls->sections[i] = find_section(draft, route, steps->names[i]);
        if (calls->sections[i])
            continue;
        calls->are_whole = false;
        complain(draft->complaints, section_line(route, "steps"),
                 "%s.steps names %s, but there is no [call %s]%s", route->label, steps->names[i],
                 full_name, draft_nearest(draft, SECTION_CALL, full_name));
    }
    calls->count = calls->steps_count = steps->names_count;
}

/* ": did you mean NAME?", with a call of the route that has no place yet, or nothing. */
static const char *nearest_free(const struct draft *draft, const struct section *route,
                                const char *name)
{
    struct nearest nearest = nearest_to(name);
    const char *prefix = store_print(draft->store, "%s.", route->name);
    size_t count = strlen(prefix);

    for (size_t i = 0; i < draft->count; i++) {
        const struct section *section = draft->sections[i];
        if (section->kind == SECTION_CALL && !section->is_used &&
            strncmp(section->name, prefix, count) == 0)
            nearest_offer(&nearest, section->name + count);
    }
    return nearest_question(&nearest, draft->store);
}

/* "a -> b -> a": from one call over those that stand in for it to the last of them, and back. */
static const char *loop_text(const struct route_calls *calls, size_t first, struct store *store)
{
    const char *text = calls->names[first];

    for (size_t i = calls->fallbacks[first]; i != 0; i = calls->fallbacks[i])
        text = store_print(store, "%s -> %s", text, calls->names[i]);
    return store_print(store, "%s -> %s", text, calls->names[first]);
}

/* NULL, or how the sentence "call.r.a.fallback ..." ends. `of` is the last so far of those that
 * are made in the same place. */
static const char *stand_in_fault(const struct route_calls *calls, size_t of, const char *name,
                                  struct store *store)
{
    size_t i = 0;

    while (i < calls->count && strcmp(calls->names[i], name) != 0)
        i++;
    if (i < calls->count && calls->places[i] == calls->places[of])
        return store_print(store, "goes round in a loop: %s", loop_text(calls, i, store));
    if (i < calls->steps_count)
        return store_print(store, "names %s, which is in a step itself", name);
    if (i < calls->count)
        return store_print(store, "names %s, which stands in for %s already", name,
                           calls->names[calls->places[i]]);
    if (calls->count == PLAN_CALLS_MAX)
        return store_print(store, "is one call too many: %s can have 32, those that stand in too",
                           calls->route->label);
    return NULL;
}

static void find_stand_in(struct route_calls *calls, struct draft *draft, size_t of)
{
    const struct section *section = calls->sections[of];
    const char *name = ((const struct call_draft *)section->draft)->fallback.call;
    struct section *stand_in = find_section(draft, calls->route, name);
    const char *fault = stand_in_fault(calls, of, name, draft->store);

    if (!stand_in)
        fault = store_print(draft->store, "names %s, but there is no [call %s.%s]%s", name,
                            calls->route->name, name, nearest_free(draft, calls->route, name));
    if (fault) {
        complain(draft->complaints, section_line(section, "fallback"), "%s.fallback %s",
                 section->label, fault);
        return;
    }
    calls->names[calls->count] = name;
    calls->sections[calls->count] = stand_in;
    calls->places[calls->count] = calls->places[of];
    calls->fallbacks[of] = calls->count++;
}

void route_calls_find(struct route_calls *calls, struct draft *draft, const struct section *route)
{
    *calls = (struct route_calls){.route = route};
    find_steps(calls, draft);
    /* The list grows meanwhile: what stands in may have a fallback of its own. */
    for (size_t i = 0; i < calls->count; i++) {
        const struct section *section = calls->sections[i];
        if (section && ((const struct call_draft *)section->draft)->fallback.call)
            find_stand_in(calls, draft, i);
    }
}
