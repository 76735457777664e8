#include "proxy/place.h"

#include <criterion/criterion.h>
#include <string.h>
#include <unistd.h>

#include "test/support/address.h"

static struct place place_of(char *host, unsigned port)
{
    const struct conf_address address = {.host = host, .port = (uint16_t)port};
    struct place place;

    cr_assert(place_of_address(&place, &address));
    return place;
}

static struct place place_of_path(char *path)
{
    const struct conf_address address = {.path = path};
    struct place place;

    cr_assert(place_of_address(&place, &address));
    return place;
}

Test(place, is_the_same_for_an_address_and_the_socket_that_listens_there)
{
    char local[] = "127.0.0.1";
    unsigned port;
    int fd = address_listen("127.0.0.1", &port);
    struct place found;
    struct place wanted = place_of(local, port);

    cr_assert(place_of_socket(&found, fd));
    cr_expect(place_equals(&found, &wanted));
    cr_expect_eq(place_port(&found), port);
    close(fd);
}

Test(place, is_the_same_for_a_path_and_the_socket_that_listens_there)
{
    char address[ADDRESS_ROOM];

    address_spare(address);
    int fd = address_listen(address, &(unsigned){0});
    struct place found;
    struct place wanted = place_of_path(address + strlen("unix:"));
    cr_assert(place_of_socket(&found, fd));
    cr_expect(place_equals(&found, &wanted));
    cr_expect_eq(place_port(&found), 0u);
    close(fd);
    unlink(address + strlen("unix:"));
}

Test(place, differs_by_family_host_port_and_path)
{
    char local4[] = "127.0.0.1", other4[] = "127.0.0.2", local6[] = "::1", any6[] = "::";
    char path[] = "/a", other_path[] = "/ab";
    const struct place places[] = {
        place_of(local4, 80), place_of(local4, 81), place_of(other4, 80),     place_of(local6, 80),
        place_of(any6, 80),   place_of_path(path),  place_of_path(other_path)};

    for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
        for (size_t k = 0; k < sizeof(places) / sizeof(*places); k++)
            cr_expect_eq(place_equals(&places[i], &places[k]), i == k, "%zu and %zu", i, k);
    }
}

Test(place, is_none_for_names_long_paths_and_what_is_no_socket)
{
    char name[] = "localhost", path[200];
    struct place place;

    cr_expect_not(place_of_address(&place, &(struct conf_address){.host = name}));
    memset(path, 'x', sizeof(path) - 1);
    path[sizeof(path) - 1] = '\0';
    cr_expect_not(place_of_address(&place, &(struct conf_address){.path = path}));
    cr_expect_not(place_of_socket(&place, STDIN_FILENO + 1000));
}
