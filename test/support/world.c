#include "test/support/world.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proxy/clock.h"

enum { LISTENERS_MAX = 4, COMPLAINTS_MAX = 16 * 1024, SETTLE_TRIES = 50 };

struct world {
    struct world *next;      /* of those that have not ended: a failed test leaves them there */
    struct program *program; /* owned */
    char *addresses[LISTENERS_MAX];
    char *admin;
};

static struct world *worlds;
static const char *const listening = "hourglass: listening on ";

static char *copy_line(const char *text)
{
    return strndup(text, strcspn(text, "\n"));
}

static void find_addresses(struct world *world)
{
    const char *said = program_stderr(world->program);
    const char *at = said;

    for (size_t i = 0; i < LISTENERS_MAX && (at = strstr(at, listening)) != NULL; i++) {
        at += strlen(listening);
        world->addresses[i] = copy_line(at);
    }
    at = strstr(said, "hourglass: admin on ");
    if (at != NULL)
        world->admin = copy_line(at + strlen("hourglass: admin on "));
}

static void write_file(char *path, const char *format, va_list arguments)
{
    int fd = mkstemps(path, 4);

    cr_assert_geq(fd, 0);
    vdprintf(fd, format, arguments);
    close(fd);
}

/* Starts the program, in the place of another's if there is one, and waits until it serves. */
static struct world *start(const struct world *old, const char *format, va_list arguments)
{
    struct world *world = calloc(1, sizeof(*world));
    char path[] = "/tmp/hourglass-test-XXXXXX.ini";
    char replaced[16] = "";

    cr_assert_not_null(world);
    world->next = worlds;
    worlds = world;
    write_file(path, format, arguments);
    if (old != NULL)
        snprintf(replaced, sizeof(replaced), "%d", (int)program_pid(old->program));
    world->program = program_start(
        (const char *const[]){"-c", path, old != NULL ? "--replace" : NULL, replaced, NULL});
    bool is_ready = program_says(world->program, "hourglass: ready\n");
    unlink(path);
    cr_assert(is_ready, "%s does not serve; it said:\n%s", HOURGLASS_PROGRAM,
              program_stderr(world->program));
    find_addresses(world);
    return world;
}

struct world *world_start(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    struct world *world = start(NULL, format, arguments);
    va_end(arguments);
    return world;
}

struct world *world_replace(const struct world *old, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    struct world *world = start(old, format, arguments);
    va_end(arguments);
    return world;
}

/* What it said but for the request log, cut to a length that can be read. Owned by the caller. */
static char *complaints(struct world *world)
{
    const char *text = program_stderr(world->program);
    char *said = calloc(1, strlen(text) + 1);

    cr_assert_not_null(said);
    for (size_t count = 0; *text != '\0' && strlen(said) < COMPLAINTS_MAX; text += count) {
        count = strcspn(text, "\n");
        count += text[count] == '\n';
        if (strncmp(text, "time=", 5) != 0)
            strncat(said, text, count);
    }
    return said;
}

static void unlink_world(struct world *world)
{
    for (struct world **place = &worlds; *place != NULL; place = &(*place)->next) {
        if (*place == world) {
            *place = world->next;
            break;
        }
    }
}

/* What it said is the caller's. */
static int finish(struct world *world, char **ret_said)
{
    int code = program_exit_code(world->program, span_s(20));

    *ret_said = complaints(world);
    program_destroy(world->program);
    for (size_t i = 0; i < LISTENERS_MAX; i++)
        free(world->addresses[i]);
    free(world->admin);
    unlink_world(world);
    free(world);
    return code;
}

/* And all that was around it. */
static void end_all(void)
{
    dialogues_close();
    origins_stop();
}

int world_end(struct world *world, char **ret_said)
{
    program_signal(world->program, SIGTERM);
    int code = finish(world, ret_said);
    end_all();
    return code;
}

void world_replaced(struct world *world)
{
    char *said;
    int code = finish(world, &said);

    cr_expect_eq(code, 0, "exit code %d; the program said:\n%s", code, said);
    cr_expect(strstr(said, "[warn]") == NULL && strstr(said, "[err]") == NULL,
              "libevent complained:\n%s", said);
    free(said);
}

void world_stopped(struct world *world)
{
    world_replaced(world);
    end_all();
}

void world_stop(struct world *world)
{
    dialogues_hang_up(); /* else the program would give them time to close */
    program_signal(world->program, SIGTERM);
    world_stopped(world);
}

const char *world_address(const struct world *world, size_t n)
{
    cr_assert_not_null(world->addresses[n], "no listener %zu", n);
    return world->addresses[n];
}

const char *world_admin(const struct world *world)
{
    cr_assert_not_null(world->admin, "no admin listener");
    return world->admin;
}

struct program *world_program(const struct world *world)
{
    return world->program;
}

struct dialogue *world_dial(const struct world *world)
{
    return dialogue_open(world_address(world, 0));
}

const struct reply *world_ask(const struct world *world, const char *request)
{
    struct dialogue *dialogue = world_dial(world);

    dialogue_send(dialogue, request);
    return strncmp(request, "HEAD ", 5) == 0 ? dialogue_read_head(dialogue)
                                             : dialogue_read(dialogue);
}

const struct reply *world_get(const struct world *world, const char *path, const char *lines)
{
    char request[4096];

    snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: proxy.test\r\n%s\r\n", path,
             lines);
    return world_ask(world, request);
}

static bool line_holds(const char *line, size_t count, const char *const *texts)
{
    for (; *texts != NULL; texts++) {
        if (memmem(line, count, *texts, strlen(*texts)) == NULL)
            return false;
    }
    return true;
}

static const char *find_line(const char *text, const char *const *texts)
{
    while (*text != '\0') {
        size_t count = strcspn(text, "\n");
        if (line_holds(text, count, texts))
            return text;
        text += count + (text[count] == '\n');
    }
    return NULL;
}

bool world_has_logged(const struct world *world, const char *const *texts)
{
    return find_line(program_stderr(world->program), texts) != NULL;
}

bool world_logs(const struct world *world, const char *const *texts)
{
    for (int i = 0; i < 1000; i++) {
        if (world_has_logged(world, texts))
            return true;
        usleep(5000);
    }
    fprintf(stderr, "no line of the log has all of what was looked for; it is:\n%s",
            program_stderr(world->program));
    return false;
}

/* Lines lie in memory for up to 100 ms. */
size_t world_count_lines(const struct world *world)
{
    size_t count = 0;
    const char *at;

    usleep(300 * 1000);
    at = program_stderr(world->program);
    for (; *at != '\0'; at += strcspn(at, "\n"), at += *at == '\n')
        count += strncmp(at, "time=", 5) == 0;
    return count;
}

static double metric_of(const char *page, const char *name, const char *label)
{
    const char *const texts[] = {name, label, " ", NULL};
    const char *line = find_line(page, texts);

    while (line != NULL && *line == '#')
        line = find_line(line + strcspn(line, "\n"), texts);
    if (line == NULL)
        return -1;
    line += strcspn(line, "\n");
    while (line[-1] != ' ')
        line--;
    return strtod(line, NULL);
}

static double sum_of(const char *page, const char *name, const char *label)
{
    double sum = 0;
    char begin[100];

    snprintf(begin, sizeof(begin), "%s{", name);
    for (const char *line = page; (line = find_line(line, (const char *[]){begin, label, NULL}));
         line += strcspn(line, "\n")) {
        if (strncmp(line, begin, strlen(begin)) == 0)
            sum += strtod(strchr(line, '}') + 1, NULL);
    }
    return sum;
}

typedef double read_page_f(const char *page, const char *name, const char *label);

struct question {
    read_page_f *read;
    const char *name, *label;
};

/* *ret_settled: nothing was in flight. */
static double ask_once(const struct world *world, const struct question *question,
                       bool *ret_settled)
{
    struct dialogue *dialogue = dialogue_open(world_admin(world));

    dialogue_send(dialogue, "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n");
    const char *page = dialogue_read(dialogue)->body;
    double value = question->read(page, question->name, question->label);
    *ret_settled = sum_of(page, "hourglass_requests_in_flight", "") == 0;
    dialogue_close(dialogue);
    return value;
}

/* A reply is there a little before its request is counted. */
static double ask_settled(const struct world *world, const struct question *question)
{
    bool is_settled;

    for (int tries = 0;; tries++) {
        double value = ask_once(world, question, &is_settled);
        if (is_settled || tries == SETTLE_TRIES)
            return value;
        usleep(10000);
    }
}

double world_metric(const struct world *world, const char *name, const char *label)
{
    return ask_settled(world, &(struct question){metric_of, name, label});
}

double world_metric_sum(const struct world *world, const char *name, const char *label)
{
    return ask_settled(world, &(struct question){sum_of, name, label});
}

double world_gauge(const struct world *world, const char *name, const char *label)
{
    return ask_once(world, &(struct question){metric_of, name, label}, &(bool){false});
}

bool world_comes_to(const struct world *world, const char *name, const char *label, double value)
{
    struct instant end = instant_after(clock_now(), span_s(10));
    double seen = world_gauge(world, name, label);

    for (; seen != value && !instant_reached(end, clock_now()); usleep(5000))
        seen = world_gauge(world, name, label);
    if (seen != value)
        fprintf(stderr, "%s %s is %g and does not come to %g\n", name, label, seen, value);
    return seen == value;
}

size_t world_memory(const struct world *world)
{
    char path[64];
    size_t pages = 0;
    FILE *file;

    snprintf(path, sizeof(path), "/proc/%d/statm", (int)program_pid(world->program));
    file = fopen(path, "r");
    cr_assert_not_null(file);
    cr_assert_eq(fscanf(file, "%*u %zu", &pages), 1);
    fclose(file);
    return pages * (size_t)sysconf(_SC_PAGESIZE);
}

size_t world_descriptors(const struct world *world)
{
    char path[64];
    size_t count = 0;
    DIR *folder;

    snprintf(path, sizeof(path), "/proc/%d/fd", (int)program_pid(world->program));
    folder = opendir(path);
    cr_assert_not_null(folder);
    while (readdir(folder) != NULL)
        count++;
    closedir(folder);
    return count - 2; /* without . and .. */
}

bool world_is_at_rest(const struct world *world)
{
    for (int i = 0; i < 100; i++) {
        if (world_metric_sum(world, "hourglass_requests_in_flight", "") == 0 &&
            world_metric(world, "hourglass_connections ", "") == 0)
            return true;
        usleep(50 * 1000);
    }
    return false;
}
