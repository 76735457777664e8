#include "meter.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>

_Noreturn void fail(const char *what)
{
    fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name, what, strerror(errno));
    exit(1);
}

int64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * S_NS + now.tv_nsec;
}

void samples_add(struct samples *samples, int64_t value_ns)
{
    if (samples->count == samples->room) {
        samples->room = samples->room ? 2 * samples->room : 4096;
        samples->values_ns =
            realloc(samples->values_ns, samples->room * sizeof(*samples->values_ns));
        if (!samples->values_ns)
            fail("memory");
    }
    samples->values_ns[samples->count++] = value_ns;
}

static int ascending(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;

    return (left > right) - (left < right);
}

void samples_sort(struct samples *samples)
{
    qsort(samples->values_ns, samples->count, sizeof(int64_t), ascending);
}

double samples_percentile(const struct samples *samples, double share)
{
    size_t index = (size_t)(share * (double)samples->count);

    return (double)samples->values_ns[index < samples->count ? index : samples->count - 1] / 1e3;
}

void watch(int epoll, int descriptor, uint64_t number)
{
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = number};

    if (epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event) != 0)
        fail("epoll_ctl");
}

int connect_to(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int connection = socket(AF_INET, SOCK_STREAM, 0);
    int on = 1;

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connection < 0 || connect(connection, (struct sockaddr *)&address, sizeof(address)) != 0)
        fail("to connect to the proxy");
    setsockopt(connection, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on));
    setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    fcntl(connection, F_SETFL, O_NONBLOCK);
    return connection;
}

/* The kernel's stamp is by the clock of the day. */
static int64_t arrival_ns(struct msghdr *message)
{
    int64_t now = now_ns();
    struct timespec stamp, day;

    for (struct cmsghdr *item = CMSG_FIRSTHDR(message); item; item = CMSG_NXTHDR(message, item)) {
        if (item->cmsg_level != SOL_SOCKET || item->cmsg_type != SCM_TIMESTAMPNS)
            continue;
        memcpy(&stamp, CMSG_DATA(item), sizeof(stamp));
        clock_gettime(CLOCK_REALTIME, &day);
        return now - ((day.tv_sec - stamp.tv_sec) * S_NS + day.tv_nsec - stamp.tv_nsec);
    }
    return now;
}

bool answer_read(struct answer *answer, int connection, int64_t *come_ns)
{
    struct iovec room = {answer->text + answer->length, sizeof(answer->text) - 1 - answer->length};
    _Alignas(struct cmsghdr) char control[128] = {0};
    struct msghdr message = {.msg_iov = &room,
                             .msg_iovlen = 1,
                             .msg_control = control,
                             .msg_controllen = sizeof(control)};
    ssize_t count = recvmsg(connection, &message, 0);
    bool is_over = count == 0 || (count < 0 && errno != EAGAIN);

    *come_ns = arrival_ns(&message);
    answer->length += count > 0 ? (size_t)count : 0;
    answer->text[answer->length] = '\0';
    return !is_over;
}

int answer_status(const struct answer *answer, bool is_end)
{
    const char *head_end = strstr(answer->text, "\r\n\r\n"), *length;

    if (!head_end || strncmp(answer->text, "HTTP/1.", 7) != 0)
        return 0;
    length = strcasestr(answer->text, "\r\ncontent-length:");
    if (length && length < head_end) {
        size_t whole = (size_t)(head_end + 4 - answer->text) + strtoul(length + 17, NULL, 10);
        if (answer->length < whole)
            return 0;
    } else if (!is_end) {
        return 0;
    }
    return atoi(answer->text + 9);
}

bool answer_closes(const struct answer *answer)
{
    return strcasestr(answer->text, "\r\nconnection: close") != NULL;
}
