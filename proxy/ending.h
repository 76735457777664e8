/* How a request ended, for counting and for the log. */
#pragma once

enum ending {
    ENDING_OK,           /* 1xx to 4xx as the upstream answered */
    ENDING_UPSTREAM_5XX, /* 5xx as the upstream answered */
    ENDING_TIMEOUT,      /* 504 of ours */
    ENDING_FAILED,       /* 502 of ours */
    ENDING_OVERLOAD,     /* 503 of ours: a queue was full, or memory short */
    ENDING_REFUSED,      /* 4xx of ours: no route, not allowed, malformed budget */
    ENDING_CLIENT_GONE,  /* 499 */
    ENDING_CUT,          /* broken off after its head was sent */
    ENDINGS
};

const char *ending_name(enum ending ending);
