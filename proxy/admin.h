/* The admin listener: it answers with pages (pages.h). Who asks on TCP must do so by an IP address or
 * as localhost (421 else); on a unix socket any name will do. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "conf/conf.h"
#include "proxy/client.h"
#include "proxy/log.h"
#include "proxy/metrics_view.h"
#include "proxy/pool.h"

struct readers;
struct recent;

enum { ADMIN_CONNECTIONS_MAX = 64 };

/* What pages may have together that are being read: such a part of max-memory, beside it. */
enum { ADMIN_PAGES_PART = 8 };

struct admin {
    const struct conf *conf;              /* borrowed; its proxy.admin is not NULL */
    const struct metrics *const *workers; /* borrowed */
    size_t workers_count;
    struct recent *const *recents;   /* borrowed: of the workers, each NULL where none are kept */
    const struct log *log;           /* borrowed */
    struct pool *pool;               /* borrowed */
    struct readers *readers;         /* borrowed */
    const struct pool_total *memory; /* borrowed: of the workers */
    unsigned max_connections;        /* of clients */
    struct instant started;
    struct instant now; /* when the page was asked for */
    bool is_draining;
};

extern const struct service admin_service; /* its service_arg is a struct admin */
