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
    struct text reason;
    struct text whose;
    struct text call;
    struct text would;
    struct text id;
    struct text limit;
    struct text worst;
};

struct find {
    struct recent_entry *entry; /* owned */
    bool is_another;            /* of a kind of which there is a worse one */
};

/* What was found: the first `limit` in their order, and others that are dropped when it is full. */
struct haul {
    struct find *finds; /* owned; room for 2 * limit */
    size_t count;
    size_t limit;
    bool is_worst_first; /* or the newest */
    size_t kept;         /* of which it was chosen */
};

/* ---- what is asked for ------------------------------------------------------------------------ */

static struct text *place_of(struct question *question, struct text name)
{
    const struct {
        struct text name;
        struct text *place;
    } places[] = {
        {TEXT("route"), &question->route},   {TEXT("outcome"), &question->outcome},
        {TEXT("reason"), &question->reason}, {TEXT("whose"), &question->whose},
        {TEXT("call"), &question->call},     {TEXT("would"), &question->would},
        {TEXT("id"), &question->id},         {TEXT("limit"), &question->limit},
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

static bool is_reason(struct text text)
{
    for (enum reason reason = REASON_ARRIVAL; reason < (enum reason)REASONS; reason++) {
        if (text_is(text, text_of(reason_name(reason))))
            return true;
    }
    return false;
}

static bool is_whose(struct text text)
{
    for (enum whose whose = WHOSE_CALL; whose < (enum whose)WHOSES; whose++) {
        if (text_is(text, text_of(whose_name(whose))))
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
    if (question->reason.at && !is_reason(question->reason))
        return "There is no such reason: there are arrival, infeasible, call, queue, local, "
               "upload, drain, failed and overload.";
    if (question->whose.at && !is_whose(question->whose))
        return "whose must be call, client, default, max, proxy or drain.";
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
            return "There is no such parameter: there are route, outcome, reason, whose, call, "
                   "would, id, limit and worst.";
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
           (!question->reason.at ||
            text_is(text_of(reason_name(entry->reason)), question->reason)) &&
           (!question->whose.at || text_is(text_of(whose_name(entry->whose)), question->whose)) &&
           (!question->call.at || has_call(entry, question->call)) &&
           (!question->would.at ||
            text_is(text_of(observe_word(entry->verdict.would)), question->would)) &&
           (!question->id.at || text_is(id, question->id));
}

/* ---- in which order --------------------------------------------------------------------------- */

static int compare(double a, double b)
{
    return (a > b) - (a < b);
}

static int compare_newest(const void *a, const void *b)
{
    const struct recent_entry *one = ((const struct find *)a)->entry;
    const struct recent_entry *other = ((const struct find *)b)->entry;

    return (one->ended.ns < other->ended.ns) - (one->ended.ns > other->ended.ns);
}

static bool is_failure(const struct recent_entry *entry)
{
    return entry->ending != ENDING_OK && entry->ending != ENDING_REFUSED;
}

static int compare_used(const void *a, const void *b)
{
    const struct find *one = a;
    const struct find *other = b;
    int shares = compare(recent_entry_share(other->entry), recent_entry_share(one->entry));

    return shares != 0 ? shares : compare_newest(a, b);
}

/* Of one kind are those that ended the same way on the same route, for the same reason, at
 * the same limit. 0: they are. */
static int compare_kinds(const struct recent_entry *one, const struct recent_entry *other)
{
    const int64_t pairs[][2] = {
        {one->ending, other->ending}, {one->status, other->status}, {one->reason, other->reason},
        {one->blamed, other->blamed}, {one->whose, other->whose},
    };

    if (one->route != other->route)
        return (uintptr_t)one->route < (uintptr_t)other->route ? -1 : 1;
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        if (pairs[i][0] != pairs[i][1])
            return pairs[i][0] < pairs[i][1] ? -1 : 1;
    }
    return 0;
}

static int compare_within_kinds(const void *a, const void *b)
{
    int kinds = compare_kinds(((const struct find *)a)->entry, ((const struct find *)b)->entry);

    return kinds != 0 ? kinds : compare_used(a, b);
}

/* Failures first, and of these the worst of each kind before others, so that very many of one kind
 * do not hide the rest. */
static int compare_worst(const void *a, const void *b)
{
    const struct find *one = a;
    const struct find *other = b;

    if (is_failure(one->entry) != is_failure(other->entry))
        return is_failure(one->entry) ? -1 : 1;
    if (one->is_another != other->is_another)
        return one->is_another ? 1 : -1;
    return compare_used(a, b);
}

static void sort_worst(struct haul *haul)
{
    struct find *finds = haul->finds;

    qsort(finds, haul->count, sizeof finds[0], compare_within_kinds);
    for (size_t i = 0; i < haul->count; i++)
        finds[i].is_another = i > 0 && compare_kinds(finds[i - 1].entry, finds[i].entry) == 0;
    qsort(finds, haul->count, sizeof finds[0], compare_worst);
}

/* In their order, and no more than wanted. What is dropped early would not be wanted later either: as
 * many stand before it, or worse ones of their kinds. */
static void sift(struct haul *haul)
{
    if (haul->is_worst_first)
        sort_worst(haul);
    else
        qsort(haul->finds, haul->count, sizeof haul->finds[0], compare_newest);
    while (haul->count > haul->limit)
        free(haul->finds[--haul->count].entry);
}

/* ---- what there is ---------------------------------------------------------------------------- */

static void keep(struct haul *haul, const struct recent_entry *entry)
{
    size_t bytes = recent_entry_size(entry->calls_count);

    if (haul->count == 2 * haul->limit)
        sift(haul);
    struct find *find = &haul->finds[haul->count++];
    *find = (struct find){.entry = memory_take(bytes)};
    memcpy(find->entry, entry, bytes);
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
        print_entry(haul->finds[i].entry, admin->conf, out);
    }
    fputs("]}\n", out);
}

static void haul_init(struct haul *haul, const struct question *question)
{
    haul->limit = read_limit(question->limit);
    haul->is_worst_first = question->worst.at != NULL;
    haul->finds = memory_take(2 * haul->limit * sizeof haul->finds[0]);
    haul->count = 0;
    haul->kept = 0;
}

static void haul_finish(struct haul *haul)
{
    for (size_t i = 0; i < haul->count; i++)
        free(haul->finds[i].entry);
    free(haul->finds);
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
