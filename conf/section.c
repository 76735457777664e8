#include "conf/section.h"

#include <assert.h>

#include "conf/option.h"

char *section_label(struct store *store, enum section_kind kind, const char *name)
{
    return store_print(store, "%s%s%s", section_word(kind), *name ? "." : "", name);
}

struct section *section_create(struct store *store, enum section_kind kind, const char *name)
{
    struct section *section = store_take(store, sizeof *section);

    section->kind = kind;
    section->name = store_string(store, name);
    section->label = section_label(store, kind, name);
    section->draft = store_take(store, section_draft_size(kind));
    section->settings = store_take(store, option_count(kind) * sizeof *section->settings);
    return section;
}

struct setting *section_setting(const struct section *section, const char *key)
{
    const struct option *option = option_find(section->kind, key);

    assert(option);
    return &section->settings[option - option_first(section->kind)];
}

bool section_sets(const struct section *section, const char *key)
{
    return section_setting(section, key)->line > 0;
}

bool section_has(const struct section *section, const char *key)
{
    const struct setting *setting = section_setting(section, key);

    return setting->text && !setting->is_faulty;
}

const char *section_text(const struct section *section, const char *key)
{
    return section_setting(section, key)->text;
}

int section_line(const struct section *section, const char *key)
{
    int line = section_setting(section, key)->line;

    return line > 0 ? line : section->line;
}

int section_line_of(const struct section *section, const char *key, size_t number)
{
    const struct setting *setting = section_setting(section, key);

    assert(number < setting->count);
    return setting->lines[number] > 0 ? setting->lines[number] : section->line;
}
