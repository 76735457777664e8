/* The head of a request: bytes -> struct request. llhttp, and on top of it the rules that its
 * versions do not agree on. Pure. */
#pragma once

#include "budget/checked.h"
#include "proxy/client.h"
#include "proxy/http1_scan.h"

/* What is wrong with a request that the codec answers itself. */
struct http1_refusal {
    int status;         /* 0: nothing is */
    const char *detail; /* a sentence for the client */
};

struct http1_head {
    struct request request; /* all but started and peer */
    bool keeps_alive;       /* the client would use the connection again */
};

/* Reads bytes, a whole head that http1_scan has found, empty line included. Its texts point into
 * bytes, its headers are in headers, which has room for so many; with
 * more it is refused. Both are borrowed for as long as head is used. */
CHECKED struct http1_refusal http1_head_read(struct http1_head *head, struct text bytes,
                                             struct header *headers, size_t room);

/* "llhttp/9.2.1": the parser in use. */
const char *http1_parser_version(void);
