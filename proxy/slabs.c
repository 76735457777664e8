#include "proxy/slabs.h"

#include <assert.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/mman.h>

#include "proxy/memory.h"

enum {
    SLAB = 1 << 20, /* bytes; each is aligned to its size, so that a piece leads to its slab */
    PAGE = 4096,
    LINE = 64,
    COLOURS = 32,
    LARGE = 16384,    /* from here on a piece is made of whole pages */
    FIRST_LARGE = 63, /* size_for(LARGE) */
    LARGEST = 65536,
    KEPT_MAX = 4 << 20,
    OF_ITS_OWN = SLABS_SIZES /* one piece that is larger than LARGEST has the slab alone */
};

struct slab {
    struct slab *next;                              /* of all */
    size_t bytes;                                   /* of each piece */
    size_t whole;                                   /* of the slab */
    unsigned size;                                  /* which of the lists; OF_ITS_OWN */
    struct slab *next_emptied;                      /* of those whose memory is given back now */
    bool is_emptied;                                /* and it is one of them */
    uint64_t free;                                  /* which of its large pieces are */
    alignas(max_align_t) void *links[SLAB / LARGE]; /* of these, which are not to be touched */
};

static_assert(COLOURS * LINE + sizeof(struct slab) <= PAGE, "it must fit in front of large pieces");

static _Atomic(struct slab *) all;

/* ---- sizes ------------------------------------------------------------------------------------ */

/* Steps of 16 bytes up to 128, then eight for each doubling. */
static unsigned size_for(size_t bytes)
{
    if (bytes <= 128)
        return bytes == 0 ? 0 : (unsigned)(bytes - 1) / 16;
    unsigned log = 63 - (unsigned)__builtin_clzll((unsigned long long)bytes - 1);
    return (log - 6) * 8 + (unsigned)((bytes - 1) >> (log - 3) & 7);
}

static size_t bytes_of(unsigned size)
{
    return size < 8 ? (size + 1) * (size_t)16 : (size_t)(9 + size % 8) << (size / 8 + 3);
}

static size_t rounded(size_t bytes, size_t step)
{
    return (bytes + step - 1) / step * step;
}

/* ---- slabs ------------------------------------------------------------------------------------ */

/* Slabs tell of themselves at different distances from their beginning: all at the same one would
 * compete for the same few lines of the processor's cache. */
static struct slab *slab_at(uintptr_t begin)
{
    return (struct slab *)(begin + begin / SLAB % COLOURS * LINE);
}

static struct slab *slab_of(const void *piece)
{
    return slab_at((uintptr_t)piece & ~(uintptr_t)(SLAB - 1));
}

static struct slab *slab_create(unsigned size, size_t bytes, size_t whole)
{
    char *mapped =
        mmap(NULL, whole + SLAB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (mapped == MAP_FAILED)
        memory_is_missing();
    size_t before = (SLAB - (uintptr_t)mapped % SLAB) % SLAB;
    if (before > 0)
        munmap(mapped, before);
    munmap(mapped + before + whole, SLAB - before);
    madvise(mapped + before, whole, MADV_NOHUGEPAGE); /* a huge page is resident as a whole */
    struct slab *slab = slab_at((uintptr_t)mapped + before);
    slab->bytes = bytes;
    slab->whole = whole;
    slab->size = size;
    return slab;
}

static char *slab_begin(const struct slab *slab)
{
    return (char *)((uintptr_t)slab & ~(uintptr_t)(SLAB - 1));
}

static void slab_destroy(struct slab *slab)
{
    munmap(slab_begin(slab), slab->whole);
}

static void *take_one_of_its_own(size_t bytes)
{
    if (bytes > SIZE_MAX / 2)
        return NULL;
    return slab_begin(slab_create(OF_ITS_OWN, bytes, rounded(PAGE + bytes, PAGE))) + PAGE;
}

static void add_slab(struct slabs_list *list, unsigned size)
{
    struct slab *slab = slab_create(size, bytes_of(size), SLAB);

    slab->next = atomic_load(&all);
    while (!atomic_compare_exchange_weak(&all, &slab->next, slab))
        continue;
    list->fresh = size >= FIRST_LARGE ? slab_begin(slab) + PAGE : (char *)slab->links;
    list->end = slab_begin(slab) + SLAB;
}

void slabs_end(void)
{
    for (struct slab *next, *slab = atomic_exchange(&all, NULL); slab; slab = next) {
        next = slab->next;
        slab_destroy(slab);
    }
}

/* ---- pieces ----------------------------------------------------------------------------------- */

/* The place of a large piece among those of its slab. */
static inline unsigned place_of(const struct slab *slab, const void *piece)
{
    return ((unsigned)((uintptr_t)piece % SLAB) - PAGE) / (unsigned)slab->bytes;
}

/* Where a free piece has the next one: in itself, unless it is large. */
static inline void **link_of(void *piece, unsigned size)
{
    struct slab *slab = slab_of(piece);

    return size < FIRST_LARGE ? piece : &slab->links[place_of(slab, piece)];
}

static inline void *pop(void **list, unsigned size)
{
    void *piece = *list;

    *list = *link_of(piece, size);
    return piece;
}

static inline void push(void **list, unsigned size, void *piece)
{
    *link_of(piece, size) = *list;
    *list = piece;
}

static void *take_fresh(struct slabs_list *list, unsigned size)
{
    size_t bytes = bytes_of(size);

    if ((size_t)(list->end - list->fresh) < bytes)
        add_slab(list, size);
    list->fresh += bytes;
    return list->fresh - bytes;
}

/* ---- large pieces ----------------------------------------------------------------------------- */

/* The memory of all pieces of a slab that are free, those that lie side by side at once. */
static void empty(const struct slab *slab)
{
    char *pieces = slab_begin(slab) + PAGE;
    uint64_t free = slab->free;

    for (unsigned at = 0; free >> at != 0;) {
        at += (unsigned)__builtin_ctzll(free >> at);
        unsigned count = (unsigned)__builtin_ctzll(~(free >> at));
        madvise(pieces + at * slab->bytes, count * slab->bytes, MADV_DONTNEED);
        at += count;
    }
}

/* All together, since each slab takes a few system calls, however many of its pieces are given
 * back. */
static void give_back(struct slabs_list *list, unsigned size)
{
    struct slab *emptied = NULL;

    while (list->used) {
        void *piece = pop(&list->used, size);
        struct slab *slab = slab_of(piece);
        push(&list->clean, size, piece);
        list->kept -= slab->bytes;
        if (!slab->is_emptied) {
            slab->next_emptied = emptied;
            emptied = slab;
        }
        slab->is_emptied = true;
    }
    for (; emptied; emptied = emptied->next_emptied) {
        empty(emptied);
        emptied->is_emptied = false;
    }
}

static void *take_large(struct slabs_list *list, unsigned size)
{
    void *piece;

    if (list->used) {
        piece = pop(&list->used, size);
        list->kept -= bytes_of(size);
    } else {
        piece = list->clean ? pop(&list->clean, size) : take_fresh(list, size);
    }
    struct slab *slab = slab_of(piece);
    slab->free &= ~((uint64_t)1 << place_of(slab, piece));
    return piece;
}

static void give_large(struct slabs_list *list, struct slab *slab, void *piece)
{
    slab->free |= (uint64_t)1 << place_of(slab, piece);
    list->kept += slab->bytes;
    push(&list->used, slab->size, piece);
    if (list->kept > KEPT_MAX)
        give_back(list, slab->size);
}

/* ---- all -------------------------------------------------------------------------------------- */

void *slabs_take(struct slabs *slabs, size_t bytes)
{
    if (bytes > LARGEST)
        return take_one_of_its_own(bytes);
    unsigned size = size_for(bytes > LARGE ? rounded(bytes, PAGE) : bytes);
    struct slabs_list *list = &slabs->lists[size];
    if (size >= FIRST_LARGE)
        return take_large(list, size);
    return list->used ? pop(&list->used, size) : take_fresh(list, size);
}

void slabs_give(struct slabs *slabs, void *piece)
{
    struct slab *slab = slab_of(piece);

    if (slab->size < FIRST_LARGE)
        push(&slabs->lists[slab->size].used, slab->size, piece);
    else if (slab->size == OF_ITS_OWN)
        slab_destroy(slab);
    else
        give_large(&slabs->lists[slab->size], slab, piece);
}

size_t slabs_bytes(const void *piece)
{
    return slab_of(piece)->bytes;
}
