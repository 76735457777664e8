#include "proxy/sockets.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proxy/listener.h"
#include "proxy/memory.h"

/* One address, with a socket for each worker. */
struct column {
    const struct conf_address *address; /* borrowed */
    unsigned port;
    struct stat file; /* of a path, as it was made here */
};

struct sockets {
    const struct conf *conf; /* borrowed */
    size_t workers_count;
    size_t columns_count;   /* the listens, then the stubs */
    struct column *columns; /* owned */
    int *table;             /* owned: a row for each worker */
    int admin;
    unsigned admin_port;
};

static bool open_column(struct sockets *sockets, size_t column, FILE *complaints)
{
    struct column *to = &sockets->columns[column];
    int *fds = memory_take_clear(sockets->workers_count, sizeof *fds);

    bool is_open =
        listener_open_sockets(to->address, sockets->workers_count, fds, &to->port, complaints);
    for (size_t i = 0; is_open && i < sockets->workers_count; i++)
        sockets->table[i * sockets->columns_count + column] = fds[i];
    free(fds);
    if (is_open && to->address->path)
        (void)lstat(to->address->path, &to->file);
    return is_open;
}

static void close_all(struct sockets *sockets)
{
    for (size_t i = 0; i < sockets->workers_count * sockets->columns_count; i++) {
        if (sockets->table[i] >= 0)
            close(sockets->table[i]);
    }
    if (sockets->admin >= 0)
        close(sockets->admin);
}

static struct sockets *create(const struct conf *conf, size_t workers_count)
{
    struct sockets *sockets = memory_take_clear(1, sizeof *sockets);

    sockets->conf = conf;
    sockets->workers_count = workers_count;
    sockets->columns_count = conf->proxy.listens_count + conf->stubs_count;
    sockets->columns = memory_take_clear(sockets->columns_count, sizeof *sockets->columns);
    sockets->table = memory_take(workers_count * sockets->columns_count * sizeof *sockets->table);
    sockets->admin = -1;
    for (size_t i = 0; i < workers_count * sockets->columns_count; i++)
        sockets->table[i] = -1;
    for (size_t i = 0; i < conf->proxy.listens_count; i++)
        sockets->columns[i].address = &conf->proxy.listens[i];
    for (size_t i = 0; i < conf->stubs_count; i++)
        sockets->columns[conf->proxy.listens_count + i].address = &conf->stubs[i].listen;
    return sockets;
}

struct sockets *sockets_open(const struct conf *conf, size_t workers_count, FILE *complaints)
{
    struct sockets *sockets = create(conf, workers_count);
    const struct conf_address *admin = conf->proxy.admin;
    bool is_open = true;

    for (size_t i = 0; is_open && i < sockets->columns_count; i++)
        is_open = open_column(sockets, i, complaints);
    if (is_open && admin)
        is_open =
            listener_open_sockets(admin, 1, &sockets->admin, &sockets->admin_port, complaints);
    if (is_open)
        return sockets;
    close_all(sockets);
    sockets_destroy(sockets);
    return NULL;
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
        if (sockets->columns[i].address->path && sockets->table[i] >= 0)
            remove_own(&sockets->columns[i]);
    }
    free(sockets->columns);
    free(sockets->table);
    free(sockets);
}

const int *sockets_listens(const struct sockets *sockets, size_t worker)
{
    return &sockets->table[worker * sockets->columns_count];
}

const int *sockets_stubs(const struct sockets *sockets, size_t worker)
{
    return sockets_listens(sockets, worker) + sockets->conf->proxy.listens_count;
}

int sockets_admin(const struct sockets *sockets)
{
    return sockets->admin;
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
        say(out, "admin on", conf->proxy.admin, sockets->admin_port);
}
