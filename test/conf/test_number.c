#include "test/conf/setter.h"

Test(number, numbers_have_their_ranges)
{
    static const char workers[] = "must be auto or a number from 1 to 256";
    static const char connections[] = "must be a number from 1 to 65535";
    static const char status[] = "must be a status from 200 to 599";
    static const struct setter_case worker_cases[] = {
        {"auto", NULL},  {"1", NULL},      {"256", NULL},
        {"0", workers},  {"257", workers}, {"four", workers},
        {"4 ", workers}, {"-1", workers},  {"99999999999999999999", workers},
    };
    static const struct setter_case connection_cases[] = {
        {"1", NULL},           {"65535", NULL},      {"0", connections}, {"65536", connections},
        {"auto", connections}, {"1.5", connections},
    };
    static const char queue[] = "must be a number from 0 to 65535";
    static const struct setter_case queue_cases[] = {
        {"0", NULL}, {"65535", NULL}, {"65536", queue}, {"-1", queue}, {"", queue},
    };
    static const char recent[] = "must be a number from 0 to 10000";
    static const struct setter_case recent_cases[] = {
        {"0", NULL}, {"10000", NULL}, {"10001", recent}, {"all", recent}, {"", recent},
    };
    static const struct setter_case status_cases[] = {
        {"200", NULL}, {"599", NULL}, {"199", status}, {"600", status}, {"2xx", status},
    };

    check_setter(set_workers, sizeof(unsigned), worker_cases, COUNT_OF(worker_cases));
    check_setter(set_connections, sizeof(unsigned), connection_cases, COUNT_OF(connection_cases));
    check_setter(set_queue, sizeof(unsigned), queue_cases, COUNT_OF(queue_cases));
    check_setter(set_recent, sizeof(unsigned), recent_cases, COUNT_OF(recent_cases));
    check_setter(set_status, sizeof(int), status_cases, COUNT_OF(status_cases));
}

Test(number, auto_workers_are_zero)
{
    unsigned workers = 7;

    cr_assert_null(set_workers(&workers, "auto", NULL));
    cr_assert_eq(workers, 0);
}

Test(number, a_size_needs_a_unit)
{
    static const char unit[] = "needs a unit: B, KiB or MiB";
    static const struct setter_case cases[] = {
        {"16KiB", NULL},
        {"1MiB", NULL},
        {"512B", NULL},
        {"16", unit},
        {"16KB", "has an unknown unit: use B, KiB or MiB"},
        {"1GB", "has an unknown unit: use B, KiB or MiB"},
        {"16 KiB", "has a blank before its unit: leave it out"},
        {"KiB", "is not a size such as 16KiB"},
        {"0", "must be from 256B to 16MiB"},
        {"17MiB", "must be from 256B to 16MiB"},
        {"4000000000MiB", "must be from 256B to 16MiB"},
        {"99999999999B", "is not a size such as 16KiB"},
    };
    size_t size;

    check_setter(set_header_size, sizeof size, cases, COUNT_OF(cases));
    cr_assert_null(set_header_size(&size, "16KiB", NULL));
    cr_assert_eq(size, 16384);
}

Test(number, what_is_held_back_at_first_is_nothing_or_a_mebibyte_at_most)
{
    static const struct setter_case cases[] = {
        {"0", NULL},
        {"0KiB", NULL},
        {"1B", NULL},
        {"1MiB", NULL},
        {"1048577B", "must be at most 1MiB"},
        {"4096MiB", "must be at most 1MiB"},
        {"99999999999MiB", "is not a size such as 16KiB"},
        {"4", "needs a unit: B, KiB or MiB"},
    };
    size_t size;

    check_setter(set_first_size, sizeof size, cases, COUNT_OF(cases));
    cr_assert_null(set_first_size(&size, "16KiB", NULL));
    cr_assert_eq(size, 16384);
}

Test(number, a_body_may_be_larger_than_a_head)
{
    static const struct setter_case cases[] = {
        {"1B", NULL},
        {"1MiB", NULL},
        {"64MiB", NULL},
        {"0B", "must be from 1B to 64MiB"},
        {"0", "must be from 1B to 64MiB"},
        {"65MiB", "must be from 1B to 64MiB"},
        {"64", "needs a unit: B, KiB or MiB"},
    };
    size_t size;

    check_setter(set_body_size, sizeof size, cases, COUNT_OF(cases));
    cr_assert_null(set_body_size(&size, "2KiB", NULL));
    cr_assert_eq(size, 2048);
}

Test(number, memory_has_a_limit_from_a_mebibyte_to_a_million_of_them)
{
    static const char fault[] = "must be from 1MiB to 1048576MiB";
    static const struct setter_case cases[] = {
        {"1MiB", NULL},        {"1048576MiB", NULL}, {"1048575B", fault},
        {"1048577MiB", fault}, {"0", fault},         {"512", "needs a unit: B, KiB or MiB"},
    };
    size_t size;

    check_setter(set_memory_size, sizeof size, cases, COUNT_OF(cases));
    cr_assert_null(set_memory_size(&size, "512MiB", NULL));
    cr_assert_eq(size, (size_t)512 << 20);
}

Test(number, a_call_is_tried_again_a_few_times_at_most)
{
    static const char fault[] = "must be a number from 0 to 10";
    static const struct setter_case cases[] = {
        {"0", NULL},   {"1", NULL},  {"10", NULL},       {"11", fault},
        {"-1", fault}, {"x", fault}, {"1000000", fault}, {"99999999999999999999", fault},
    };

    check_setter(set_retries, sizeof(unsigned), cases, COUNT_OF(cases));
}
