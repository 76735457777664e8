/* Part of each test program. Criterion runs each test in a process of its own; the one that starts
 * them, and runs none, now and then leaks something of Criterion's. There that is no fault of ours;
 * in the others every leak counts, since Criterion's own functions have called ours. */
#include <stdlib.h>

const char *__lsan_default_suppressions(void); /* as sanitizer/lsan_interface.h has it */

const char *__lsan_default_suppressions(void)
{
    return getenv("BXFI_MAP") ? "" : "leak:libcriterion";
}
