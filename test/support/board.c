#include "test/support/board.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* The environment variable with the path of the board's file. */
#define BOARD "HOURGLASS_TEST_BOARD"

/* LD_PRELOAD is a list that spaces and colons separate: there the library goes by a name without
 * either, wherever the project lies. */
static int preload(const char *library, const char *path)
{
    char link[64];

    snprintf(link, sizeof(link), "%s.so", path);
    setenv("LD_PRELOAD", link, 1);
    return symlink(library, link);
}

/* A loaded library with sanitizers insists on being the first of all; it works behind another too. */
static void prepare_environment(const char *path)
{
    const char *given = getenv("ASAN_OPTIONS");
    char options[1024];

    snprintf(options, sizeof(options), "%s:verify_asan_link_order=0", given == NULL ? "" : given);
    setenv("ASAN_OPTIONS", options, 1);
    setenv(BOARD, path, 1);
}

static void *share(int fd, size_t size)
{
    void *shared = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

    return shared == MAP_FAILED ? NULL : shared;
}

void *board_open(const char *library, size_t size)
{
    char path[] = "/tmp/hourglass-board-XXXXXX";
    int fd = mkstemp(path);
    void *shared;

    if (fd < 0)
        return NULL;
    shared = ftruncate(fd, (off_t)size) == 0 ? share(fd, size) : NULL;
    close(fd);
    prepare_environment(path);
    return preload(library, path) == 0 ? shared : NULL;
}

void board_close(void *board, size_t size)
{
    munmap(board, size);
    unlink(getenv(BOARD));
    unlink(getenv("LD_PRELOAD"));
    unsetenv(BOARD);
    unsetenv("LD_PRELOAD");
}

void *board_find(size_t size)
{
    const char *path = getenv(BOARD);
    int fd = path == NULL ? -1 : open(path, O_RDWR | O_CLOEXEC);
    void *shared;

    if (fd < 0)
        return NULL;
    shared = share(fd, size);
    close(fd);
    return shared;
}
