#include "test/soak/tally.h"

#include <assert.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { PROBLEMS_TOLD = 20 };

struct tally_record {
    const char *route;
    const char *mood;
    uint16_t status; /* as the client saw it */
    uint16_t logged;
    uint8_t fate;
    uint8_t ending; /* as logged; ENDING_UNLOGGED */
};

static const char *const fates[FATES] = {
    [FATE_ASKED] = "asked",      [FATE_ANSWERED] = "answered", [FATE_REFUSED] = "refused",
    [FATE_CUT] = "cut",          [FATE_UNSERVED] = "unserved", [FATE_RESET] = "reset",
    [FATE_LEFT] = "client left",
};

static const struct {
    const char *name;
    int64_t ms; /* later by at most so much */
} classes[TALLY_LATE_CLASSES] = {
    {"in time", 0},  {"10 ms", 10}, {"50 ms", 50},
    {"250 ms", 250}, {"1 s", 1000}, {"more", INT64_MAX / NS_PER_MS},
};

const char *tally_late_name(size_t n)
{
    return classes[n].name;
}

static struct tally_record *record_of(struct tally *tally, uint32_t token)
{
    if (token == 0 || token > tally->records_count)
        return NULL;
    return &tally->records[token - 1];
}

uint32_t tally_ask(struct tally *tally)
{
    if (tally->records_count == tally->records_room) {
        tally->records_room = 2 * tally->records_room + 65536;
        tally->records = realloc(tally->records, tally->records_room * sizeof(struct tally_record));
        assert(tally->records);
    }
    tally->records[tally->records_count] = (struct tally_record){.ending = ENDING_UNLOGGED};
    return (uint32_t)++tally->records_count;
}

void tally_describe(struct tally *tally, uint32_t token, const char *route, const char *mood)
{
    struct tally_record *record = record_of(tally, token);

    record->route = route;
    record->mood = mood;
}

void tally_problem(struct tally *tally, uint32_t token, const char *format, ...)
{
    const struct tally_record *record = record_of(tally, token);
    va_list arguments;

    if (tally->problems++ >= PROBLEMS_TOLD)
        return;
    fputs("soak: ", tally->out);
    if (record)
        fprintf(tally->out, "~%08x (%s, %s): ", token, record->route, record->mood);
    va_start(arguments, format);
    vfprintf(tally->out, format, arguments);
    va_end(arguments);
    fputc('\n', tally->out);
}

void tally_end(struct tally *tally, uint32_t token, enum fate fate, int status)
{
    struct tally_record *record = record_of(tally, token);

    assert(record && record->fate == FATE_ASKED && status < TALLY_STATUSES);
    record->fate = (uint8_t)fate;
    record->status = (uint16_t)status;
    if (fate == FATE_ANSWERED)
        tally->seen[status]++;
    if (fate == FATE_REFUSED)
        tally->refused[status]++;
}

void tally_late(struct tally *tally, struct span by)
{
    size_t n = 0;

    while (!span_covers(span_ms(classes[n].ms), by))
        n++;
    tally->late[n]++;
    tally->latest = span_max(tally->latest, by);
}

void tally_log(struct tally *tally, uint32_t token, int status, enum ending ending)
{
    struct tally_record *record = record_of(tally, token);

    tally->logged[status]++;
    tally->endings[ending]++;
    if (!record) {
        tally_problem(tally, token, "the log knows of a request that nobody has sent");
        return;
    }
    if (record->ending != ENDING_UNLOGGED)
        tally_problem(tally, token, "two lines in the log");
    record->ending = (uint8_t)ending;
    record->logged = (uint16_t)status;
}

/* ---- compared */

/* May a client have seen this of a request that ended so? */
static bool agrees(enum fate fate, unsigned ending)
{
    switch (fate) {
    case FATE_ANSWERED: /* to have left after the last byte came is no contradiction */
        return ending != ENDING_UNLOGGED && ending != ENDING_CUT;
    case FATE_REFUSED: /* for its head, or for a body that is none */
        return ending == ENDING_UNLOGGED || ending == ENDING_REFUSED;
    case FATE_CUT:
    case FATE_UNSERVED:
        return ending == ENDING_UNLOGGED || ending == ENDING_CUT || ending == ENDING_CLIENT_GONE;
    case FATE_RESET:
    case FATE_LEFT:
        return true;
    default:
        return false;
    }
}

static void compare_one(struct tally *tally, uint32_t token)
{
    const struct tally_record *record = record_of(tally, token);
    unsigned ending = record->ending;

    if (!agrees(record->fate, ending))
        tally_problem(tally, token, "the client: %s (%d); the log: %s (%d)", fates[record->fate],
                      record->status, ending == ENDING_UNLOGGED ? "nothing" : ending_name(ending),
                      record->logged);
    else if (record->fate == FATE_ANSWERED && ending != ENDING_CLIENT_GONE &&
             record->status != record->logged)
        tally_problem(tally, token, "the client saw %d, the log says %d", record->status,
                      record->logged);
}

static void print_pairs(FILE *out, uint64_t pairs[FATES][ENDINGS + 1])
{
    fprintf(out, "\n%-12s %9s", "client \\ log", "nothing");
    for (unsigned ending = 0; ending < ENDINGS; ending++)
        fprintf(out, " %12s", ending_name(ending));
    for (unsigned fate = FATE_ANSWERED; fate < FATES; fate++) {
        fprintf(out, "\n%-12s %9llu", fates[fate],
                (unsigned long long)pairs[fate][ENDING_UNLOGGED]);
        for (unsigned ending = 0; ending < ENDINGS; ending++)
            fprintf(out, " %12llu", (unsigned long long)pairs[fate][ending]);
    }
    fputs("\n\n", out);
}

void tally_compare(struct tally *tally, FILE *out)
{
    uint64_t pairs[FATES][ENDINGS + 1] = {{0}};

    for (uint32_t token = 1; token <= tally->records_count; token++) {
        const struct tally_record *record = record_of(tally, token);
        pairs[record->fate][record->ending]++;
        compare_one(tally, token);
    }
    print_pairs(out, pairs);
}

void tally_finish(struct tally *tally)
{
    free(tally->records);
    tally->records = NULL;
}
