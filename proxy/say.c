#include "proxy/say.h"

#include <errno.h>
#include <event2/event.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

enum { ROOM = 512 };

void say(const char *format, ...)
{
    struct pollfd room = {.fd = STDERR_FILENO, .events = POLLOUT};
    int error = errno;
    char line[ROOM] = "";
    va_list values;

    va_start(values, format);
    vsnprintf(line, sizeof line, format, values);
    va_end(values);
    if (poll(&room, 1, 0) > 0 && (room.revents & POLLOUT))
        fprintf(stderr, "hourglass: %s\n", line);
    errno = error;
}

static void on_libevent_says(int severity, const char *text)
{
    if (severity != EVENT_LOG_DEBUG)
        say("%s", text);
}

void say_for_libevent(void)
{
    event_set_log_callback(on_libevent_says);
}
