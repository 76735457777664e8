/* The value of the Date header (RFC 9110 section 5.6.7), made once a second. */
#pragma once

#include <stdint.h>

#include "budget/span.h"
#include "conf/text.h"

enum { HTTP1_DATE_LENGTH = 29 };

/* Begins as all zeros. */
struct http1_date {
    char text[HTTP1_DATE_LENGTH + 1];
    struct instant until; /* the text is right before this */
};

/* Borrowed from date; good until it is asked for the next. */
struct text http1_date_now(struct http1_date *date, struct instant now);

/* Pure. ms: since 1970. Terminated. */
void http1_date_print(char text[HTTP1_DATE_LENGTH + 1], int64_t ms);
