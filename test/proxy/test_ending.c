#include "proxy/ending.h"

#include <criterion/criterion.h>

Test(ending, every_ending_has_a_name_of_its_own)
{
    for (int a = 0; a < ENDINGS; a++) {
        cr_assert(ending_name((enum ending)a)[0] != '\0');
        for (int b = 0; b < a; b++)
            cr_expect_str_neq(ending_name((enum ending)a), ending_name((enum ending)b));
    }
}
