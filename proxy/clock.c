#include "proxy/clock.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

struct instant clock_now(void)
{
    struct timespec now;
    int failed = clock_gettime(CLOCK_MONOTONIC, &now);

    assert(failed == 0);
    return (struct instant){.ns = (int64_t)now.tv_sec * NS_PER_S + now.tv_nsec};
}

int64_t clock_realtime_ms(void)
{
    struct timespec now;
    int failed = clock_gettime(CLOCK_REALTIME, &now);

    assert(failed == 0);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / NS_PER_MS;
}

int64_t clock_epoch_ns(void)
{
    struct instant now = clock_now();
    struct timespec wall;
    int failed = clock_gettime(CLOCK_REALTIME, &wall);

    assert(failed == 0);
    return (int64_t)wall.tv_sec * NS_PER_S + wall.tv_nsec - now.ns;
}

struct timeval clock_timeval(struct span span)
{
    int64_t us = span.ns / NS_PER_US + (span.ns % NS_PER_US > 0);

    return (struct timeval){
        .tv_sec = (time_t)(us / 1000000),
        .tv_usec = (suseconds_t)(us % 1000000),
    };
}

/* All but the last digits is the same for a whole second, and kept for it. */
void clock_write_iso(int64_t realtime_ms, char text[static CLOCK_TEXT_MAX])
{
    static _Thread_local struct {
        time_t second;
        char text[CLOCK_TEXT_MAX];
    } kept = {.second = -1};
    time_t second = (time_t)(realtime_ms / 1000);
    int ms = (int)(realtime_ms % 1000);

    if (second != kept.second) {
        struct tm day;
        gmtime_r(&second, &day);
        strftime(kept.text, sizeof kept.text, "%Y-%m-%dT%H:%M:%S.000Z", &day);
        kept.second = second;
    }
    memcpy(text, kept.text, CLOCK_TEXT_MAX);
    text[20] = (char)('0' + ms / 100);
    text[21] = (char)('0' + ms / 10 % 10);
    text[22] = (char)('0' + ms % 10);
}
