#include "test/support/name_server.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    HEADER_BYTES = 12,
    TYPE_A = 1,
    TYPE_AAAA = 28,
    RECORD_BYTES = 16,
    LONG_RECORD_BYTES = 28,
    PACKET_MAX = 512
};

struct name_server {
    int fd;
    int stop_pipe[2];
    unsigned port;
    pthread_t thread;
    atomic_int answer;
    atomic_uint asked;
};

/* The end of the question section, which holds one question. */
static size_t question_end(const unsigned char *packet, size_t count)
{
    size_t at = HEADER_BYTES;

    while (at < count && packet[at] != 0)
        at += packet[at] + 1u;
    return at + 5;
}

/* ::1, behind the question. Returns the end of the packet. */
static size_t add_ipv6(unsigned char *packet, size_t end)
{
    const unsigned char record[LONG_RECORD_BYTES] = {
        0xc0, HEADER_BYTES, 0, TYPE_AAAA, 0, 1, 0, 0, 0, 60, 0, 16, [LONG_RECORD_BYTES - 1] = 1};

    packet[7] = 1;
    memcpy(packet + end, record, LONG_RECORD_BYTES);
    return end + LONG_RECORD_BYTES;
}

static size_t add_ipv4(unsigned char *packet, size_t end, enum name_answer answer)
{
    static const unsigned char last_bytes[] = {98, 99, 1}; /* of 127.0.0.x */
    size_t first = answer == NAME_IS_LAST ? 0 : 2;

    packet[7] = (unsigned char)(3 - first);
    for (size_t i = first; i < 3; i++, end += RECORD_BYTES) {
        const unsigned char record[RECORD_BYTES] = {
            0xc0, HEADER_BYTES, 0, TYPE_A, 0, 1, 0, 0, 0, 60, 0, 4, 127, 0, 0, last_bytes[i]};
        memcpy(packet + end, record, RECORD_BYTES);
    }
    return end;
}

/* Turns a question into its answer, in place. Returns its length; 0: there is none. */
static size_t reply_to(unsigned char *packet, size_t count, enum name_answer answer)
{
    size_t end = question_end(packet, count);

    if (end > count || end + 3 * RECORD_BYTES > PACKET_MAX)
        return 0;
    unsigned char type = packet[end - 3];
    if (answer == NAME_IS_HALF_SILENT && type == TYPE_AAAA)
        return 0;
    packet[2] = (unsigned char)(0x80 | (packet[2] & 1)); /* an answer; recursion as was desired */
    packet[3] = answer == NAME_IS_UNKNOWN ? 0x83 : 0x80;
    memset(packet + 6, 0, 6); /* no further records than those counted below */
    if (type == TYPE_AAAA && answer == NAME_IS_DUAL)
        return add_ipv6(packet, end);
    if (type == TYPE_A && answer != NAME_IS_UNKNOWN)
        return add_ipv4(packet, end, answer);
    return end;
}

static void answer_one(struct name_server *server)
{
    unsigned char packet[PACKET_MAX];
    struct sockaddr_in peer;
    socklen_t peer_length = sizeof(peer);
    ssize_t count =
        recvfrom(server->fd, packet, sizeof(packet), 0, (struct sockaddr *)&peer, &peer_length);
    enum name_answer answer = (enum name_answer)atomic_load(&server->answer);

    if (count < HEADER_BYTES)
        return;
    atomic_fetch_add(&server->asked, 1);
    if (answer == NAME_IS_SILENT)
        return;
    size_t length = reply_to(packet, (size_t)count, answer);
    if (length > 0)
        (void)sendto(server->fd, packet, length, 0, (struct sockaddr *)&peer, peer_length);
}

static void *serve(void *arg)
{
    struct name_server *server = arg;
    struct pollfd watched[2] = {{.fd = server->fd, .events = POLLIN}, {.fd = server->stop_pipe[0]}};

    while (poll(watched, 2, -1) > 0 && watched[1].revents == 0)
        answer_one(server);
    return NULL;
}

struct name_server *name_server_start(enum name_answer answer)
{
    struct name_server *server = calloc(1, sizeof(*server));
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
    socklen_t length = sizeof(address);

    cr_assert_not_null(server);
    atomic_init(&server->answer, (int)answer);
    server->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    cr_assert_eq(bind(server->fd, (struct sockaddr *)&address, length), 0);
    cr_assert_eq(getsockname(server->fd, (struct sockaddr *)&address, &length), 0);
    server->port = ntohs(address.sin_port);
    cr_assert_eq(pipe2(server->stop_pipe, O_CLOEXEC), 0);
    pthread_create(&server->thread, NULL, serve, server);
    return server;
}

void name_server_stop(struct name_server *server)
{
    close(server->stop_pipe[1]);
    pthread_join(server->thread, NULL);
    close(server->stop_pipe[0]);
    close(server->fd);
    free(server);
}

void name_server_turn(struct name_server *server, enum name_answer answer)
{
    atomic_store(&server->answer, (int)answer);
}

unsigned name_server_port(const struct name_server *server)
{
    return server->port;
}

unsigned name_server_asked(struct name_server *server)
{
    return atomic_load(&server->asked);
}
