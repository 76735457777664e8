/* `hourglass top` from outside: against pages that the test plays, on a terminal and without one. */
#include "proxy/top.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "test/support/program.h"
#include "test/support/terminal.h"
#include "test/support/top_pages.h"
#include "test/support/world.h"

TestSuite(top, .timeout = 300);

static const char ENTER[] = "\x1b[?1049h";
static const char LEAVE[] = "\x1b[?25h\x1b[?1049l";

static const char *address_of(struct origin *origin)
{
    static char address[64];

    snprintf(address, sizeof address, "127.0.0.1:%u", origin_port(origin));
    return address;
}

static void expect_text(const char *text, const char *part)
{
    cr_expect_not_null(strstr(text, part), "no \"%s\" in:\n%s", part, text);
}

static struct program *run(const char *const *arguments, int expected)
{
    struct program *program = program_start(arguments);
    int code = program_exit_code(program, span_s(30));

    cr_expect_eq(code, expected, "exit code %d, not %d:\n%s%s", code, expected,
                 program_stderr(program), program_stdout(program));
    return program;
}
#define RUN(expected, ...) run((const char *const[]){__VA_ARGS__, NULL}, expected)

static struct terminal *watch(struct origin *origin)
{
    return terminal_start(
        (const char *const[]){"top", "--admin", address_of(origin), "--interval", "100ms", NULL});
}

/* ---- once ------------------------------------------------------------------------------------- */

Test(top, once_prints_a_table_of_what_came_between_two_looks)
{
    struct origin *origin = top_pages_start();
    struct program *program =
        RUN(0, "top", "--once", "--admin", address_of(origin), "--interval", "100ms");
    const char *said = program_stdout(program);

    expect_text(said, "hourglass 9.9 at 127.0.0.1:");
    expect_text(said, "\nin flight 7   connections 40 of 10000   memory 12.0 of 512 MiB\n");
    expect_text(said, "\nlog lines dropped 0   the proxy late by at most: loop 1000 ms, cuts -\n");
    expect_text(said,
                "\norder                   10.0      4   80%    62 ms   955 ms  1200 ms   31%   98%"
                "  504:call 2  whose:client 2\n");
    expect_text(said,
                "\n  db                    10.0          80%    62 ms   500 ms   500 ms   58%      "
                "  timeout 2  +50ms:0%\n");
    expect_text(said,
                "\nquiet                    0.0      0     -        -        -        -     -     -"
                "\n");
    expect_text(said, "\npg                           3       5       2        1       4\n");
    expect_text(said, "\n23:51:50 order                504 BH  980 ms 1000 ms client call:db ");
    expect_text(said, " r-77                             GET /o/7\n");
    cr_expect_str_eq(program_stderr(program), "");
    program_destroy(program);
    origins_stop();
}

Test(top, the_busiest_route_stands_first)
{
    struct origin *origin = top_pages_start();
    struct program *program =
        RUN(0, "top", "--once", "--admin", address_of(origin), "--interval", "100ms");
    const char *said = program_stdout(program);

    cr_assert_not_null(strstr(said, "\norder "));
    cr_expect_gt(strstr(said, "\nquiet "), strstr(said, "\norder "));
    program_destroy(program);
    origins_stop();
}

Test(top, what_it_is_told_cannot_command_the_terminal)
{
    struct origin *origin = top_pages_start();
    struct program *program =
        RUN(0, "top", "--once", "--admin", address_of(origin), "--interval", "100ms");
    const char *said = program_stdout(program);

    expect_text(said, "?[31mred");
    for (; *said; said++)
        cr_assert(*said == '\n' || (*said >= ' ' && *said <= '~'), "byte %d", *said);
    program_destroy(program);
    origins_stop();
}

Test(top, asks_where_the_configuration_says)
{
    struct origin *origin = top_pages_start();
    char path[] = "/tmp/hourglass-test-XXXXXX.ini";
    int fd = mkstemps(path, 4);

    cr_assert_geq(fd, 0);
    dprintf(fd,
            "[proxy]\nlisten = 127.0.0.1:1\nadmin = %s\n[budget]\ndefault = 1s\n[upstream u]\n"
            "url = http://127.0.0.1:2\n[route r]\nmatch = /*\nupstream = u\n",
            address_of(origin));
    close(fd);
    struct program *program = RUN(0, "top", "-c", path, "--once", "--interval", "100ms");
    expect_text(program_stdout(program), "\norder ");
    program_destroy(program);
    unlink(path);
    origins_stop();
}

Test(top, an_admin_listener_that_cannot_be_asked_is_a_sentence_and_1)
{
    struct origin *silent = ORIGIN({.deeds = {CLOSE}});
    struct origin *other =
        origin_answering("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", 0);
    struct origin *strange = origin_answering(ANSWER_OK, 0);
    struct program *nobody = RUN(1, "top", "--once", "--admin", "unix:/nowhere/admin");
    struct program *broken = RUN(1, "top", "--once", "--admin", address_of(silent));
    struct program *older = RUN(1, "top", "--once", "--admin", address_of(other));
    struct program *none = RUN(1, "top", "--once", "--admin", address_of(strange));

    expect_text(program_stderr(nobody),
                "the admin listener at unix:/nowhere/admin cannot be reached:");
    expect_text(program_stderr(broken), "cannot be reached:");
    expect_text(program_stderr(older), "answers 404 to /routes");
    expect_text(program_stderr(none), "no list of routes");
    cr_expect_str_eq(program_stdout(nobody), "");
    program_destroy(nobody);
    program_destroy(broken);
    program_destroy(older);
    program_destroy(none);
    origins_stop();
}

Test(top, wrong_arguments_are_a_sentence_and_2)
{
    static const struct {
        const char *arguments[6];
        const char *says;
    } rows[] = {
        {{"top", "--admin", "localhost:9901"}, "--admin needs an IP address"},
        {{"top", "--admin", "127.0.0.1:9/x"}, "--admin has no port"},
        {{"top", "--interval", "10ms"}, "--interval must be from 100ms to 1h"},
        {{"top", "--interval", "1"}, "--interval needs a number and a unit"},
        {{"top", "again"}, "one word too many"},
        {{"--once"}, "--once belongs to top"},
        {{"check", "--admin", "127.0.0.1:1"}, "--admin belongs to top"},
        {{"--interval", "1s"}, "--interval belongs to top"},
        {{"tob"}, "did you mean top?"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct program *program = run(rows[i].arguments, 2);
        expect_text(program_stderr(program), rows[i].says);
        program_destroy(program);
    }
}

Test(top, without_a_terminal_there_is_only_once)
{
    struct origin *origin = top_pages_start();
    struct program *program = RUN(2, "top", "--admin", address_of(origin));

    expect_text(program_stderr(program), "needs a terminal");
    program_destroy(program);
    origins_stop();
}

/* ---- on a terminal ---------------------------------------------------------------------------- */

static void expect_left(struct terminal *terminal)
{
    const char *text = terminal_text(terminal);
    size_t count = strlen(text);

    cr_expect_not_null(strstr(text, LEAVE), "%s", text);
    cr_expect(count >= strlen(LEAVE) && strcmp(text + count - strlen(LEAVE), LEAVE) == 0, "%s",
              text);
}

Test(top, a_terminal_shows_what_goes_on_until_q_gives_it_back)
{
    struct terminal *terminal = watch(top_pages_start());

    cr_assert(terminal_shows(terminal, ENTER));
    cr_assert(terminal_shows(terminal, "504:call 2"), "%s", terminal_text(terminal));
    cr_assert(terminal_shows(terminal, "r-77"), "%s", terminal_text(terminal));
    cr_expect_not(terminal_echoes(terminal));
    expect_text(terminal_text(terminal), "\x1b[31morder");
    terminal_type(terminal, "xq");
    cr_expect_eq(terminal_exit_code(terminal), 0);
    expect_left(terminal);
    cr_expect(terminal_echoes(terminal));
    terminal_destroy(terminal);
    origins_stop();
}

Test(top, signals_end_it_with_the_terminal_as_it_was)
{
    static const int signals[] = {SIGTERM, SIGINT, SIGHUP, SIGQUIT};

    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++) {
        struct terminal *terminal = watch(top_pages_start());
        cr_assert(terminal_shows(terminal, "r-77"), "%s", terminal_text(terminal));
        kill(terminal_pid(terminal), signals[i]);
        cr_expect_eq(terminal_exit_code(terminal), -signals[i]);
        expect_left(terminal);
        cr_expect(terminal_echoes(terminal));
        terminal_destroy(terminal);
    }
    origins_stop();
}

Test(top, ctrl_z_gives_the_terminal_back_until_it_is_continued)
{
    struct terminal *terminal = watch(top_pages_start());

    cr_assert(terminal_shows(terminal, "r-77"), "%s", terminal_text(terminal));
    terminal_type(terminal, "\x1a");
    cr_assert(terminal_shows(terminal, LEAVE), "%s", terminal_text(terminal));
    cr_assert(terminal_stops(terminal));
    cr_expect(terminal_echoes(terminal));
    kill(terminal_pid(terminal), SIGCONT);
    cr_assert(terminal_shows(terminal, ENTER), "%s", terminal_text(terminal));
    cr_assert(terminal_shows(terminal, "r-77"), "%s", terminal_text(terminal));
    terminal_type(terminal, "q");
    cr_expect_eq(terminal_exit_code(terminal), 0);
    terminal_destroy(terminal);
    origins_stop();
}

Test(top, ctrl_c_ends_it_while_the_admin_listener_is_silent)
{
    struct origin *origin = ORIGIN({.deeds = {SEND("HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n"
                                                   "{\"routes\":[]}")}},
                                   {.deeds = {SEND("HTTP/1.1 200 OK\r\nContent-Length: 15\r\n\r\n"
                                                   "{\"requests\":[]}")}},
                                   {.deeds = {SILENCE}});
    struct terminal *terminal = watch(origin);

    cr_assert(terminal_shows(terminal, "WORST"));
    origin_request(origin, 2);
    terminal_type(terminal, "\x03");
    cr_expect_eq(terminal_exit_code(terminal), -SIGINT);
    expect_left(terminal);
    terminal_destroy(terminal);
    origins_stop();
}

/* The last page that was drawn whole, from its beginning. */
static const char *last_page(struct terminal *terminal)
{
    const char *text = terminal_text(terminal);
    const char *at = text + strlen(text);

    while (at > text && strncmp(at, "\x1b[J", 3) != 0)
        at--;
    while (at > text && strncmp(at, "\x1b[H", 3) != 0)
        at--;
    return at;
}

Test(top, fills_no_more_than_the_window_and_follows_its_size)
{
    struct terminal *terminal = watch(top_pages_start());
    unsigned lines = 1;

    cr_assert(terminal_shows(terminal, "504:call 2"), "%s", terminal_text(terminal));
    terminal_resize(terminal, 40, 8);
    for (int i = 0; i < 3; i++) /* one may have been under way */
        cr_assert(terminal_shows(terminal, "\x1b[J"));
    const char *page = last_page(terminal);
    for (const char *at = page; *at && strncmp(at, "\x1b[J", 3) != 0; at++)
        lines += *at == '\n';
    cr_expect_eq(lines, 8);
    expect_text(page, "hourglass 9.9");
    cr_expect_null(strstr(page, "r-77"), "%s", page);
    cr_expect_null(strstr(page, "504:call"), "%s", page);
    terminal_type(terminal, "q");
    cr_expect_eq(terminal_exit_code(terminal), 0);
    terminal_destroy(terminal);
    origins_stop();
}

Test(top, no_color_is_respected)
{
    setenv("NO_COLOR", "1", 1);
    struct terminal *terminal = watch(top_pages_start());

    cr_assert(terminal_shows(terminal, "504:call 2"), "%s", terminal_text(terminal));
    cr_expect_null(strstr(terminal_text(terminal), "\x1b[31m"));
    cr_expect_null(strstr(terminal_text(terminal), "\x1b[1m"));
    terminal_type(terminal, "q");
    cr_expect_eq(terminal_exit_code(terminal), 0);
    terminal_destroy(terminal);
    origins_stop();
}

Test(top, an_admin_listener_that_goes_away_is_said_and_the_last_look_stays)
{
    struct origin *origin = top_pages_start();
    struct terminal *terminal = watch(origin);

    cr_assert(terminal_shows(terminal, "504:call 2"), "%s", terminal_text(terminal));
    origins_stop();
    cr_assert(terminal_shows(terminal, "cannot be reached"), "%s", terminal_text(terminal));
    cr_assert(terminal_shows(terminal, "504:call 2"), "%s", terminal_text(terminal));
    terminal_type(terminal, "q");
    cr_expect_eq(terminal_exit_code(terminal), 0);
    terminal_destroy(terminal);
}
