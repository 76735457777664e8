/* A row of conf/troubleshooting/README.md: what its file shows as it is, and that it is gone after the
 * change that the file marks. What is looked for must stand on the page too, in the row's section. */
#pragma once

#include "test/support/recipe.h"

enum { TROUBLE_LOGS = 3 };

struct trouble {
    const char *file; /* conf/troubleshooting/FILE.ini */
    const char *ask;  /* the request */
    int status;
    const char *says;               /* in the reply's head or body; NULL: nothing is looked for */
    const char *logs[TROUBLE_LOGS]; /* in one line of the log */
    const char *counts;             /* a metric that is more than nothing, */
    const char *label;              /* and a label of it */
    int mended;                     /* the status after the change */
    const char *mended_logs;
    struct part part; /* an upstream that the test plays */
};

#define TROUBLE_GET(path, lines) "GET " path " HTTP/1.1\r\nHost: h\r\n" lines "\r\n"

/* Runs the file before and after the change, with one request each. */
void trouble_show(const struct trouble *trouble);
#define SHOW(...) trouble_show(&(const struct trouble){__VA_ARGS__})

/* For rows that need more than a request: the file as it is, and after the change. */
#define AS_IT_IS(name, ...) \
    recipe_start("troubleshooting/" name, false, (const struct part[]){__VA_ARGS__{NULL, 0}})
#define MENDED(name, ...) \
    recipe_start("troubleshooting/" name, true, (const struct part[]){__VA_ARGS__{NULL, 0}})

/* Has the row of this file this text? Runs of blanks are one blank. */
void trouble_expect_said(const char *file, const char *text);

/* A line of the log of this world has all these texts (NULL ends them), and the row has them too. */
void trouble_expect_logs(const struct world *world, const char *file, const char *const *texts);
#define EXPECT_LOGS(world, file, ...) \
    trouble_expect_logs(world, file, (const char *const[]){__VA_ARGS__, NULL})

/* The same of the line of such a request, of which ten are made at most: on a busy machine the proxy
 * may be late itself, and says so. */
void trouble_expect_logged(const struct world *world, const struct trouble *trouble);

/* The same of a metric that comes to be more than nothing; label: "" for none. */
void trouble_expect_count(const struct world *world, const char *file, const char *metric,
                          const char *label);

/* Asks until the answer has this status, forty times at most: stubs fail now and then, as their file
 * says, and on a busy machine an answer may be too late. */
const struct reply *trouble_ask(const struct world *world, const char *request, int status);
