#include "conf/nearest.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

enum { LENGTH_MAX = 64 };

struct nearest nearest_to(const char *wanted)
{
    /* A third of the letters may be wrong, and one in a short word. */
    return (struct nearest){.wanted = wanted, .distance = strlen(wanted) / 3 + 2};
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static bool is_swap(const char *a, const char *b)
{
    return a[-1] == b[0] && a[0] == b[-1];
}

/* How many letters must be put in, taken out, changed or swapped with their neighbour. */
static size_t distance(const char *a, const char *b)
{
    size_t rows[3][LENGTH_MAX + 1];
    size_t a_count = strlen(a);
    size_t b_count = strlen(b);

    for (size_t j = 0; j <= b_count; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= a_count; i++) {
        size_t *row = rows[i % 3];
        size_t *before = rows[(i + 2) % 3];
        size_t *before_that = rows[(i + 1) % 3];
        row[0] = i;
        for (size_t j = 1; j <= b_count; j++) {
            bool is_same = tolower((unsigned char)a[i - 1]) == tolower((unsigned char)b[j - 1]);
            row[j] = least(before[j - 1] + !is_same, least(before[j], row[j - 1]) + 1);
            if (i > 1 && j > 1 && is_swap(a + i - 1, b + j - 1))
                row[j] = least(row[j], before_that[j - 2] + 1);
        }
    }
    return rows[a_count % 3][b_count];
}

void nearest_offer(struct nearest *nearest, const char *name)
{
    if (strlen(nearest->wanted) > LENGTH_MAX || strlen(name) > LENGTH_MAX)
        return;
    size_t changes = distance(nearest->wanted, name);
    if (changes < nearest->distance && changes < strlen(name)) {
        nearest->distance = changes;
        nearest->name = name;
    }
}

const char *nearest_question(const struct nearest *nearest, struct store *store)
{
    if (!nearest->name)
        return "";
    return store_print(store, ": did you mean %s?", nearest->name);
}
