/* A tracestate as anybody may send it; the lines of the input are headers. */
#include "proxy/trace_state.h"

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "proxy/client.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

enum { HEADERS_MAX = 8 };

static size_t split(struct text rest, struct header *headers)
{
    size_t count = 0;

    while (count < HEADERS_MAX) {
        const char *end = memchr(rest.at, '\n', rest.count);
        size_t length = end ? (size_t)(end - rest.at) : rest.count;
        headers[count++] = (struct header){.name = TEXT("tracestate"), .value = {rest.at, length}};
        if (!end)
            break;
        rest = (struct text){.at = end + 1, .count = rest.count - length - 1};
    }
    return count;
}

/* A list of members, each with a key and a value of visible ASCII. */
static void check(struct text state)
{
    size_t members = state.count > 0, signs = 0;

    for (size_t i = 0; i < state.count; i++) {
        assert(state.at[i] >= ' ' && state.at[i] <= '~');
        signs += state.at[i] == '=';
        members += state.at[i] == ',';
    }
    assert(signs == members && members <= 32 && state.count <= TRACE_STATE_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    struct header headers[HEADERS_MAX];
    char room[TRACE_STATE_MAX], again_room[TRACE_STATE_MAX];
    struct text whole = {.at = (const char *)bytes, .count = count};

    if (count == 0)
        return 0;
    size_t headers_count = split(whole, headers);
    struct text state = trace_state_read(headers, headers_count, room);
    check(state);
    const struct header written = {.name = TEXT("tracestate"), .value = state};
    assert(text_is(trace_state_read(&written, 1, again_room), state));
    return 0;
}
