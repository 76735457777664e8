#include "test/support/board.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* The environment variable with the path of the board's file. */
#define BOARD "HOURGLASS_TEST_BOARD"

/* A loaded library with sanitizers insists on being the first of all; it works behind another too. */
static void prepare_environment(const char *library, const char *path)
{
    const char *given = getenv("ASAN_OPTIONS");
    char options[1024];

    snprintf(options, sizeof(options), "%s:verify_asan_link_order=0", given == NULL ? "" : given);
    setenv("ASAN_OPTIONS", options, 1);
    setenv("LD_PRELOAD", library, 1);
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
    prepare_environment(library, path);
    return shared;
}

void board_close(void *board, size_t size)
{
    munmap(board, size);
    unlink(getenv(BOARD));
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
