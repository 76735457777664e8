#include "proxy/log.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/hourglass-log-XXXXXX";
static char path[100];
static char moved[100];

static void set_up(void)
{
    cr_assert(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/log", folder);
    snprintf(moved, sizeof(moved), "%s/log.1", folder);
}

static void tear_down(void)
{
    unlink(path);
    unlink(moved);
    rmdir(folder);
}

TestSuite(log, .init = set_up, .fini = tear_down, .timeout = 300);

static void add(struct log_buffer *buffer, const char *line)
{
    log_line(buffer, line, strlen(line));
}

/* All that is in a file; to be freed. */
static char *text_in(const char *file_path)
{
    FILE *file = fopen(file_path, "r");
    char *text = NULL;
    size_t size = 0;

    if (!file)
        return strdup("");
    if (getdelim(&text, &size, EOF, file) < 0) {
        free(text);
        text = strdup("");
    }
    fclose(file);
    return text;
}

static bool holds(const char *file_path, const char *wanted)
{
    char *text = text_in(file_path);
    bool found = strstr(text, wanted);

    free(text);
    return found;
}

/* Waits until a file holds a text. */
static void await(const char *file_path, const char *wanted)
{
    for (int i = 0; i < 2000; i++) {
        if (holds(file_path, wanted))
            return;
        usleep(10000);
    }
    cr_assert_fail("%s never came", wanted);
}

static void await_drops(const struct log *log, uint64_t wanted)
{
    for (int i = 0; i < 2000 && log_counts(log).dropped < wanted; i++)
        usleep(10000);
    cr_assert_eq(log_counts(log).dropped, wanted);
}

static void expect_file(const char *file_path, const char *wanted)
{
    char *text = text_in(file_path);

    cr_expect_str_eq(text, wanted);
    free(text);
}

Test(log, lines_are_in_the_file_when_the_log_is_destroyed)
{
    struct log *log = log_create(path, false);
    struct log_buffer *buffer = log_buffer_create(log);

    add(buffer, "one");
    add(buffer, "");
    add(buffer, "two 2");
    log_destroy(log);
    expect_file(path, "one\n\ntwo 2\n");
}

Test(log, a_line_is_written_soon_without_being_asked_for)
{
    struct log *log = log_create(path, false);

    add(log_buffer_create(log), "alone");
    await(path, "alone\n");
    log_destroy(log);
}

Test(log, a_file_is_appended_to_and_not_for_everybody_to_read)
{
    struct stat status;

    umask(0);
    for (int i = 0; i < 2; i++) {
        struct log *log = log_create(path, false);
        add(log_buffer_create(log), i == 0 ? "run 0" : "run 1");
        log_destroy(log);
    }
    expect_file(path, "run 0\nrun 1\n");
    cr_assert_eq(stat(path, &status), 0);
    cr_expect_eq(status.st_mode & 0777, 0640);
}

Test(log, off_writes_nothing_and_drops_nothing)
{
    struct log *log = log_create("off", false);
    struct log_buffer *buffer = log_buffer_create(log);

    cr_expect_not(log_is_on(buffer));

    for (int i = 0; i < 100000; i++)
        add(buffer, "nobody hears this");
    log_reopen(log);
    cr_expect_eq(log_counts(log).dropped, 0);
    log_destroy(log);
}

Test(log, a_file_that_cannot_be_opened_is_said_at_once)
{
    char nowhere[150];

    snprintf(nowhere, sizeof(nowhere), "%s/none/log", folder);
    errno = 0;
    cr_expect_null(log_create(nowhere, false));
    cr_expect_eq(errno, ENOENT);
}

Test(log, after_the_file_was_moved_reopening_begins_a_new_one)
{
    struct log *log = log_create(path, false);
    struct log_buffer *buffer = log_buffer_create(log);

    add(buffer, "before");
    await(path, "before\n");
    cr_assert_eq(rename(path, moved), 0);
    log_reopen(log);
    add(buffer, "after");
    log_destroy(log);
    expect_file(moved, "before\n");
    expect_file(path, "after\n");
}

Test(log, when_reopening_fails_the_old_file_is_kept_and_that_is_said_on_stderr)
{
    FILE *said = tmpfile();
    char line[200] = "";

    cr_assert(said);
    dup2(fileno(said), STDERR_FILENO);
    struct log *log = log_create(path, false);
    struct log_buffer *buffer = log_buffer_create(log);

    cr_assert_eq(rename(path, moved), 0);
    cr_assert_eq(mkdir(path, 0700), 0);
    log_reopen(log);
    add(buffer, "after");
    await(moved, "after\n");
    cr_expect_eq(log_counts(log).reopen_failures, 1);
    log_destroy(log);
    expect_file(moved, "after\n");
    cr_expect_gt(pread(fileno(said), line, sizeof(line) - 1, 0), 0);
    cr_expect(strstr(line, "hourglass: cannot open the log /tmp/hourglass-log-"), "%s", line);
    cr_expect(strstr(line, "goes on with the file it has: Is a directory\n"), "%s", line);
    fclose(said);
    rmdir(path);
}

static void fill_the_disk(bool is_json, const char *expected)
{
    cr_assert_eq(symlink("/dev/full", path), 0);
    struct log *log = log_create(path, is_json);
    struct log_buffer *buffer = log_buffer_create(log);

    for (int i = 0; i < 3; i++)
        add(buffer, "lost");
    await_drops(log, 3);
    unlink(path);
    log_reopen(log);
    await(path, "\"3 log lines were dropped\"");
    add(buffer, "found");
    log_destroy(log);
    expect_file(path, expected);
    unlink(path);
}

Test(log, lines_for_a_full_disk_are_dropped_and_their_number_told_once)
{
    fill_the_disk(false, "level=warn msg=\"3 log lines were dropped\"\nfound\n");
    fill_the_disk(true, "{\"level\":\"warn\",\"msg\":\"3 log lines were dropped\"}\nfound\n");
}

Test(log, a_line_that_was_broken_off_does_not_swallow_the_next)
{
    struct rlimit limit;

    cr_assert_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
    rlim_t before = limit.rlim_cur;
    limit.rlim_cur = 10;
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    struct log *log = log_create(path, false);
    struct log_buffer *buffer = log_buffer_create(log);
    add(buffer, "12345");
    add(buffer, "67890");
    await_drops(log, 1);
    limit.rlim_cur = before;
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    add(buffer, "next");
    log_destroy(log);
    expect_file(path, "12345\n6789\nlevel=warn msg=\"1 log lines were dropped\"\nnext\n");
}

Test(log, a_reader_that_sleeps_holds_nobody_up)
{
    cr_assert_eq(mkfifo(path, 0600), 0);
    int reader = open(path, O_RDONLY | O_NONBLOCK);
    struct log *log = log_create(path, false);
    struct log_buffer *buffer = log_buffer_create(log);

    for (int i = 0; i < 100000; i++)
        add(buffer, "a line that nobody reads, of some length or other");
    cr_expect(log_counts(log).dropped > 90000);
    log_destroy(log);
    close(reader);
}

/* Whatever is in the pipe, with an end of its own. */
static char *drink(int reader)
{
    static char text[1 << 17];
    ssize_t count = read(reader, text, sizeof(text) - 1);

    text[count > 0 ? count : 0] = '\0';
    return text;
}

/* The last line in a full pipe is broken off: the same pipe, opened anew, gets its end first. */
Test(log, a_line_that_was_broken_off_does_not_swallow_the_next_when_the_same_file_is_reopened)
{
    char line[1000];

    cr_assert_eq(mkfifo(path, 0600), 0);
    int reader = open(path, O_RDONLY | O_NONBLOCK);
    struct log *log = log_create(path, false);
    struct log_buffer *buffer = log_buffer_create(log);
    memset(line, '.', sizeof(line));
    for (int i = 0; i < 100; i++)
        log_line(buffer, line, sizeof(line));
    for (int held = 0; held < fcntl(reader, F_GETPIPE_SZ); usleep(1000))
        cr_assert_eq(ioctl(reader, FIONREAD, &held), 0);
    log_reopen(log);
    for (int i = 0; i < 2000 && log_counts(log).dropped == 0; i++)
        usleep(10000);
    char *text = drink(reader);
    cr_assert_neq(text[strlen(text) - 1], '\n', "no line was broken off");
    add(buffer, "after");
    log_destroy(log);
    text = drink(reader);
    cr_expect_eq(strncmp(text, "\nlevel=warn msg=\"", 17), 0, "%s", text);
    /* Between them, whole, the lines that the thread had not taken yet when it was stuck. */
    cr_expect_geq(strlen(text), 7);
    cr_expect_str_eq(text + strlen(text) - 7, "\nafter\n");
    close(reader);
}

Test(log, a_pipe_whose_reader_goes_and_comes_again_misses_lines_that_are_counted)
{
    cr_assert_eq(mkfifo(path, 0600), 0);
    signal(SIGPIPE, SIG_IGN);
    int reader = open(path, O_RDONLY | O_NONBLOCK);
    struct log *log = log_create(path, false);
    struct log_buffer *buffer = log_buffer_create(log);
    close(reader);
    add(buffer, "one");
    add(buffer, "two");
    await_drops(log, 2);
    reader = open(path, O_RDONLY | O_NONBLOCK);
    add(buffer, "three");
    log_destroy(log);
    cr_expect_str_eq(drink(reader), "level=warn msg=\"2 log lines were dropped\"\nthree\n");
    close(reader);
}

Test(log, a_stuck_stderr_does_not_keep_the_program_from_ending)
{
    int pipe_fds[2];

    cr_assert_eq(pipe(pipe_fds), 0);
    dup2(pipe_fds[1], STDERR_FILENO); /* and so it stays: the writing thread still hangs in it */
    struct log *log = log_create("stderr", false);
    struct log_buffer *buffer = log_buffer_create(log);
    for (int i = 0; i < 100000; i++)
        add(buffer, "a line that nobody reads, of some length or other");
    cr_expect(log_counts(log).dropped > 90000);
    log_destroy(log);
}

Test(log, a_line_longer_than_all_the_memory_there_is_is_dropped)
{
    static char text[200000];
    struct log *log = log_create(path, false);
    struct log_buffer *buffer = log_buffer_create(log);

    log_line(buffer, text, sizeof(text));
    cr_expect_eq(log_counts(log).dropped, 1);
    log_destroy(log);
    expect_file(path, "level=warn msg=\"1 log lines were dropped\"\n");
}

enum { THREADS = 4, LINES = 30000 };

static const char filler[] = "................................................................";

static void *chatter(void *arg)
{
    static atomic_int next;
    int own = atomic_fetch_add(&next, 1);
    struct log_buffer *buffer = log_buffer_create(arg);

    for (int i = 0; i < LINES; i++) {
        char line[128];
        int count = snprintf(line, sizeof(line), "%d %d %.*s|", own, i, i % 64, filler);
        log_line(buffer, line, (size_t)count);
        if (i % 500 == 0)
            usleep(1000);
    }
    return NULL;
}

/* Each line must be whole, and each thread's in order. Returns how many there are. */
static uint64_t check_lines(const char *file_path)
{
    FILE *file = fopen(file_path, "r");
    char line[200], wanted[200];
    int last[THREADS] = {-1, -1, -1, -1};
    uint64_t count = 0;

    cr_assert(file);
    while (fgets(line, sizeof(line), file)) {
        if (strncmp(line, "level=warn ", 11) == 0)
            continue;
        char *rest;
        int own = (int)strtol(line, &rest, 10);
        int i = (int)strtol(rest, &rest, 10);
        cr_assert(own >= 0 && own < THREADS && i > last[own], "%s", line);
        snprintf(wanted, sizeof(wanted), "%d %d %.*s|\n", own, i, i % 64, filler);
        cr_assert_str_eq(line, wanted);
        last[own] = i;
        count++;
    }
    fclose(file);
    return count;
}

Test(log, lines_of_many_threads_stay_whole_and_in_order_and_none_goes_uncounted)
{
    struct log *log = log_create(path, false);
    pthread_t threads[THREADS];

    for (int i = 0; i < THREADS; i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, chatter, log), 0);
    for (int i = 0; i < 20; i++) {
        log_reopen(log);
        usleep(2000);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    uint64_t dropped = log_counts(log).dropped;
    log_destroy(log);
    cr_expect_eq(check_lines(path) + dropped, (uint64_t)THREADS * LINES);
}
