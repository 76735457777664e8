/* Entries are copied one by one, so that no worker ever waits, and the first of those that are asked
 * for, in their order, are printed. */
#include "proxy/recent_page.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/admin.h"
#include "proxy/clock.h"
#include "proxy/memory.h"
#include "proxy/query.h"
#include "proxy/recent.h"
#include "proxy/record_json.h"

enum {
    LIMIT_STANDARD = 100,
    LIMIT_MAX = 1000,
    OBJECT_ROOM = 32768, /* 32 calls with the longest names that fit into lines of the file */
};

/* What is asked for; a text is NULL where anything will do. */
struct question {
    struct text route;
    struct text outcome;
    struct text call;
    struct text would;
    struct text id;
    struct text limit;
    struct text worst;
};

/* What was found: the first `limit` in their order, and others that are dropped when it is full. */
struct haul {
    struct recent_entry **entries; /* owned, and what they point to; room for 2 * limit */
    size_t count;
    size_t limit;
    int (*compare)(const void *, const void *); /* for qsort */
    size_t kept;                                /* of which it was chosen */
};

/* ---- what is asked for ------------------------------------------------------------------------ */

static struct text *place_of(struct question *question, struct text name)
{
    const struct {
        struct text name;
        struct text *place;
    } places[] = {
        {TEXT("route"), &question->route}, {TEXT("outcome"), &question->outcome},
        {TEXT("call"), &question->call},   {TEXT("would"), &question->would},
        {TEXT("id"), &question->id},       {TEXT("limit"), &question->limit},
        {TEXT("worst"), &question->worst},
    };

    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        if (text_is(name, places[i].name))
            return places[i].place;
    }
    return NULL;
}

/* From 1 to LIMIT_MAX; 0: it is not such a number. */
static size_t read_limit(struct text text)
{
    size_t limit = 0;

    if (!text.at)
        return LIMIT_STANDARD;
    for (size_t i = 0; i < text.count; i++) {
        if (text.at[i] < '0' || text.at[i] > '9')
            return 0;
        limit = limit * 10 + (size_t)(text.at[i] - '0');
        if (limit > LIMIT_MAX)
            return 0;
    }
    return limit;
}

static bool is_outcome(struct text text)
{
    for (enum ending ending = 0; ending < ENDINGS; ending++) {
        if (text_is(text, text_of(ending_name(ending))))
            return true;
    }
    return false;
}

static bool is_would(struct text text)
{
    for (enum would would = WOULD_GO_ON; would < WOULDS; would++) {
        if (text_is(text, text_of(observe_word(would))))
            return true;
    }
    return false;
}

/* What is wrong with the values: a sentence, or NULL. */
static const char *question_fault(const struct question *question)
{
    if (read_limit(question->limit) == 0)
        return "limit must be a number from 1 to 1000.";
    if (question->worst.at && !text_is(question->worst, TEXT("1")))
        return "worst must be 1, or left out.";
    if (question->outcome.at && !is_outcome(question->outcome))
        return "There is no such outcome: there are ok, upstream_5xx, timeout, failed, overload, "
               "refused, client_gone and cut.";
    if (question->would.at && !is_would(question->would))
        return "would must be go_on, time_out or break_off.";
    return NULL;
}

/* NULL, or a sentence that says what is wrong. */
static const char *read_question(struct query *query, struct question *question)
{
    struct text name;
    struct text value;

    while (query_next(query, &name, &value)) {
        struct text *place = place_of(question, name);
        if (!place)
            return "There is no such parameter: there are route, outcome, call, would, id, limit "
                   "and worst.";
        if (place->at)
            return "A parameter is there twice.";
        *place = value;
    }
    return query->fault ? query->fault : question_fault(question);
}

/* ---- what fits it ----------------------------------------------------------------------------- */

static bool has_call(const struct recent_entry *entry, struct text name)
{
    for (size_t i = 0; i < entry->calls_count; i++) {
        const struct record_call *call = &entry->calls[i];
        if (call->outcome != CALL_WAITING && text_is(text_of(call->conf->name), name))
            return true;
    }
    return false;
}

static bool fits(const struct recent_entry *entry, const struct question *question)
{
    const char *route = entry->route ? entry->route->name : "(none)";
    struct text id = {.at = entry->id, .count = entry->id_count};

    return (!question->route.at || text_is(text_of(route), question->route)) &&
           (!question->outcome.at ||
            text_is(text_of(ending_name(entry->ending)), question->outcome)) &&
           (!question->call.at || has_call(entry, question->call)) &&
           (!question->would.at ||
            text_is(text_of(observe_word(entry->verdict.would)), question->would)) &&
           (!question->id.at || text_is(id, question->id));
}

/* In their order, and no more than wanted. */
static void sift(struct haul *haul)
{
    qsort(haul->entries, haul->count, sizeof haul->entries[0], haul->compare);
    while (haul->count > haul->limit)
        free(haul->entries[--haul->count]);
}

static void keep(struct haul *haul, const struct recent_entry *entry)
{
    size_t bytes = recent_entry_size(entry->calls_count);

    if (haul->count == 2 * haul->limit)
        sift(haul);
    haul->entries[haul->count] = memory_take(bytes);
    memcpy(haul->entries[haul->count++], entry, bytes);
}

static void search(struct haul *haul, struct recent *recent, const struct question *question)
{
    struct recent_entry entry;

    for (enum recent_kind kind = 0; kind < RECENT_KINDS; kind++) {
        for (size_t i = 0; i < recent_size(recent) && recent_read(recent, kind, i, &entry); i++) {
            haul->kept++;
            if (fits(&entry, question))
                keep(haul, &entry);
        }
    }
}

/* ---- in which order --------------------------------------------------------------------------- */

static int compare(double a, double b)
{
    return (a > b) - (a < b);
}

static int compare_newest(const void *a, const void *b)
{
    const struct recent_entry *one = *(struct recent_entry *const *)a;
    const struct recent_entry *other = *(struct recent_entry *const *)b;

    return (one->ended.ns < other->ended.ns) - (one->ended.ns > other->ended.ns);
}

static bool is_failure(const struct recent_entry *entry)
{
    return entry->ending != ENDING_OK && entry->ending != ENDING_REFUSED;
}

static int compare_worst(const void *a, const void *b)
{
    const struct recent_entry *one = *(struct recent_entry *const *)a;
    const struct recent_entry *other = *(struct recent_entry *const *)b;

    if (is_failure(one) != is_failure(other))
        return is_failure(one) ? -1 : 1;
    int shares = compare(recent_entry_share(other), recent_entry_share(one));
    return shares != 0 ? shares : compare_newest(a, b);
}

/* ---- the page --------------------------------------------------------------------------------- */

static void print_entry(const struct recent_entry *entry, const struct conf *conf, FILE *out)
{
    char room[OBJECT_ROOM];
    struct writer writer = writer_on(room, sizeof room);
    struct record record;

    recent_entry_tell(entry, conf, &record);
    record_json_write(&writer, &record, entry->ended_ms);
    assert(!writer.is_cut);
    fwrite(room, 1, writer_text(&writer).count, out);
}

static void print_haul(const struct haul *haul, const struct admin *admin, FILE *out)
{
    uint64_t skipped = 0;

    for (size_t i = 0; i < admin->workers_count; i++)
        skipped += admin->recents[i] ? recent_skipped(admin->recents[i]) : 0;
    fprintf(out, "{\"time_ms\":%lld,\"kept\":%zu,\"skipped\":%llu,\"requests\":[",
            (long long)clock_realtime_ms(), haul->kept, (unsigned long long)skipped);
    for (size_t i = 0; i < haul->count; i++) {
        fputs(i == 0 ? "\n" : ",\n", out);
        print_entry(haul->entries[i], admin->conf, out);
    }
    fputs("]}\n", out);
}

static void haul_init(struct haul *haul, const struct question *question)
{
    haul->limit = read_limit(question->limit);
    haul->compare = question->worst.at ? compare_worst : compare_newest;
    haul->entries = memory_take(2 * haul->limit * sizeof haul->entries[0]);
    haul->count = 0;
    haul->kept = 0;
}

static void haul_finish(struct haul *haul)
{
    for (size_t i = 0; i < haul->count; i++)
        free(haul->entries[i]);
    free(haul->entries);
}

int recent_page_print(const struct admin *admin, struct text query, FILE *out)
{
    struct question question = {.route = {.at = NULL}};
    struct haul haul;
    struct query parameters;

    query_init(&parameters, query);
    const char *fault = read_question(&parameters, &question);
    if (fault) {
        fprintf(out, "%s\n", fault);
        return 400;
    }
    haul_init(&haul, &question);
    for (size_t i = 0; i < admin->workers_count; i++) {
        if (admin->recents[i])
            search(&haul, admin->recents[i], &question);
    }
    sift(&haul);
    print_haul(&haul, admin, out);
    haul_finish(&haul);
    return 200;
}
