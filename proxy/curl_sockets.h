/* The sockets of libcurl's transfers: opened, watched on the event base, and closed as libcurl asks,
 * and watched for what is nobody's answer while it does not ask. */
#pragma once

#include <stdbool.h>

struct attempt;
struct shard;
struct watches;

/* Sockets of the CURL * easy are opened and closed through watches: borrowed. */
void curl_sockets_bind(struct watches *watches, void *easy);

/* And watched there for the transfers of shard: borrowed. */
void curl_sockets_adopt(struct watches *watches, struct shard *shard);

/* A transfer of shard, that of easy, a CURL *, has come to a good end. Of a response that was there at
 * once, or whose end was read before it was paused, libcurl has not said that it wants its socket no
 * more: so this looks for what came behind it. */
void curl_sockets_settle(struct shard *shard, void *easy, struct attempt *attempt);

/* Has something come on a socket that was not read yet? */
bool curl_sockets_has_unread(int fd);
