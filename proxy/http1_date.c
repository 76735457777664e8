#include "proxy/http1_date.h"

#include <stdio.h>
#include <time.h>

#include "proxy/clock.h"

/* Not strftime, which speaks the language of the locale. */
void http1_date_print(char text[HTTP1_DATE_LENGTH + 1], int64_t ms)
{
    static const char DAYS[7][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char MONTHS[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    time_t seconds = (time_t)(ms / 1000);
    struct tm at;
    char printed[64];

    gmtime_r(&seconds, &at);
    snprintf(printed, sizeof(printed), "%s, %02d %s %04d %02d:%02d:%02d GMT", DAYS[at.tm_wday],
             at.tm_mday, MONTHS[at.tm_mon], (at.tm_year + 1900) % 10000, at.tm_hour, at.tm_min,
             at.tm_sec);
    memcpy(text, printed, HTTP1_DATE_LENGTH);
    text[HTTP1_DATE_LENGTH] = '\0';
}

struct text http1_date_now(struct http1_date *date, struct instant now)
{
    if (date->text[0] == '\0' || instant_reached(date->until, now)) {
        int64_t ms = clock_realtime_ms();

        http1_date_print(date->text, ms);
        date->until = instant_after(now, span_ms(1000 - ms % 1000));
    }
    return (struct text){.at = date->text, .count = HTTP1_DATE_LENGTH};
}
