#include "conf/draft.h"

#include <assert.h>
#include <search.h>
#include <string.h>

#include "conf/lines.h"
#include "conf/nearest.h"
#include "conf/option.h"
#include "conf/words.h"

static int compare_labels(const void *a, const void *b)
{
    const struct section *one = a;
    const struct section *other = b;

    return strcmp(one->label, other->label);
}

static struct section *add_section(struct draft *draft, struct section *section)
{
    section->number = draft->counts[section->kind]++;
    draft->sections =
        store_grow(draft->store, draft->sections, draft->count, sizeof(*draft->sections));
    draft->sections[draft->count++] = section;
    void *node = tsearch(section, &draft->index, compare_labels);
    assert(node);
    return section;
}

struct section *draft_find(const struct draft *draft, enum section_kind kind, const char *name)
{
    struct section key = {
        .label = section_label(draft->store, kind, name),
    };
    struct section *const *node = tfind(&key, &draft->index, compare_labels);

    return node ? *node : NULL;
}

const char *draft_nearest(const struct draft *draft, enum section_kind kind, const char *name)
{
    struct nearest nearest = nearest_to(name);

    for (size_t i = 0; i < draft->count; i++) {
        if (draft->sections[i]->kind == kind)
            nearest_offer(&nearest, draft->sections[i]->name);
    }
    return nearest_question(&nearest, draft->store);
}

/* Names that mean something else in templates or in Server-Timing. A route's only call may be named
 * like its upstream, so they bind upstreams too. */
static bool is_reserved(const char *name)
{
    static const char *const names[] = {"query", "header", "merge", "budget", "local"};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(name, names[i]) == 0)
            return true;
    }
    return false;
}

/* proxy and budget stand alone, the others have a name, a call that of its route before it. */
static const char *check_name(enum section_kind kind, const char *name, struct store *store)
{
    const char *dot = strchr(name, '.');
    const char *fault = NULL;

    if (kind == SECTION_PROXY || kind == SECTION_BUDGET)
        return *name ? "takes no name" : NULL;
    if (!*name || (kind == SECTION_CALL && !dot))
        return "needs a name";
    if (kind == SECTION_CALL) {
        fault = name_fault(store_copy(store, name, (size_t)(dot - name)));
        name = dot + 1;
    }
    if ((kind == SECTION_CALL || kind == SECTION_UPSTREAM) && !fault && is_reserved(name))
        return "has a name that is reserved (query, header, merge, budget and local are)";
    if (!fault)
        fault = name_fault(name);
    return fault ? store_print(store, "has a name that %s", fault) : NULL;
}

static enum section_kind find_kind(const char *word)
{
    enum section_kind kind = 0;

    while (kind < SECTION_KINDS && strcmp(section_word(kind), word) != 0)
        kind++;
    return kind;
}

static void complain_of_kind(struct draft *draft, const char *word, int line)
{
    struct nearest nearest = nearest_to(word);

    for (enum section_kind kind = 0; kind < SECTION_KINDS; kind++)
        nearest_offer(&nearest, section_word(kind));
    complain(draft->complaints, line, "[%s] is not a section%s", word,
             nearest.name ? nearest_question(&nearest, draft->store)
                          : ": there are proxy, budget, upstream, route, call and stub");
}

/* A section that appears again is read as one of its own, which then is forgotten, so that the
 * mistakes in it are found as well. */
static struct section *enter_section(struct draft *draft, enum section_kind kind, const char *name,
                                     int line)
{
    struct section *section = draft_find(draft, kind, name);

    if (section && section->line > 0) {
        complain(draft->complaints, line, "[%s%s%s] appears twice, first in line %d",
                 section_word(kind), *name ? " " : "", name, section->line);
        section = section_create(draft->store, kind, name);
    } else if (!section) {
        section = add_section(draft, section_create(draft->store, kind, name));
    }
    section->line = line;
    return section;
}

static void on_section(void *owner, const char *title, int line)
{
    struct draft *draft = owner;
    size_t count = strcspn(title, " \t");
    const char *word = store_copy(draft->store, title, count);
    const char *name = title + count + strspn(title + count, " \t");
    enum section_kind kind = find_kind(word);

    draft->current = NULL;
    if (kind == SECTION_KINDS) {
        complain_of_kind(draft, word, line);
        return;
    }
    const char *fault = check_name(kind, name, draft->store);
    if (fault)
        complain(draft->complaints, line, "[%s] %s: write [%s]", title, fault, section_form(kind));
    else
        draft->current = enter_section(draft, kind, name, line);
}

static void complain_of_key(struct draft *draft, const struct line_entry *entry)
{
    const struct section *section = draft->current;
    const struct option *option = option_first(section->kind);
    struct nearest nearest = nearest_to(entry->key);
    const char *hint;

    for (size_t left = option_count(section->kind); left > 0; left--, option++)
        nearest_offer(&nearest, option->key);
    hint = nearest_question(&nearest, draft->store);
    for (enum section_kind kind = 0; kind < SECTION_KINDS; kind++) {
        if (option_find(kind, entry->key))
            hint = store_print(draft->store, ": it belongs into [%s]", section_form(kind));
    }
    complain(draft->complaints, entry->line, "%s.%s is not an option%s", section->label, entry->key,
             hint);
}

/* What is wrong with a value that was refused, where that is no matter of the option. */
static const char *value_fault(const char *text)
{
    size_t count = strlen(text);

    if (count > 1 && text[0] == '"' && text[count - 1] == '"')
        return "has quotes around its value: leave them out";
    if (strstr(text, " #") || strstr(text, "\t#"))
        return "has a # behind its value, where only ; begins a comment";
    return NULL;
}

static void set_option(struct draft *draft, struct section *section, const struct option *option,
                       const char *text)
{
    struct setting *setting = &section->settings[option - option_first(section->kind)];
    const char *fault = "is empty";

    if (*text || option->flags & OPTION_EMPTY)
        fault = option->set((char *)section->draft + option->place, text, draft->store);
    if (fault) {
        fault = value_fault(text) ? value_fault(text) : fault;
        setting->is_faulty = true;
        complain(draft->complaints, setting->line, "%s.%s %s", section->label, option->key, fault);
    } else {
        setting->lines =
            store_grow(draft->store, setting->lines, setting->count, sizeof *setting->lines);
        setting->lines[setting->count++] = setting->line;
    }
    setting->text = fault ? NULL : store_string(draft->store, text);
}

static void on_entry(void *owner, const struct line_entry *entry)
{
    struct draft *draft = owner;
    struct section *section = draft->current;

    if (!section)
        return;
    const struct option *option = option_find(section->kind, entry->key);
    if (!option) {
        complain_of_key(draft, entry);
        return;
    }
    struct setting *setting = section_setting(section, entry->key);
    if (setting->line > 0 && !(option->flags & OPTION_REPEATS)) {
        complain(draft->complaints, entry->line, "%s.%s is set twice, first in line %d",
                 section->label, entry->key, setting->line);
        return;
    }
    setting->line = entry->line;
    set_option(draft, section, option, entry->value);
}

static const char *find_default(const struct draft *draft, const struct option *option)
{
    if (!(option->flags & OPTION_INHERITS))
        return option->standard;
    return section_setting(draft->budget, option->key)->text;
}

static void settle(struct draft *draft, struct section *section, const struct option *option)
{
    const struct setting *setting = section_setting(section, option->key);
    const char *text = find_default(draft, option);

    if (setting->line > 0)
        return;
    if (text)
        set_option(draft, section, option, text);
    else if (option->flags & OPTION_REQUIRED)
        complain(draft->complaints, section->line, "%s.%s is missing: %s", section->label,
                 option->key, option->help);
}

/* [budget] must come first: routes inherit from it. */
static void settle_all(struct draft *draft)
{
    for (size_t i = 0; i < draft->count; i++) {
        struct section *section = draft->sections[i];
        const struct option *option = option_first(section->kind);
        for (size_t left = option_count(section->kind); left > 0; left--, option++)
            settle(draft, section, option);
    }
}

void draft_read(struct draft *draft, FILE *file)
{
    struct lines lines = {
        .file = file,
        .complaints = draft->complaints,
        .on_section = on_section,
        .on_entry = on_entry,
        .owner = draft,
    };

    draft->proxy = add_section(draft, section_create(draft->store, SECTION_PROXY, ""));
    draft->budget = add_section(draft, section_create(draft->store, SECTION_BUDGET, ""));
    lines_read(&lines);
    if (!ferror(file))
        settle_all(draft);
}

static void keep(void *section)
{
    (void)section; /* lies in the store */
}

void draft_finish(struct draft *draft)
{
    tdestroy(draft->index, keep);
    draft->index = NULL;
}
