#include "proxy/descriptors.h"

#include <stdio.h>
#include <sys/resource.h>

#include "proxy/admin.h"
#include "proxy/shard.h"

/* Descriptors that calls may need: one for each connection to an upstream, and one more where this
 * process plays upstreams itself; and libcurl's own. */
static size_t needed_by_calls(const struct conf *conf, size_t workers_count)
{
    size_t connections = 0, others = 0;

    for (size_t i = 0; i < conf->upstreams_count; i++) {
        connections += conf->upstreams[i].connections;
        others += shards_descriptors(conf->upstreams[i].connections);
    }
    return (connections * (conf->stubs_count > 0 ? 2 : 1) + others) * workers_count;
}

/* Clients that only connect must not take the descriptors that calls need: so many connections of
 * theirs as leave enough for all others, or half of what there is. */
static unsigned limit_connections(unsigned wanted, size_t others, size_t descriptors)
{
    size_t most = descriptors - (others < descriptors / 2 ? others : descriptors / 2);

    if (most >= wanted)
        return wanted;
    fprintf(stderr,
            "hourglass: the limit of open files allows %zu connections of clients, not the %u "
            "of max-connections\n",
            most, wanted);
    return (unsigned)most;
}

bool descriptors_raise(const struct conf *conf, size_t workers_count, unsigned *max_connections)
{
    size_t of_worker = 10 + conf->proxy.listens_count + conf->stubs_count;
    size_t needed = 20 + workers_count * of_worker;
    size_t others = needed_by_calls(conf, workers_count) + ADMIN_CONNECTIONS_MAX;
    struct rlimit limit;

    *max_connections = conf->proxy.max_connections;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return true;
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0 && getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return true;
    if (limit.rlim_cur > needed) {
        *max_connections =
            limit_connections(*max_connections, others, (size_t)limit.rlim_cur - needed);
        return true;
    }
    fprintf(stderr, "hourglass: the limit of open files is %llu, and %zu are needed to start\n",
            (unsigned long long)limit.rlim_cur, needed + 1);
    return false;
}
