#include "test/soak/subject.h"

#include <arpa/inet.h>
#include <assert.h>
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proxy/clock.h"
#include "test/soak/subject_ini.h"
#include "test/support/message.h"

struct subject {
    char folder[64];
    pid_t pid;
    bool has_ended;
    int exit_code;
    int said;            /* what it says */
    unsigned port;       /* for clients */
    unsigned admin;      /* port */
    struct message page; /* of metrics */
};

static char *path_of(const struct subject *subject, const char *name, char path[128])
{
    snprintf(path, 128, "%s/%s", subject->folder, name);
    return path;
}

/* ---- started */

static void run(const struct subject *subject)
{
    static char program[] = HOURGLASS_PROGRAM;
    static char option[] = "-c";
    static char file[] = "soak.ini";
    char *const arguments[] = {program, option, file, NULL};

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (chdir(subject->folder) != 0)
        _exit(126);
    dup2(subject->said, STDERR_FILENO);
    close_range(STDERR_FILENO + 1, ~0U, 0);
    execv(HOURGLASS_PROGRAM, arguments);
    _exit(127);
}

/* A port on which nobody listens, as long as the socket is open. */
static unsigned reserve_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int code = bind(fd, (const struct sockaddr *)&address, sizeof address);

    assert(code == 0);
    getsockname(fd, (struct sockaddr *)&address, &length);
    return ntohs(address.sin_port);
}

static void write_configuration(const struct subject *subject, unsigned backend_port)
{
    char path[128];
    FILE *file = fopen(path_of(subject, "soak.ini", path), "w");

    assert(file);
    fprintf(file, SUBJECT_INI_PROXY, SUBJECT_CONNECTIONS, SUBJECT_DEFAULT_MS, SUBJECT_MAX_MS);
    fprintf(file, SUBJECT_INI_UPSTREAMS, backend_port, backend_port, backend_port, backend_port,
            reserve_port());
    fputs(SUBJECT_INI_ROUTES, file);
    fputs(SUBJECT_INI_STEPS, file);
    fclose(file);
}

static char *all_said(const struct subject *subject)
{
    struct stat status;

    if (fstat(subject->said, &status) != 0)
        status.st_size = 0;
    char *text = calloc(1, (size_t)status.st_size + 1);
    assert(text);
    if (pread(subject->said, text, (size_t)status.st_size, 0) < 0)
        text[0] = '\0';
    return text;
}

/* The port at the end of the line that begins so. */
static unsigned port_in(const char *said, const char *beginning)
{
    const char *at = strstr(said, beginning);

    at = at ? strchr(at + strlen(beginning), ':') : NULL;
    return at ? (unsigned)strtoul(at + 1, NULL, 10) : 0;
}

static bool is_ready(struct subject *subject)
{
    char *said = all_said(subject);
    bool is_there = strstr(said, "hourglass: ready\n");

    subject->port = port_in(said, "hourglass: listening on ");
    subject->admin = port_in(said, "hourglass: admin on ");
    free(said);
    return is_there;
}

struct subject *subject_start(const char *folder, unsigned backend_port)
{
    struct subject *subject = calloc(1, sizeof *subject);
    char path[128];

    assert(subject);
    snprintf(subject->folder, sizeof subject->folder, "%s", folder);
    write_configuration(subject, backend_port);
    subject->said =
        open(path_of(subject, "said", path), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    assert(subject->said >= 0);
    message_init(&subject->page, true);
    subject->pid = fork();
    if (subject->pid == 0)
        run(subject);
    for (int i = 0; i < 6000 && subject_is_alive(subject); i++) {
        if (is_ready(subject))
            return subject;
        usleep(10 * 1000);
    }
    char *said = all_said(subject);
    fprintf(stderr, "soak: %s does not serve; it said:\n%s\n", HOURGLASS_PROGRAM, said);
    exit(1);
}

unsigned subject_port(const struct subject *subject)
{
    return subject->port;
}

/* ---- looked at */

bool subject_is_alive(struct subject *subject)
{
    int status;

    if (!subject->has_ended && waitpid(subject->pid, &status, WNOHANG) == subject->pid) {
        subject->has_ended = true;
        subject->exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
    }
    return !subject->has_ended;
}

size_t subject_memory(const struct subject *subject)
{
    char path[64];
    unsigned long pages = 0;

    snprintf(path, sizeof path, "/proc/%d/statm", (int)subject->pid);
    FILE *file = fopen(path, "r");
    if (!file)
        return 0;
    int count = fscanf(file, "%*u %lu", &pages);
    fclose(file);
    return count == 1 ? pages * (size_t)sysconf(_SC_PAGESIZE) : 0;
}

size_t subject_descriptors(const struct subject *subject)
{
    char path[64];
    size_t count = 0;

    snprintf(path, sizeof path, "/proc/%d/fd", (int)subject->pid);
    DIR *folder = opendir(path);
    if (!folder)
        return 0;
    for (struct dirent *entry; (entry = readdir(folder));)
        count += entry->d_name[0] != '.';
    closedir(folder);
    return count;
}

bool subject_scrape(struct subject *subject)
{
    static const char request[] = "GET /metrics HTTP/1.1\r\nHost: localhost\r\n"
                                  "Connection: close\r\n\r\n";
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                                  .sin_port = htons((uint16_t)subject->admin)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct source source;

    message_finish(&subject->page);
    message_init(&subject->page, true);
    source_init(&source, fd);
    if (connect(fd, (const struct sockaddr *)&address, sizeof address) == 0 &&
        send(fd, request, sizeof request - 1, MSG_NOSIGNAL) > 0) {
        while (subject->page.state < MESSAGE_COMPLETE && source_fill(&source, span_s(5)))
            message_take(&subject->page, &source);
    }
    source_finish(&source);
    close(fd);
    return subject->page.state == MESSAGE_COMPLETE;
}

double subject_metric(const struct subject *subject, const char *name, const char *label)
{
    double sum = 0;

    for (const char *line = subject->page.body; *line != '\0';) {
        size_t count = strcspn(line, "\n");
        size_t name_count = strcspn(line, "{ ");
        if (name_count == strlen(name) && memcmp(line, name, name_count) == 0 &&
            memmem(line, count, label, strlen(label))) {
            const char *value = memrchr(line, ' ', count);
            sum += strtod(value, NULL);
        }
        line += count + (line[count] == '\n');
    }
    return sum;
}

/* ---- told, and ended */

void subject_reopen_log(const struct subject *subject)
{
    if (!subject->has_ended)
        kill(subject->pid, SIGUSR1);
}

int subject_stop(struct subject *subject, struct span patience, struct span *ret_took)
{
    struct instant began = clock_now();

    if (subject_is_alive(subject))
        kill(subject->pid, SIGTERM);
    do
        usleep(1000);
    while (subject_is_alive(subject) && span_covers(patience, span_since(began, clock_now())));
    *ret_took = span_since(began, clock_now());
    return subject->has_ended ? subject->exit_code : -1;
}

static void take_out(char *said, const char *known)
{
    char *at = strstr(said, known);

    if (at)
        memmove(at, at + strlen(known), strlen(at + strlen(known)) + 1);
}

char *subject_complaints(const struct subject *subject)
{
    char *said = all_said(subject);
    char *begin = strstr(said, "hourglass: ready\n");

    if (begin)
        memmove(said, begin, strlen(begin) + 1);
    take_out(said, "hourglass: ready\n");
    take_out(said, "hourglass: draining\n");
    take_out(said, "hourglass: stopped\n");
    return said;
}

void subject_destroy(struct subject *subject)
{
    if (subject_is_alive(subject)) {
        kill(subject->pid, SIGKILL);
        waitpid(subject->pid, NULL, 0);
    }
    message_finish(&subject->page);
    close(subject->said);
    free(subject);
}
