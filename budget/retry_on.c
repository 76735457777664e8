#include "budget/retry_on.h"

#include <string.h>

enum { SERVER_ERRORS = 500, SERVER_ERRORS_COUNT = 100, TOO_MANY_REQUESTS = 429 };

enum { NO_BIT = -1 };

static int status_bit(int status)
{
    if (status == TOO_MANY_REQUESTS)
        return SERVER_ERRORS_COUNT;
    if (status < SERVER_ERRORS || status >= SERVER_ERRORS + SERVER_ERRORS_COUNT)
        return NO_BIT;
    return status - SERVER_ERRORS;
}

static void add_bit(struct retry_on *on, int bit)
{
    on->statuses[bit / 64] |= UINT64_C(1) << bit % 64;
}

static bool covers_status(const struct retry_on *on, int status)
{
    int bit = status_bit(status);

    return bit != NO_BIT && (on->statuses[bit / 64] >> bit % 64 & 1) != 0;
}

struct retry_on retry_on_default(void)
{
    struct retry_on on = {.connect = true, .timeout = true};

    add_bit(&on, status_bit(502));
    add_bit(&on, status_bit(503));
    add_bit(&on, status_bit(504));
    return on;
}

/* The bit of a status as text, three digits and nothing else. */
static int word_bit(const char *word)
{
    int status = 0;

    if (strlen(word) != 3 || strspn(word, "0123456789") != 3)
        return NO_BIT;
    for (; *word != '\0'; word++)
        status = status * 10 + (*word - '0');
    return status_bit(status);
}

bool retry_on_add(struct retry_on *on, const char *word)
{
    int bit = word_bit(word);

    if (strcmp(word, "connect") == 0)
        on->connect = true;
    else if (strcmp(word, "timeout") == 0)
        on->timeout = true;
    else if (strcmp(word, "unsafe") == 0)
        on->unsafe = true;
    else if (bit != NO_BIT)
        add_bit(on, bit);
    else
        return false;
    return true;
}

bool retry_on_covers(const struct retry_on *on, enum call_outcome outcome, int status)
{
    switch (outcome) {
    case CALL_OK:
    case CALL_STATUS:
        return covers_status(on, status);
    case CALL_TIMEOUT:
    case CALL_QUEUED_OUT:
    case CALL_UNSENT:
        return on->timeout;
    case CALL_DNS_TIMEOUT:
    case CALL_CONNECT_TIMEOUT:
        return on->connect || on->timeout;
    case CALL_DNS_ERROR:
    case CALL_REFUSED:
        return on->connect;
    case CALL_BROKEN:
        return on->connect || covers_status(on, 502);
    case CALL_INVALID:
        return covers_status(on, 502);
    /* A client that is still sending is not the upstream's failure, and its body is not whole. Where
     * there is too much to do, more attempts would make it worse. */
    case CALL_UPLOAD_OUT:
    case CALL_TOO_LARGE:
    case CALL_UNFILLED:
    case CALL_QUEUE_FULL:
    case CALL_NO_MEMORY:
    case CALL_WAITING:
    case CALL_RUNNING:
    case CALL_SKIPPED:
    case CALL_CANCELLED:
        break;
    }
    return false;
}
