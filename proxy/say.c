#include "proxy/say.h"

#include <errno.h>
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
