/* Each worker has a ring of lines; one thread writes them all. It takes all that is published in one
 * before it turns to the next, so that lines stay whole. */
#include "proxy/log.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "proxy/log_ring.h"
#include "proxy/memory.h"
#include "proxy/say.h"

enum {
    WAKE_BYTES = LOG_RING_BYTES / 2,
    REST_MS = 100,      /* the longest that a line waits in memory */
    LAST_WAITS = 8,     /* times REST_MS: how long a full pipe is waited for at the end */
    FAREWELL_MS = 1000, /* how long log_destroy waits in all */
};

struct log_buffer {
    struct log *log;
    struct log_buffer *next;
    struct log_ring ring;
};

struct log {
    char *path; /* owned; NULL: stderr, or off */
    bool is_off;
    bool is_json;
    pthread_t thread;
    int wake_fd; /* eventfds */
    int done_fd;
    _Atomic(struct log_buffer *) buffers; /* owned */
    atomic_bool reopens;
    atomic_bool stops;
    _Atomic uint64_t dropped;
    _Atomic uint64_t reopen_failures;

    /* The writing thread's alone. */
    int fd;              /* owned, if there is a path */
    uint64_t told;       /* how many of the dropped lines the log tells of */
    bool is_torn;        /* what was written last was not the end of a line */
    unsigned last_waits; /* how often the thread has waited since it was told to stop */
};

static void ring(int event_fd)
{
    uint64_t one = 1;
    ssize_t count = write(event_fd, &one, sizeof(one));

    (void)count; /* it only fails when it has been rung 2^64 times */
}

/* --- the workers' side */

static void count_drops(struct log *log, uint64_t lines)
{
    atomic_fetch_add_explicit(&log->dropped, lines, memory_order_relaxed);
}

void log_line(struct log_buffer *buffer, const char *line, size_t count)
{
    struct log *log = buffer->log;

    if (log->is_off)
        return;
    size_t waiting = log_ring_put(&buffer->ring, line, count);
    if (waiting == 0)
        count_drops(log, 1);
    else if (waiting >= WAKE_BYTES && waiting - count - 1 < WAKE_BYTES)
        ring(log->wake_fd);
}

bool log_is_on(const struct log_buffer *buffer)
{
    return !buffer->log->is_off;
}

/* --- the writing thread's side */

/* Without O_NONBLOCK a named pipe whose reader sleeps would hold the thread for ever. */
static int open_file(const char *path)
{
    return open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0640);
}

/* May the thread wait once more for room in a full pipe? */
static bool may_wait(struct log *log)
{
    if (!atomic_load(&log->stops))
        return true;
    return log->last_waits++ < LAST_WAITS;
}

/* Writes some of the pieces. Returns how many bytes; none when they cannot be written. */
static size_t write_some(struct log *log, const struct iovec *pieces, int count)
{
    for (;;) {
        ssize_t written = writev(log->fd, pieces, count);
        if (written >= 0)
            return (size_t)written;
        if (errno == EAGAIN && may_wait(log) && !atomic_load(&log->reopens)) {
            struct pollfd room = {.fd = log->fd, .events = POLLOUT};
            (void)poll(&room, 1, REST_MS);
        } else if (errno != EINTR) {
            return 0;
        }
    }
}

/* Writes a line of the thread's own. False: not all of it. */
static bool write_own(struct log *log, char *line, size_t count)
{
    while (count > 0) {
        struct iovec piece = {.iov_base = line, .iov_len = count};
        size_t written = write_some(log, &piece, 1);
        if (written == 0)
            return false;
        line += written;
        count -= written;
        log->is_torn = count > 0;
    }
    return true;
}

/* Says how many lines are missing here, if any are. False: it cannot be said now. */
static bool tell_dropped(struct log *log)
{
    uint64_t dropped = atomic_load_explicit(&log->dropped, memory_order_relaxed);
    char line[100];

    if (dropped == log->told)
        return true;
    int count = snprintf(line, sizeof(line), "%s%s\"%llu log lines were dropped\"%s\n",
                         log->is_torn ? "\n" : "",
                         log->is_json ? "{\"level\":\"warn\",\"msg\":" : "level=warn msg=",
                         (unsigned long long)(dropped - log->told), log->is_json ? "}" : "");
    if (!write_own(log, line, (size_t)count))
        return false;
    log->told = dropped;
    return true;
}

/* Then a line that was broken off is broken off there too. */
static bool is_same_file(int one_fd, int other_fd)
{
    struct stat one, other;

    return fstat(one_fd, &one) == 0 && fstat(other_fd, &other) == 0 && one.st_dev == other.st_dev &&
           one.st_ino == other.st_ino;
}

static void reopen(struct log *log)
{
    if (!log->path)
        return;
    int fd = open_file(log->path);
    if (fd < 0) {
        atomic_fetch_add_explicit(&log->reopen_failures, 1, memory_order_relaxed);
        say("cannot open the log %s anew, and goes on with the file it has: %s", log->path,
            strerror(errno));
        return;
    }
    log->is_torn = log->is_torn && is_same_file(fd, log->fd);
    close(log->fd);
    log->fd = fd;
}

/* Writes what has been published by now, or drops it when it cannot be written. */
static void empty(struct log *log, struct log_ring *from, bool can_write)
{
    for (size_t left = log_ring_count(from); left > 0;) {
        struct iovec pieces[2];
        int count = log_ring_pieces(from, left, pieces);
        size_t written = can_write ? write_some(log, pieces, count) : 0;
        if (written == 0) {
            count_drops(log, log_ring_drop(from, left));
            return;
        }
        log->is_torn = log_ring_take(from, written) != '\n';
        left -= written;
    }
}

static void write_all(struct log *log)
{
    for (struct log_buffer *buffer = atomic_load(&log->buffers); buffer; buffer = buffer->next)
        empty(log, &buffer->ring, tell_dropped(log));
    bool is_told = tell_dropped(log);
    (void)is_told; /* the next round tries again */
}

static void rest(struct log *log)
{
    struct pollfd bell = {.fd = log->wake_fd, .events = POLLIN};
    uint64_t rings;

    if (poll(&bell, 1, REST_MS) > 0) {
        ssize_t count = read(log->wake_fd, &rings, sizeof(rings));
        (void)count;
    }
}

static void *run(void *arg)
{
    struct log *log = arg;
    bool stops;

    do {
        rest(log);
        stops = atomic_load(&log->stops); /* before the round, so that the last one is complete */
        if (atomic_exchange(&log->reopens, false))
            reopen(log);
        write_all(log);
    } while (!stops);
    ring(log->done_fd);
    return NULL;
}

/* --- its life */

static void log_free(struct log *log)
{
    struct log_buffer *buffer = atomic_load(&log->buffers);

    while (buffer) {
        struct log_buffer *next = buffer->next;
        free(buffer);
        buffer = next;
    }
    if (log->path && log->fd >= 0)
        close(log->fd);
    if (log->wake_fd >= 0)
        close(log->wake_fd);
    if (log->done_fd >= 0)
        close(log->done_fd);
    free(log->path);
    free(log);
}

/* Fills in fd, or returns false. */
static bool open_destination(struct log *log, const char *where)
{
    if (strcmp(where, "stderr") == 0) {
        log->fd = STDERR_FILENO;
        return true;
    }
    log->path = strdup(where);
    if (!log->path)
        memory_is_missing();
    log->fd = open_file(where);
    return log->fd >= 0;
}

/* Signals are for the threads that know what to do with them. */
static bool start_thread(struct log *log)
{
    sigset_t all, before;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int fault = pthread_create(&log->thread, NULL, run, log);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    errno = fault;
    return fault == 0;
}

static bool start(struct log *log, const char *where)
{
    if (!open_destination(log, where))
        return false;
    log->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    log->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return log->wake_fd >= 0 && log->done_fd >= 0 && start_thread(log);
}

struct log *log_create(const char *where, bool is_json)
{
    struct log *log = memory_take_clear(1, sizeof(*log));

    log->fd = log->wake_fd = log->done_fd = -1;
    log->is_off = strcmp(where, "off") == 0;
    log->is_json = is_json;
    if (!log->is_off && !start(log, where)) {
        int fault = errno;
        log_free(log);
        errno = fault;
        return NULL;
    }
    return log;
}

static bool is_done(const struct log *log)
{
    struct pollfd bell = {.fd = log->done_fd, .events = POLLIN};
    int count;

    do
        count = poll(&bell, 1, FAREWELL_MS);
    while (count < 0 && errno == EINTR);
    return count > 0;
}

void log_destroy(struct log *log)
{
    if (!log)
        return;
    if (log->is_off) {
        log_free(log);
        return;
    }
    atomic_store(&log->stops, true);
    ring(log->wake_fd);
    if (is_done(log)) {
        pthread_join(log->thread, NULL);
        log_free(log);
    } else {
        /* It hangs in a write that may never return: log stays the thread's until the end. */
        pthread_detach(log->thread);
    }
}

void log_reopen(struct log *log)
{
    if (log->is_off)
        return;
    atomic_store(&log->reopens, true);
    ring(log->wake_fd);
}

struct log_buffer *log_buffer_create(struct log *log)
{
    struct log_buffer *buffer = aligned_alloc(alignof(struct log_buffer), sizeof(*buffer));

    if (!buffer)
        memory_is_missing();
    buffer->log = log;
    atomic_init(&buffer->ring.filled, 0);
    atomic_init(&buffer->ring.emptied, 0);
    buffer->next = atomic_load(&log->buffers);
    while (!atomic_compare_exchange_weak(&log->buffers, &buffer->next, buffer))
        continue;
    return buffer;
}

struct log_counts log_counts(const struct log *log)
{
    return (struct log_counts){
        .dropped = atomic_load_explicit(&log->dropped, memory_order_relaxed),
        .reopen_failures = atomic_load_explicit(&log->reopen_failures, memory_order_relaxed),
    };
}
