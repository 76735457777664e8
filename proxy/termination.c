#include "proxy/termination.h"

#include "proxy/record.h"

static const struct record_call *blamed_call(const struct record *record)
{
    return record->blamed == NO_CALL ? NULL : &record->calls[record->blamed];
}

/* Of a request that a call has failed: was it the upstream's doing? */
static char who_failed(const struct record_call *call)
{
    if (!call)
        return 'P';
    switch (call->outcome) {
    case CALL_UNFILLED:
    case CALL_QUEUE_FULL:
    case CALL_NO_MEMORY:
        return 'P';
    default:
        return 'U';
    }
}

/* A reply that was begun, and broken off. */
static char who_cut(const struct record *record)
{
    const struct record_call *call = blamed_call(record);

    if (record->reason == REASON_DRAIN)
        return 'D';
    if (!call)
        return 'B';
    switch (call->outcome) {
    case CALL_CANCELLED: /* for no other reason than that the rest of the client's body is none */
        return 'C';
    case CALL_BROKEN:
    case CALL_INVALID:
        return 'U';
    case CALL_NO_MEMORY:
        return 'P';
    default:
        return 'B';
    }
}

static char who(const struct record *record)
{
    switch (record->ending) {
    case ENDING_OK:
    case ENDING_UPSTREAM_5XX:
        break;
    case ENDING_TIMEOUT:
        return record->reason == REASON_DRAIN ? 'D' : 'B';
    case ENDING_FAILED:
        return who_failed(blamed_call(record));
    case ENDING_OVERLOAD:
        return 'P';
    case ENDING_REFUSED:
        return record->reason == REASON_UPLOAD ? 'C' : 'R';
    case ENDING_CLIENT_GONE:
        return 'C';
    case ENDING_CUT:
        return who_cut(record);
    case ENDINGS:
        break;
    }
    return '-';
}

/* Where calls had been begun. */
static char where_of_calls(const struct record *record)
{
    static const char LETTERS[] = {
        [REACH_NOTHING] = 'L', [REACH_NAME] = 'N', [REACH_QUEUE] = 'Q', [REACH_CONNECT] = 'C',
        [REACH_SEND] = 'S',    [REACH_HEAD] = 'H', [REACH_BODY] = 'D',
    };
    const struct record_call *call = blamed_call(record);

    return call ? LETTERS[call->reach] : 'L';
}

static bool has_called(const struct record *record)
{
    for (size_t i = 0; i < record->calls_count; i++) {
        if (record->calls[i].outcome != CALL_WAITING)
            return true;
    }
    return false;
}

static char where(const struct record *record)
{
    if (!has_called(record))
        return record->bytes_up > 0 || record->reason == REASON_UPLOAD ||
                       record->phase == PHASE_GATHERING
                   ? 'R'
                   : 'A';
    if (record->blamed == NO_CALL && record->phase >= PHASE_REPLYING &&
        record->reason == REASON_NONE)
        return 'T';
    return where_of_calls(record);
}

struct termination termination_of(const struct record *record)
{
    char whom = who(record);

    return (struct termination){.code = {whom, whom == '-' ? '-' : where(record), '\0'}};
}
