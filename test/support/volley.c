#include "test/support/volley.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <linux/sockios.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "test/support/address.h"

/* So many are under way together, and no more than a listener's backlog may be. */
enum { FLIGHT_MAX = 100, TURN_US = 50, PATIENCE_TURNS = 20 * 1000 * 1000 / TURN_US };

struct flight {
    struct shot *shot; /* borrowed */
    int fd;            /* -1: over */
    size_t sent;
    bool is_all_sent;
};

/* A unix socket counts the bytes that the other side has not read, which a TCP socket does not. */
static bool is_read(int fd)
{
    int unread = 0;

    return ioctl(fd, SIOCOUTQ, &unread) != 0 || unread == 0;
}

static size_t next_piece(const struct flight *flight)
{
    const struct shot *shot = flight->shot;

    if (shot->cut == SHOT_BYTES)
        return 1;
    return (flight->sent < shot->cut && shot->cut < shot->bytes.count ? shot->cut
                                                                      : shot->bytes.count) -
           flight->sent;
}

/* True: something was done. */
static bool send_piece(struct flight *flight)
{
    const struct shot *shot = flight->shot;

    if (flight->is_all_sent || !is_read(flight->fd))
        return false;
    if (flight->sent == shot->bytes.count) {
        shutdown(flight->fd, SHUT_WR);
        flight->is_all_sent = true;
        return true;
    }
    ssize_t sent =
        send(flight->fd, shot->bytes.at + flight->sent, next_piece(flight), MSG_NOSIGNAL);
    if (sent < 0)
        flight->is_all_sent = true; /* the other side has closed */
    else
        flight->sent += (size_t)sent;
    return true;
}

/* The same. */
static bool hear(struct flight *flight)
{
    char bytes[16 * 1024];
    struct shot *shot = flight->shot;
    ssize_t count = recv(flight->fd, bytes, sizeof(bytes), MSG_DONTWAIT);

    if (count < 0 && errno == EAGAIN)
        return false;
    if (count <= 0) {
        close(flight->fd);
        flight->fd = -1;
        return true;
    }
    shot->heard = realloc(shot->heard, shot->heard_count + (size_t)count);
    cr_assert_not_null(shot->heard);
    memcpy(shot->heard + shot->heard_count, bytes, (size_t)count);
    shot->heard_count += (size_t)count;
    return true;
}

static void fly(struct flight *flights, size_t count)
{
    size_t open = count;

    for (int still = 0; open > 0; still++) {
        bool has_moved = false;
        open = 0;
        for (size_t i = 0; i < count; i++) {
            if (flights[i].fd >= 0)
                has_moved |= send_piece(&flights[i]);
            if (flights[i].fd >= 0)
                has_moved |= hear(&flights[i]);
            open += flights[i].fd >= 0;
        }
        cr_assert_lt(still, PATIENCE_TURNS, "%zu connections wait for ever", open);
        if (has_moved)
            still = 0;
        else
            usleep(TURN_US);
    }
}

static size_t backlog_max(void)
{
    FILE *file = fopen("/proc/sys/net/core/somaxconn", "r");
    size_t most = FLIGHT_MAX;

    if (file == NULL || fscanf(file, "%zu", &most) != 1)
        most = FLIGHT_MAX;
    if (file != NULL)
        fclose(file);
    return most < FLIGHT_MAX ? most : FLIGHT_MAX;
}

void volley_fire(const char *address, struct shot *shots, size_t count)
{
    struct flight flights[FLIGHT_MAX];

    size_t most = backlog_max();

    for (size_t first = 0; first < count; first += most) {
        size_t some = count - first < most ? count - first : most;
        for (size_t i = 0; i < some; i++) {
            flights[i] = (struct flight){.shot = &shots[first + i], .fd = address_connect(address)};
            cr_assert_geq(flights[i].fd, 0, "cannot connect to %s", address);
        }
        fly(flights, some);
    }
}

void volley_forget(struct shot *shots, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(shots[i].heard);
}
