#include "proxy/response_fault.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

/* As it stands in the manual page: in a list, the word and then the phrase. */
Test(response_fault, each_has_a_word_and_a_phrase_that_the_manual_page_lists)
{
    static char page[256 * 1024];
    char row[256];
    FILE *file = fopen(HOURGLASS_SOURCE "/proxy/hourglass.1", "r");

    cr_assert_not_null(file);
    page[fread(page, 1, sizeof(page) - 1, file)] = '\0';
    fclose(file);
    for (int i = FAULT_NONE + 1; i <= FAULT_JSON; i++) {
        enum response_fault fault = (enum response_fault)i;
        snprintf(row, sizeof(row), "\n.B %s\n%s\n", response_fault_name(fault),
                 response_fault_phrase(fault));
        cr_expect_not_null(strstr(page, row), "%s", row);
    }
}
