#include <criterion/criterion.h>
#include <stdlib.h>

#include "conf/complaints.h"

Test(complaints, are_told_in_the_order_of_the_lines)
{
    struct store store = {0};
    struct complaints complaints = {.name = "a.ini", .store = &store};
    char *text;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    complain(&complaints, 12, "is %s", "late");
    warn(&complaints, 3, "is %d", 1);
    complain(&complaints, 3, "is second");
    complain(&complaints, 0, "has no route");
    complaints_print(&complaints, out);
    fclose(out);
    cr_assert_str_eq(text, "a.ini: has no route\na.ini:3: warning: is 1\na.ini:3: is second\n"
                           "a.ini:12: is late\n");
    cr_assert_eq(complaints.mistakes, 3);
    free(text);
    store_finish(&store);
}
