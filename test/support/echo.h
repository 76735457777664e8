/* An upstream that answers each request with the bytes of that request as they came, so that a
 * client sees what has become of what it sent. One thread of the test's process serves it, and
 * reads by test/support/strict.h: what the proxy sends is held to the RFC too. */
#pragma once

#include <stddef.h>

struct echo;

/* Fails the test when it cannot listen. */
struct echo *echo_start(void);

/* For the configuration: unix:/path. */
const char *echo_url(const struct echo *echo);

/* How many whole requests have come. */
size_t echo_requests(struct echo *echo);

/* Ends it, and fails the test if ever anything has come that was not one request alone. To be
 * called after the proxy has ended. */
void echo_stop(struct echo *echo);
