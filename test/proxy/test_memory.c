#include "proxy/memory.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

Test(memory, is_as_long_as_was_asked_for_and_clear_when_that_was_asked_for)
{
    char *taken = memory_take(10);
    char *clear = memory_take_clear(3, 4);

    memset(taken, 'x', 10);
    taken = memory_resize(taken, 1000);
    cr_expect_arr_eq(taken, "xxxxxxxxxx", 10);
    cr_expect_arr_eq(clear, "\0\0\0\0\0\0\0\0\0\0\0\0", 12);
    free(taken);
    free(clear);
}

Test(memory, program_ends_where_some_is_missing, .signal = SIGABRT)
{
    memory_is_missing();
}
