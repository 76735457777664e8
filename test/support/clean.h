/* What shows people and programs what strangers have sent: nothing in it may mean anything to who
 * reads it. Each fails the test, and says where. */
#pragma once

struct world;

/* Lines of visible ASCII, and nothing else. */
void clean_expect_visible(const char *text);

/* The same, one JSON value, and no member that a stranger has made. */
void clean_expect_json(const char *text);

/* Text for Prometheus, visible, and no metric that a stranger has made. */
void clean_expect_metrics(const char *text);

/* A list of RFC 8941, or no such header at all. */
void clean_expect_list(const char *field);

/* All that the world has said on its stderr; so many lines of its log, of either format, are of
 * requests. */
void clean_expect_log(const struct world *world, int lines);
