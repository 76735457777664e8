/* What the clients of budgets.c and paced.c measure with: clocks, samples, connections whose answers
 * the kernel stamps. Times are in ns; what fails ends the program with a sentence. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define MS_NS INT64_C(1000000)
#define S_NS (1000 * MS_NS)

struct samples {
    int64_t *values_ns; /* owned */
    size_t count, room;
};

/* What an answer has brought so far. */
struct answer {
    size_t length;
    char text[4096];
};

_Noreturn void fail(const char *what);
int64_t now_ns(void);

void samples_add(struct samples *samples, int64_t value_ns);
void samples_sort(struct samples *samples);
/* In us. The samples are sorted, and there is one at least. */
double samples_percentile(const struct samples *samples, double share);

/* Its events come with this number. */
void watch(int epoll, int descriptor, uint64_t number);

/* A connection to that port of loopback, which does not block. */
int connect_to(int port);

/* Reads what is there. When it came, by the kernel's stamp, is told in *come_ns. False: the
 * connection is over. */
_Bool answer_read(struct answer *answer, int connection, int64_t *come_ns);

/* Its status, once all of it is there; else 0. An answer has a length, or ends its connection. */
int answer_status(const struct answer *answer, _Bool is_end);

/* Does the proxy say that it closes? */
_Bool answer_closes(const struct answer *answer);
