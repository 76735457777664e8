#include "conf/conf.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "conf/build.h"

/* What callers see, and the memory that all of it lies in. */
struct whole {
    struct conf conf; /* first: a pointer to it is one to the whole */
    struct store store;
};

struct conf *conf_read(FILE *file, const char *name, FILE *complaints_file)
{
    struct whole *whole = calloc(1, sizeof *whole);

    assert(whole);
    struct complaints complaints = {.name = name, .store = &whole->store};
    struct draft draft = {.store = &whole->store, .complaints = &complaints};
    draft_read(&draft, file);
    if (!ferror(file))
        build_conf(&draft, &whole->conf);
    draft_finish(&draft);
    complaints_print(&complaints, complaints_file);
    if (complaints.mistakes == 0)
        return &whole->conf;
    conf_destroy(&whole->conf);
    return NULL;
}

struct conf *conf_load(const char *path, FILE *complaints)
{
    FILE *file = fopen(path, "re");

    if (!file) {
        fprintf(complaints, "%s: cannot be read: %s\n", path, strerror(errno));
        return NULL;
    }
    struct conf *conf = conf_read(file, path, complaints);
    fclose(file);
    return conf;
}

void conf_destroy(struct conf *conf)
{
    if (!conf)
        return;
    struct whole *whole = (struct whole *)conf;
    store_finish(&whole->store);
    free(whole);
}
