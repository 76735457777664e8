/* All listening sockets of the program: opened together, before anything runs, so that a port in
 * use is known at once; then handed to the workers. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "budget/checked.h"
#include "conf/conf.h"

struct inheritance;
struct sockets; /* defined in sockets.c */

/* Of the addresses that are inherited, those sockets are taken: all of them, even if there are more
 * than workers, since connections wait in each. inheritance: borrowed; NULL: there is none. NULL: a
 * sentence for the operator went to complaints. Owned by the caller. */
CHECKED struct sockets *sockets_open(const struct conf *conf, size_t workers_count,
                                     struct inheritance *inheritance, FILE *complaints);

/* Frees the table; the sockets that were handed out belong to those who took them, and unix
 * sockets' files are removed if they are ours. NULL is fine. */
void sockets_destroy(struct sockets *sockets);

/* Are the files of unix sockets ours to remove? Those that were inherited are not, until this says
 * so; none is any more when another process goes on with them. */
void sockets_own(struct sockets *sockets, bool are_ours);

/* A worker's n-th socket for the i-th listen, or stub; the n-th of the admin pages. To be taken
 * once. -1: there are no more. */
int sockets_listen(const struct sockets *sockets, size_t worker, size_t i, unsigned n);
int sockets_stub(const struct sockets *sockets, size_t worker, size_t i, unsigned n);
int sockets_admin(const struct sockets *sockets, unsigned n);

/* The n-th of all, whoever has taken it. -1: there are no more. */
int sockets_any(const struct sockets *sockets, size_t n);

/* "hourglass: listening on 127.0.0.1:8080", one line for each address. */
void sockets_say(const struct sockets *sockets, FILE *out);
