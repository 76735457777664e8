#include "test/support/fleet.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "test/support/address.h"

enum { ANSWER_ROOM = 4096, PATIENCE_S = 10 };

struct member {
    pthread_t thread;
    struct fleet *fleet;
    unsigned seed;
    bool keeps;
    int fd; /* -1: none */
    bool is_used;
    struct tally tally;
};

struct fleet {
    struct fleet_options options;
    atomic_bool is_recalled;
    atomic_size_t answered;
    size_t count;
    struct member members[];
};

/* What has come of an answer. */
struct answer {
    char bytes[ANSWER_ROOM];
    size_t count;
    int error; /* of recv; 0: the end of the stream */
};

/* How many bytes the whole answer has; 0: that is not known yet. */
static size_t whole_length(const struct answer *answer)
{
    const char *end = strstr(answer->bytes, "\r\n\r\n");
    const char *length = strstr(answer->bytes, "Content-Length: ");

    if (end == NULL || length == NULL || length > end)
        return 0;
    return (size_t)(end + 4 - answer->bytes) + strtoul(length + 16, NULL, 10);
}

/* False: it broke off. */
static bool read_answer(int fd, struct answer *answer)
{
    answer->count = 0;
    for (;;) {
        ssize_t got = recv(fd, answer->bytes + answer->count, ANSWER_ROOM - 1 - answer->count, 0);
        if (got < 0 && errno == EINTR) /* the process was stopped, and goes on */
            continue;
        if (got <= 0) {
            answer->error = got < 0 ? errno : 0;
            return false;
        }
        answer->count += (size_t)got;
        answer->bytes[answer->count] = '\0';
        size_t whole = whole_length(answer);
        if (whole > 0 && answer->count >= whole)
            return true;
    }
}

static void hang_up(struct member *member)
{
    if (member->fd >= 0)
        close(member->fd);
    member->fd = -1;
}

/* Whoever keeps a connection looks whether it is still there before it uses it. */
static bool has_ended(int fd)
{
    char byte;
    ssize_t count = recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);

    return count == 0 || (count < 0 && errno != EAGAIN);
}

static bool dial(struct member *member)
{
    const struct timeval patience = {.tv_sec = PATIENCE_S};

    if (member->fd >= 0 && has_ended(member->fd))
        hang_up(member);
    if (member->fd >= 0)
        return true;
    member->fd = address_connect(member->fleet->options.address);
    member->is_used = false;
    if (member->fd < 0)
        return false;
    setsockopt(member->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    return true;
}

static void count_whole(struct member *member, const struct answer *answer)
{
    struct tally *tally = &member->tally;
    bool says_close = strstr(answer->bytes, "Connection: close") != NULL;
    bool is_ok = strncmp(answer->bytes, "HTTP/1.1 200 ", 13) == 0;

    *(is_ok ? &tally->answered : &tally->unwanted) += 1;
    atomic_fetch_add(&member->fleet->answered, 1);
    tally->turned_off += says_close;
    if (says_close || !member->keeps)
        hang_up(member);
    member->is_used = true;
}

static void count_broken(struct member *member, const struct answer *answer)
{
    struct tally *tally = &member->tally;

    if (answer->error == EAGAIN)
        tally->late++;
    else if (answer->count > 0)
        tally->cut++;
    else if (member->is_used)
        tally->raced++;
    else
        tally->lost++;
    hang_up(member);
}

/* False: refused. */
static bool ask_once(struct member *member)
{
    const char *request = member->fleet->options.request;
    struct answer answer;

    if (!dial(member)) {
        member->tally.refused++;
        return false;
    }
    /* Where it cannot be sent, recv says why. */
    (void)send(member->fd, request, strlen(request), MSG_NOSIGNAL);
    if (read_answer(member->fd, &answer))
        count_whole(member, &answer);
    else
        count_broken(member, &answer);
    return true;
}

static void *run(void *arg)
{
    struct member *member = arg;
    unsigned pause_us = member->fleet->options.pause_us;

    while (!atomic_load(&member->fleet->is_recalled)) {
        if (!ask_once(member))
            break;
        if (pause_us > 0)
            usleep((unsigned)rand_r(&member->seed) % pause_us);
    }
    hang_up(member);
    return NULL;
}

struct fleet *fleet_start(const struct fleet_options *options)
{
    size_t count = options->keepers + options->openers;
    struct fleet *fleet = calloc(1, sizeof(*fleet) + count * sizeof(struct member));

    cr_assert_not_null(fleet);
    fleet->options = *options;
    if (options->request == NULL)
        fleet->options.request = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
    fleet->count = count;
    for (size_t i = 0; i < count; i++) {
        struct member *member = &fleet->members[i];
        *member = (struct member){
            .fleet = fleet, .seed = (unsigned)i + 1, .keeps = i < options->keepers, .fd = -1};
        cr_assert_eq(pthread_create(&member->thread, NULL, run, member), 0);
    }
    return fleet;
}

size_t fleet_answered(const struct fleet *fleet)
{
    return atomic_load(&fleet->answered);
}

static void add(struct tally *to, const struct tally *from)
{
    to->answered += from->answered;
    to->unwanted += from->unwanted;
    to->cut += from->cut;
    to->lost += from->lost;
    to->raced += from->raced;
    to->refused += from->refused;
    to->late += from->late;
    to->turned_off += from->turned_off;
}

struct tally fleet_finish(struct fleet *fleet)
{
    struct tally sum = {0};

    for (size_t i = 0; i < fleet->count; i++) {
        pthread_join(fleet->members[i].thread, NULL);
        add(&sum, &fleet->members[i].tally);
    }
    free(fleet);
    return sum;
}

struct tally fleet_recall(struct fleet *fleet)
{
    atomic_store(&fleet->is_recalled, true);
    return fleet_finish(fleet);
}

const char *tally_text(const struct tally *tally)
{
    static char text[200];

    snprintf(text, sizeof(text),
             "answered %zu (%zu with close), unwanted %zu, cut %zu, lost %zu, raced %zu, refused "
             "%zu, late %zu",
             tally->answered, tally->turned_off, tally->unwanted, tally->cut, tally->lost,
             tally->raced, tally->refused, tally->late);
    return text;
}
