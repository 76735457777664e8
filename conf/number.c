/* Setters of whole numbers and sizes. */
#include <limits.h>
#include <stdbool.h>
#include <string.h>

#include "conf/value.h"
#include "conf/words.h"

struct range {
    unsigned low;
    unsigned high;
};

static bool take_whole(const char **at, unsigned *ret_number)
{
    const char *digits = *at;
    unsigned number = 0;

    for (; **at >= '0' && **at <= '9'; ++*at) {
        if (number > (UINT_MAX - 9) / 10)
            return false;
        number = number * 10 + (unsigned)(**at - '0');
    }
    *ret_number = number;
    return *at > digits;
}

static bool read_number(const char *text, struct range range, unsigned *ret_number)
{
    return take_whole(&text, ret_number) && !*text && *ret_number >= range.low &&
           *ret_number <= range.high;
}

const char *set_workers(void *field, const char *text, struct store *store)
{
    (void)store;
    *(unsigned *)field = 0;
    if (strcmp(text, "auto") == 0 || read_number(text, (struct range){1, 256}, field))
        return NULL;
    return "must be auto or a number from 1 to 256";
}

const char *set_clients(void *field, const char *text, struct store *store)
{
    (void)store;
    if (read_number(text, (struct range){1, 1000000}, field))
        return NULL;
    return "must be a number from 1 to 1000000";
}

const char *set_connections(void *field, const char *text, struct store *store)
{
    (void)store;
    if (read_number(text, (struct range){1, 65535}, field))
        return NULL;
    return "must be a number from 1 to 65535";
}

const char *set_queue(void *field, const char *text, struct store *store)
{
    (void)store;
    if (read_number(text, (struct range){0, 65535}, field))
        return NULL;
    return "must be a number from 0 to 65535";
}

const char *set_recent(void *field, const char *text, struct store *store)
{
    (void)store;
    if (read_number(text, (struct range){0, 10000}, field))
        return NULL;
    return "must be a number from 0 to 10000";
}

const char *set_status(void *field, const char *text, struct store *store)
{
    unsigned status;

    (void)store;
    if (!read_number(text, (struct range){200, 599}, &status))
        return "must be a status from 200 to 599";
    *(int *)field = (int)status;
    return NULL;
}

static const char *read_size(const char *text, size_t *ret_size)
{
    static const struct {
        const char *name;
        size_t bytes;
    } units[] = {{"B", 1}, {"KiB", 1024}, {"MiB", 1024 * 1024}};
    unsigned number;

    if (!take_whole(&text, &number))
        return "is not a size such as 16KiB";
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (strcmp(text, units[i].name) != 0)
            continue;
        return __builtin_mul_overflow(number, units[i].bytes, ret_size) ? "is too large" : NULL;
    }
    *ret_size = 0;
    if (!*text)
        return number == 0 ? NULL : "needs a unit: B, KiB or MiB";
    return is_blank(*text) ? "has a blank before its unit: leave it out"
                           : "has an unknown unit: use B, KiB or MiB";
}

const char *set_header_size(void *field, const char *text, struct store *store)
{
    size_t *size = field;
    const char *fault = read_size(text, size);

    (void)store;
    if (!fault && (*size < 256 || *size > (size_t)16 * 1024 * 1024))
        return "must be from 256B to 16MiB";
    return fault;
}

const char *set_first_size(void *field, const char *text, struct store *store)
{
    size_t *size = field;
    const char *fault = read_size(text, size);

    (void)store;
    return !fault && *size > (size_t)1024 * 1024 ? "must be at most 1MiB" : fault;
}

const char *set_body_size(void *field, const char *text, struct store *store)
{
    size_t *size = field;
    const char *fault = read_size(text, size);

    (void)store;
    if (!fault && (*size < 1 || *size > (size_t)64 * 1024 * 1024))
        return "must be from 1B to 64MiB";
    return fault;
}

/* 1 TiB stands for no limit. */
const char *set_memory_size(void *field, const char *text, struct store *store)
{
    size_t *size = field;
    const char *fault = read_size(text, size);

    (void)store;
    if (!fault && (*size < (size_t)1 << 20 || *size > (size_t)1 << 40))
        return "must be from 1MiB to 1048576MiB";
    return fault;
}

/* More would be a storm, not patience. */
const char *set_retries(void *field, const char *text, struct store *store)
{
    (void)store;
    if (read_number(text, (struct range){0, 10}, field))
        return NULL;
    return "must be a number from 0 to 10";
}
