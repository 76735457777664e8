/* A name server of the test's on UDP: it knows one address, or no name, or does not answer. */
#pragma once

enum name_answer {
    NAME_IS_LOCAL,   /* every name is 127.0.0.1, and has no IPv6 address */
    NAME_IS_LAST,    /* two addresses where nobody listens, then 127.0.0.1 */
    NAME_IS_UNKNOWN, /* NXDOMAIN */
    NAME_IS_SILENT,
    NAME_IS_HALF_SILENT, /* 127.0.0.1; questions for IPv6 addresses are not answered */
    NAME_IS_DUAL,        /* 127.0.0.1 and ::1 */
};

struct name_server;

struct name_server *name_server_start(enum name_answer answer);
void name_server_stop(struct name_server *server);

/* From now on. */
void name_server_turn(struct name_server *server, enum name_answer answer);

unsigned name_server_port(const struct name_server *server);

/* Questions asked so far. */
unsigned name_server_asked(struct name_server *server);
