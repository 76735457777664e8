/* Several listeners, treated alike. */
#include <stdlib.h>

#include "proxy/listener.h"
#include "proxy/memory.h"

void listener_list_add(struct listener_list *list, const struct listener_options *options,
                       evutil_socket_t fd)
{
    list->all = memory_resize(list->all, (list->count + 1) * sizeof(struct listener *));
    list->all[list->count++] = listener_create(options, fd);
}

void listener_list_turn_away(struct listener_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        listener_turn_away(list->all[i]);
}

bool listener_list_sweep(struct listener_list *list, struct instant now)
{
    bool is_all = true;

    for (size_t i = 0; i < list->count; i++)
        is_all = listener_sweep(list->all[i], now) && is_all;
    return is_all;
}

void listener_list_finish(struct listener_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        listener_destroy(list->all[i]);
    free(list->all);
    *list = (struct listener_list){.count = 0};
}
