#include "proxy/otlp_answer.h"

#include "conf/json.h"

enum otlp_verdict otlp_verdict_of(int status)
{
    if (status >= 200 && status < 300)
        return OTLP_TAKEN;
    switch (status) {
    case 0:
    case 429:
    case 502:
    case 503:
    case 504:
        return OTLP_AGAIN;
    default:
        return OTLP_REFUSED;
    }
}

/* An int64, which may stand in quotes or not. */
size_t otlp_rejected(struct text body, size_t spans)
{
    struct text number;
    size_t count = 0;

    if (!json_is_value(body))
        return 0;
    number = json_find(body, TEXT("/partialSuccess/rejectedSpans"));
    if (!number.at)
        return 0;
    if (number.count >= 2 && number.at[0] == '"')
        number = (struct text){.at = number.at + 1, .count = number.count - 2};
    for (size_t i = 0; i < number.count; i++) {
        if (number.at[i] < '0' || number.at[i] > '9')
            return 0;
        count = count * 10 + (size_t)(number.at[i] - '0');
        count = count < spans ? count : spans; /* all of it is read: it may be no number */
    }
    return count;
}
