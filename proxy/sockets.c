#include "proxy/sockets.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proxy/inheritance.h"
#include "proxy/listener.h"
#include "proxy/memory.h"

/* One address, with a socket for each worker at least. */
struct column {
    const struct conf_address *address; /* borrowed */
    int *fds;                           /* owned; what they name belongs to whoever takes it */
    size_t count;
    size_t sharers; /* threads that share them */
    unsigned port;
    struct stat file; /* of a path, as it was found here */
    bool is_ours;     /* the file is to be removed at the end */
};

struct sockets {
    const struct conf *conf; /* borrowed */
    size_t columns_count;    /* the listens, then the stubs, then the admin pages */
    struct column columns[];
};

static bool open_column(struct column *column, struct inheritance *inheritance, FILE *complaints)
{
    struct listener_sockets sockets = {.count = column->sharers};

    if (inheritance)
        sockets.inherited = inheritance_claim(inheritance, column->address, &column->fds);
    if (sockets.inherited > sockets.count)
        sockets.count = sockets.inherited;
    column->fds = memory_resize(column->fds, sockets.count * sizeof(int));
    sockets.fds = column->fds;
    if (!listener_open_sockets(column->address, &sockets, complaints))
        return false;
    column->count = sockets.count;
    column->port = sockets.port;
    column->is_ours = sockets.inherited == 0;
    if (column->address->path)
        (void)lstat(column->address->path, &column->file);
    return true;
}

static void close_all(struct sockets *sockets)
{
    int fd;

    for (size_t n = 0; (fd = sockets_any(sockets, n)) >= 0; n++)
        close(fd);
}

static void add_column(struct sockets *sockets, const struct conf_address *address, size_t sharers)
{
    sockets->columns[sockets->columns_count++] =
        (struct column){.address = address, .sharers = sharers};
}

static struct sockets *create(const struct conf *conf, size_t workers_count)
{
    size_t most = conf->proxy.listens_count + conf->stubs_count + 1;
    struct sockets *sockets = memory_take_clear(1, sizeof *sockets + most * sizeof(struct column));

    sockets->conf = conf;
    for (size_t i = 0; i < conf->proxy.listens_count; i++)
        add_column(sockets, &conf->proxy.listens[i], workers_count);
    for (size_t i = 0; i < conf->stubs_count; i++)
        add_column(sockets, &conf->stubs[i].listen, workers_count);
    if (conf->proxy.admin)
        add_column(sockets, conf->proxy.admin, 1);
    return sockets;
}

struct sockets *sockets_open(const struct conf *conf, size_t workers_count,
                             struct inheritance *inheritance, FILE *complaints)
{
    struct sockets *sockets = create(conf, workers_count);

    for (size_t i = 0; i < sockets->columns_count; i++) {
        if (open_column(&sockets->columns[i], inheritance, complaints))
            continue;
        close_all(sockets);
        sockets_destroy(sockets);
        return NULL;
    }
    return sockets;
}

/* Another process may have put its own socket there while this one drained. */
static void remove_own(const struct column *column)
{
    struct stat now;

    if (lstat(column->address->path, &now) == 0 && now.st_dev == column->file.st_dev &&
        now.st_ino == column->file.st_ino && now.st_ctim.tv_sec == column->file.st_ctim.tv_sec &&
        now.st_ctim.tv_nsec == column->file.st_ctim.tv_nsec) /* inode numbers are used again */
        unlink(column->address->path);
}

void sockets_destroy(struct sockets *sockets)
{
    if (!sockets)
        return;
    for (size_t i = 0; i < sockets->columns_count; i++) {
        const struct column *column = &sockets->columns[i];
        if (column->address->path && column->is_ours)
            remove_own(column);
        free(column->fds);
    }
    free(sockets);
}

void sockets_own(struct sockets *sockets, bool are_ours)
{
    for (size_t i = 0; i < sockets->columns_count; i++)
        sockets->columns[i].is_ours = are_ours;
}

static int take(const struct column *column, size_t sharer, unsigned n)
{
    size_t at = sharer + n * column->sharers;

    return at < column->count ? column->fds[at] : -1;
}

int sockets_listen(const struct sockets *sockets, size_t worker, size_t i, unsigned n)
{
    return take(&sockets->columns[i], worker, n);
}

int sockets_stub(const struct sockets *sockets, size_t worker, size_t i, unsigned n)
{
    return take(&sockets->columns[sockets->conf->proxy.listens_count + i], worker, n);
}

int sockets_admin(const struct sockets *sockets, unsigned n)
{
    return take(&sockets->columns[sockets->columns_count - 1], 0, n);
}

int sockets_any(const struct sockets *sockets, size_t n)
{
    for (size_t i = 0; i < sockets->columns_count; n -= sockets->columns[i++].count) {
        if (n < sockets->columns[i].count)
            return sockets->columns[i].fds[n];
    }
    return -1;
}

static void say(FILE *out, const char *what, const struct conf_address *address, unsigned port)
{
    if (address->path)
        fprintf(out, "hourglass: %s unix:%s\n", what, address->path);
    else if (strchr(address->host, ':'))
        fprintf(out, "hourglass: %s [%s]:%u\n", what, address->host, port);
    else
        fprintf(out, "hourglass: %s %s:%u\n", what, address->host, port);
}

void sockets_say(const struct sockets *sockets, FILE *out)
{
    const struct conf *conf = sockets->conf;

    for (size_t i = 0; i < conf->proxy.listens_count; i++)
        say(out, "listening on", sockets->columns[i].address, sockets->columns[i].port);
    for (size_t i = 0; i < conf->stubs_count; i++) {
        const struct column *column = &sockets->columns[conf->proxy.listens_count + i];
        char what[64];
        snprintf(what, sizeof what, "stub %s on", conf->stubs[i].name);
        say(out, what, column->address, column->port);
    }
    if (conf->proxy.admin)
        say(out, "admin on", conf->proxy.admin, sockets->columns[sockets->columns_count - 1].port);
}
