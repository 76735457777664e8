/* Each worker has a ring of bytes that it alone fills and the writing thread alone empties. So
 * neither ever waits for the other, and lines stay whole: a worker publishes a line only when it is
 * complete, and the thread takes all that is published before it turns to the next ring. */
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
#include <sys/uio.h>
#include <unistd.h>

#include "proxy/memory.h"

enum {
    RING_BYTES = 128 * 1024, /* a power of two */
    WAKE_BYTES = RING_BYTES / 2,
    CACHE_LINE = 64,
    REST_MS = 100,      /* the longest that a line waits in memory */
    LAST_WAITS = 8,     /* times REST_MS: how long a full pipe is waited for at the end */
    FAREWELL_MS = 1000, /* how long log_destroy waits in all */
};

/* The two counts never go back; they lie on cache lines of their own since each has one writer. */
struct log_buffer {
    struct log *log;
    struct log_buffer *next;
    alignas(CACHE_LINE) atomic_size_t filled;  /* bytes ever put in, by the worker */
    alignas(CACHE_LINE) atomic_size_t emptied; /* bytes ever taken out, by the writing thread */
    char bytes[RING_BYTES];
};

struct log {
    char *path; /* owned; NULL: stderr, or off */
    bool is_off;
    pthread_t thread;
    int wake_fd; /* eventfds */
    int done_fd;
    _Atomic(struct log_buffer *) buffers; /* owned */
    atomic_bool reopens;
    atomic_bool stops;
    _Atomic uint64_t dropped;

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

static void put(struct log_buffer *buffer, size_t at, const char *bytes, size_t count)
{
    size_t place = at % RING_BYTES;
    size_t before_wrap = RING_BYTES - place < count ? RING_BYTES - place : count;

    memcpy(buffer->bytes + place, bytes, before_wrap);
    memcpy(buffer->bytes, bytes + before_wrap, count - before_wrap);
}

void log_line(struct log_buffer *buffer, const char *line, size_t count)
{
    struct log *log = buffer->log;

    if (log->is_off)
        return;
    size_t filled = atomic_load_explicit(&buffer->filled, memory_order_relaxed);
    size_t used = filled - atomic_load_explicit(&buffer->emptied, memory_order_acquire);
    if (count >= RING_BYTES - used) {
        atomic_fetch_add_explicit(&log->dropped, 1, memory_order_relaxed);
        return;
    }
    put(buffer, filled, line, count);
    put(buffer, filled + count, "\n", 1);
    atomic_store_explicit(&buffer->filled, filled + count + 1, memory_order_release);
    if (used < WAKE_BYTES && used + count + 1 >= WAKE_BYTES)
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
    int count = snprintf(line, sizeof(line), "%slevel=warn msg=\"%llu log lines were dropped\"\n",
                         log->is_torn ? "\n" : "", (unsigned long long)(dropped - log->told));
    if (!write_own(log, line, (size_t)count))
        return false;
    log->told = dropped;
    return true;
}

static void reopen(struct log *log)
{
    char line[100];

    if (!log->path)
        return;
    int fd = open_file(log->path);
    if (fd >= 0) {
        close(log->fd);
        log->fd = fd;
        log->is_torn = false;
        return;
    }
    int count =
        snprintf(line, sizeof(line), "level=error msg=\"log not reopened: errno %d\"\n", errno);
    bool is_told = write_own(log, line, (size_t)count);
    (void)is_told; /* there is nowhere else to say it */
}

/* The bytes of the ring from one count to another, as one piece or two. */
static int pieces_of(struct log_buffer *buffer, size_t from, size_t to, struct iovec pieces[2])
{
    size_t place = from % RING_BYTES;
    size_t count = to - from;
    size_t before_wrap = RING_BYTES - place < count ? RING_BYTES - place : count;

    pieces[0] = (struct iovec){.iov_base = buffer->bytes + place, .iov_len = before_wrap};
    pieces[1] = (struct iovec){.iov_base = buffer->bytes, .iov_len = count - before_wrap};
    return before_wrap < count ? 2 : 1;
}

static uint64_t count_lines(const struct log_buffer *buffer, size_t from, size_t to)
{
    uint64_t lines = 0;

    for (; from != to; from++)
        lines += buffer->bytes[from % RING_BYTES] == '\n';
    return lines;
}

/* Writes what has been published, or drops it when it cannot be written. */
static void empty(struct log *log, struct log_buffer *buffer, bool can_write)
{
    size_t filled = atomic_load_explicit(&buffer->filled, memory_order_acquire);
    size_t emptied = atomic_load_explicit(&buffer->emptied, memory_order_relaxed);

    while (emptied != filled) {
        struct iovec pieces[2];
        int count = pieces_of(buffer, emptied, filled, pieces);
        size_t written = can_write ? write_some(log, pieces, count) : 0;
        if (written > 0) {
            emptied += written;
            log->is_torn = buffer->bytes[(emptied - 1) % RING_BYTES] != '\n';
        } else {
            can_write = false;
            uint64_t lines = count_lines(buffer, emptied, filled);
            atomic_fetch_add_explicit(&log->dropped, lines, memory_order_relaxed);
            emptied = filled;
        }
        atomic_store_explicit(&buffer->emptied, emptied, memory_order_release);
    }
}

static void write_all(struct log *log)
{
    for (struct log_buffer *buffer = atomic_load(&log->buffers); buffer; buffer = buffer->next)
        empty(log, buffer, tell_dropped(log));
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

struct log *log_create(const char *where)
{
    struct log *log = memory_take_clear(1, sizeof(*log));

    log->fd = log->wake_fd = log->done_fd = -1;
    log->is_off = strcmp(where, "off") == 0;
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
    struct log_buffer *buffer = aligned_alloc(CACHE_LINE, sizeof(*buffer));

    if (!buffer)
        memory_is_missing();
    buffer->log = log;
    atomic_init(&buffer->filled, 0);
    atomic_init(&buffer->emptied, 0);
    buffer->next = atomic_load(&log->buffers);
    while (!atomic_compare_exchange_weak(&log->buffers, &buffer->next, buffer))
        continue;
    return buffer;
}

uint64_t log_dropped(const struct log *log)
{
    return atomic_load_explicit(&log->dropped, memory_order_relaxed);
}
