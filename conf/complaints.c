#include "conf/complaints.h"

#include <assert.h>
#include <stdarg.h>
#include <stdlib.h>

static void add(struct complaints *complaints, int line, const char *kind, const char *sentence)
{
    struct complaint *list = store_grow(complaints->store, complaints->list, complaints->count,
                                        sizeof *complaints->list);

    list[complaints->count] = (struct complaint){
        .line = line,
        .text = store_print(complaints->store, "%s%s", kind, sentence),
    };
    complaints->list = list;
    complaints->count++;
}

void complain(struct complaints *complaints, int line, const char *format, ...)
{
    char *sentence;
    va_list arguments;

    va_start(arguments, format);
    int length = vasprintf(&sentence, format, arguments);
    va_end(arguments);
    assert(length >= 0);
    add(complaints, line, "", sentence);
    complaints->mistakes++;
    free(sentence);
}

void warn(struct complaints *complaints, int line, const char *format, ...)
{
    char *sentence;
    va_list arguments;

    va_start(arguments, format);
    int length = vasprintf(&sentence, format, arguments);
    va_end(arguments);
    assert(length >= 0);
    add(complaints, line, "warning: ", sentence);
    free(sentence);
}

/* Those of one line stay as they came: they lie in one array, so their addresses tell. */
static int compare(const void *a, const void *b)
{
    const struct complaint *const *one = a;
    const struct complaint *const *other = b;

    if ((*one)->line != (*other)->line)
        return (*one)->line < (*other)->line ? -1 : 1;
    return *one < *other ? -1 : *one > *other;
}

void complaints_print(struct complaints *complaints, FILE *out)
{
    size_t count = complaints->count;
    const struct complaint **order = store_take(complaints->store, count * sizeof(*order));

    for (size_t i = 0; i < count; i++)
        order[i] = &complaints->list[i];
    if (count > 0)
        qsort(order, count, sizeof(*order), compare);
    for (size_t i = 0; i < count; i++) {
        if (order[i]->line > 0)
            fprintf(out, "%s:%d: %s\n", complaints->name, order[i]->line, order[i]->text);
        else
            fprintf(out, "%s: %s\n", complaints->name, order[i]->text);
    }
}
