#include "proxy/recent_entry.h"

#include <string.h>

static uint8_t keep(char *to, uint8_t room, struct text from)
{
    uint8_t count = from.count < room ? (uint8_t)from.count : room;

    if (count > 0)
        memcpy(to, from.at, count);
    return count;
}

void recent_entry_fill(struct recent_entry *entry, const struct record *record, int64_t ended_ms)
{
    entry->route = record->route;
    entry->source = record->source;
    entry->ended_ms = ended_ms;
    entry->started = record->started;
    entry->ended = record->ended;
    entry->budget = record->budget;
    entry->local = record->local;
    entry->upload = record->upload;
    entry->queue = record->queue;
    entry->bytes_up = record->bytes_up;
    entry->bytes_down = record->bytes_down;
    entry->status = record->status;
    entry->blamed = record->blamed;
    entry->ending = record->ending;
    entry->reason = record->reason;
    entry->whose = record->whose;
    entry->phase = record->phase;
    entry->is_observed = record->is_observed;
    entry->verdict = record->verdict;
    entry->id_count = keep(entry->id, RECENT_ID_MAX, record->id);
    entry->client_count = keep(entry->client, RECENT_CLIENT_MAX, record->client);
    entry->method_count = keep(entry->method, RECENT_METHOD_MAX, record->method);
    entry->path_count = keep(entry->path, RECENT_PATH_MAX, record->path);
    entry->trace = *record->trace;
    entry->calls_count = record->calls_count;
    memcpy(entry->calls, record->calls, record->calls_count * sizeof entry->calls[0]);
}

void recent_entry_tell(const struct recent_entry *entry, const struct conf *conf,
                       struct record *record)
{
    *record = (struct record){
        .route = entry->route,
        .source = entry->source,
        .id = {.at = entry->id, .count = entry->id_count},
        .trace = &entry->trace,
        .client = {.at = entry->client, .count = entry->client_count},
        .method = {.at = entry->method, .count = entry->method_count},
        .path = {.at = entry->path, .count = entry->path_count},
        .query = TEXT_NONE,
        .status = entry->status,
        .ending = entry->ending,
        .reason = entry->reason,
        .whose = entry->whose,
        .blamed = entry->blamed,
        .phase = entry->phase,
        .started = entry->started,
        .ended = entry->ended,
        .budget = entry->budget,
        .local = entry->local,
        .upload = entry->upload,
        .queue = entry->queue,
        .bytes_up = entry->bytes_up,
        .bytes_down = entry->bytes_down,
        .is_observed = entry->is_observed,
        .verdict = entry->verdict,
        .calls_count = entry->calls_count,
    };
    memcpy(record->calls, entry->calls, entry->calls_count * sizeof entry->calls[0]);
    for (size_t i = 0; i < record->calls_count; i++)
        record->calls[i].upstream = conf->upstreams[record->calls[i].conf->upstream].name;
}

double recent_entry_share(const struct recent_entry *entry)
{
    if (!entry->route)
        return 0;
    if (span_is_none(entry->budget))
        return 1;
    return span_as_ms(span_since(entry->started, entry->ended)) / span_as_ms(entry->budget);
}
