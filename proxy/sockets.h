/* All listening sockets of the program: opened together, before anything runs, so that a port in
 * use is known at once; then handed to the workers. */
#pragma once

#include <stddef.h>
#include <stdio.h>

#include "budget/checked.h"
#include "conf/conf.h"

struct sockets; /* defined in sockets.c */

/* NULL: a sentence for the operator went to complaints. Owned by the caller. */
CHECKED struct sockets *sockets_open(const struct conf *conf, size_t workers_count,
                                     FILE *complaints);

/* Frees the table; the sockets that were handed out belong to those who took them, and unix
 * sockets' files are removed. NULL is fine. */
void sockets_destroy(struct sockets *sockets);

/* A worker's sockets: one for each listen, one for each stub. To be taken once. */
const int *sockets_listens(const struct sockets *sockets, size_t worker);
const int *sockets_stubs(const struct sockets *sockets, size_t worker);
int sockets_admin(const struct sockets *sockets);

/* "hourglass: listening on 127.0.0.1:8080", one line for each address. */
void sockets_say(const struct sockets *sockets, FILE *out);
