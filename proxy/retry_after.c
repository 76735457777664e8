#include "proxy/retry_after.h"

#include <string.h>
#include <time.h>

enum { DIGITS_MAX = 9, DATE_MAX = 40 };

/* RFC 9110 section 5.6.7: one form, and two that are obsolete but must be understood. */
static struct span read_date(struct text value, int64_t realtime_ms)
{
    static const char *const formats[] = {"%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT",
                                          "%a %b %e %H:%M:%S %Y"};
    char text[DATE_MAX + 1];

    if (value.count > DATE_MAX)
        return SPAN_NONE;
    memcpy(text, value.at, value.count);
    text[value.count] = '\0';
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
        struct tm date = {.tm_isdst = 0};
        const char *end = strptime(text, formats[i], &date);
        if (end && *end == '\0')
            return span_ms((int64_t)timegm(&date) * 1000 - realtime_ms);
    }
    return SPAN_NONE;
}

struct span retry_after_read(struct text value, int64_t realtime_ms)
{
    int64_t seconds = 0;

    if (value.count == 0)
        return SPAN_NONE;
    for (size_t i = 0; i < value.count; i++) {
        char byte = value.at[i];
        if (byte < '0' || byte > '9')
            return read_date(value, realtime_ms);
        if (i >= DIGITS_MAX)
            return SPAN_FOREVER;
        seconds = seconds * 10 + (byte - '0');
    }
    return span_s(seconds);
}
