/* The command line, from outside: what it prints, where, and its exit code. */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf/json.h"
#include "test/support/address.h"
#include "test/support/world.h"

TestSuite(program, .timeout = 300);

static struct program *run(const char *const *arguments, int expected)
{
    struct program *program = program_start(arguments);
    int code = program_exit_code(program, span_s(20));

    cr_expect_eq(code, expected, "exit code %d, not %d:\n%s", code, expected,
                 program_stderr(program));
    return program;
}
#define RUN(expected, ...) run((const char *const[]){__VA_ARGS__, NULL}, expected)

static void expect_text(const char *text, const char *part)
{
    cr_expect_not_null(strstr(text, part), "no \"%s\" in:\n%s", part, text);
}

/* A file of the test's with this text. */
static const char *file_of(const char *text)
{
    static char path[64];
    int fd;

    snprintf(path, sizeof(path), "/tmp/hourglass-test-XXXXXX.ini");
    fd = mkstemps(path, 4);
    cr_assert_geq(fd, 0);
    cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
    return path;
}

#define PLAN                                                                                    \
    "[proxy]\nlisten = 127.0.0.1:0\nadmin = off\n[budget]\ndefault = 1200ms\nlocal = 400ms\n"   \
    "[upstream db]\nurl = http://127.0.0.1:9001\n[upstream api]\nurl = http://127.0.0.1:9002\n" \
    "[route classic]\nmatch = GET /classic/{id}\nsteps = db, api\n"                             \
    "[call classic.db]\nupstream = db\nrequest = GET /rows\nbudget = 300ms\n"                   \
    "[call classic.api]\nupstream = api\nbudget = 500ms\n"

Test(program, help_and_version_go_to_stdout)
{
    struct program *help = RUN(0, "--help");
    struct program *version = RUN(0, "--version");

    expect_text(program_stdout(help), "hourglass");
    expect_text(program_stdout(help), "check");
    expect_text(program_stdout(help), "explain");
    cr_expect_str_eq(program_stderr(help), "");
    expect_text(program_stdout(version), "hourglass");
    expect_text(program_stdout(version), "libevent");
    expect_text(program_stdout(version), "libcurl");
    expect_text(program_stdout(version), "llhttp");
    program_destroy(help);
    program_destroy(version);
}

Test(program, unknown_argument_is_a_sentence_and_2)
{
    struct program *option = RUN(2, "--frobnicate");
    struct program *command = RUN(2, "frobnicate");
    struct program *missing = RUN(2, "-c");

    expect_text(program_stderr(option), "frobnicate");
    cr_expect_str_eq(program_stdout(option), "");
    expect_text(program_stderr(command), "frobnicate");
    cr_expect_str_neq(program_stderr(missing), "");
    program_destroy(option);
    program_destroy(command);
    program_destroy(missing);
}

Test(program, an_option_that_elsewhere_checks_the_configuration_is_met_with_the_command)
{
    const char *path = file_of(PLAN);
    struct program *letter = RUN(2, "-t");
    struct program *both = RUN(2, "-c", path, "-t");
    struct program *name = RUN(2, "--check", "-c", path);
    struct program *other = RUN(2, "-q");

    expect_text(program_stderr(letter), "invalid option -- 't'");
    expect_text(program_stderr(letter), "hourglass check -c FILE");
    expect_text(program_stderr(both), "hourglass check -c FILE");
    expect_text(program_stderr(name), "unrecognized option '--check'");
    expect_text(program_stderr(name), "check is a command: hourglass check (");
    cr_expect_null(strstr(program_stderr(other), "check"));
    program_destroy(letter);
    program_destroy(both);
    program_destroy(name);
    program_destroy(other);
    unlink(path);
}

Test(program, a_word_that_is_not_in_its_place_is_met_with_a_question)
{
    const char *path = file_of(PLAN);
    struct program *misspelt = RUN(2, "explian", "-c", path, "/x");
    struct program *file = RUN(2, path);
    struct program *checked = RUN(2, "check", path);
    struct program *second = RUN(2, "check", "-c", path, "again");
    char question[128];

    expect_text(program_stderr(misspelt), "no command explian: did you mean explain?");
    snprintf(question, sizeof(question), "did you mean -c %s?", path);
    expect_text(program_stderr(file), question);
    expect_text(program_stderr(checked), question);
    expect_text(program_stderr(second), "one word too many: again (");
    program_destroy(misspelt);
    program_destroy(file);
    program_destroy(checked);
    program_destroy(second);
    unlink(path);
}

Test(program, check_accepts_a_good_file)
{
    const char *path = file_of(PLAN);
    struct program *program = RUN(0, "check", "-c", path);

    cr_expect_null(strstr(program_stderr(program), "must"));
    program_destroy(program);
    unlink(path);
}

Test(program, options_may_stand_behind_words_whatever_the_environment_says)
{
    const char *path = file_of(PLAN);

    setenv("POSIXLY_CORRECT", "1", 1);
    program_destroy(RUN(0, "check", "-c", path));
    unlink(path);
}

Test(program, check_prints_every_mistake_with_its_line)
{
    const char *path = file_of("[proxy]\nlisten = 127.0.0.1:0\nlisen = 1\n[budget]\n"
                               "default = 300\nlocal = 50ms\n[route x]\nmatch = /x\n"
                               "upstream = nowhere\n");
    struct program *check = RUN(2, "check", "-c", path);
    struct program *serve = RUN(2, "-c", path);
    char all[8192];

    snprintf(all, sizeof(all), "%s%s", program_stdout(check), program_stderr(check));
    expect_text(all, ".ini:3: ");
    expect_text(all, "listen");
    expect_text(all, ".ini:5: ");
    expect_text(all, "needs a unit: us, ms, s or m");
    expect_text(all, ".ini:9: ");
    expect_text(all, "nowhere");
    expect_text(program_stderr(serve), ".ini:5: ");
    cr_expect_null(strstr(program_stderr(serve), "listening"));
    program_destroy(check);
    program_destroy(serve);
    unlink(path);
}

Test(program, what_is_not_supported_yet_is_refused_by_name)
{
    const char *path = file_of(PLAN "[upstream tls]\nurl = https://example.org\n");
    struct program *program = RUN(2, "check", "-c", path);

    expect_text(program_stderr(program), "https is not supported yet");
    program_destroy(program);
    unlink(path);
}

Test(program, file_that_is_missing_or_may_not_be_read_is_a_sentence_with_its_name)
{
    const char *path = file_of(PLAN);
    struct program *missing = RUN(2, "-c", "/tmp/hourglass-test-no-such.ini");
    struct program *folder = RUN(2, "-c", "/tmp");

    expect_text(program_stderr(missing), "/tmp/hourglass-test-no-such.ini");
    expect_text(program_stderr(folder), "/tmp");
    cr_assert_eq(chmod(path, 0), 0);
    if (access(path, R_OK) != 0) { /* root may read anything */
        struct program *barred = RUN(2, "-c", path);
        expect_text(program_stderr(barred), path);
        program_destroy(barred);
    }
    program_destroy(missing);
    program_destroy(folder);
    unlink(path);
}

Test(program, address_in_use_is_a_sentence_and_1)
{
    unsigned port;
    int taken = address_listen("127.0.0.1", &port);
    char text[1024];
    char name[32];

    snprintf(text, sizeof(text),
             "[proxy]\nlisten = 127.0.0.1:%u\nadmin = off\n[budget]\ndefault = 1s\n"
             "[upstream u]\nurl = http://127.0.0.1:9\n[route r]\nmatch = /*\nupstream = u\n",
             port);
    snprintf(name, sizeof(name), "127.0.0.1:%u", port);
    const char *path = file_of(text);
    struct program *program = RUN(1, "-c", path);
    expect_text(program_stderr(program), name);
    expect_text(program_stderr(program), "in use");
    program_destroy(program);
    unlink(path);
    close(taken);
}

Test(program, two_of_them_do_not_share_a_port)
{
    struct world *world = world_start(WORLD_PATIENT WORLD_ROUTE, 9u);
    char text[1024];

    snprintf(text, sizeof(text),
             "[proxy]\nlisten = %s\nadmin = off\n[budget]\ndefault = 1s\n"
             "[upstream u]\nurl = http://127.0.0.1:9\n[route r]\nmatch = /*\nupstream = u\n",
             world_address(world, 0));
    const char *path = file_of(text);
    program_destroy(RUN(1, "-c", path));
    unlink(path);
    world_stop(world);
}

Test(program, unix_socket_where_it_may_not_be_made_is_a_sentence_and_1)
{
    const char *path = file_of("[proxy]\nlisten = unix:/nonexistent/hourglass.sock\nadmin = off\n"
                               "[budget]\ndefault = 1s\n[upstream u]\nurl = http://127.0.0.1:9\n"
                               "[route r]\nmatch = /*\nupstream = u\n");
    struct program *program = RUN(1, "-c", path);

    expect_text(program_stderr(program), "/nonexistent/hourglass.sock");
    program_destroy(program);
    unlink(path);
}

Test(program, explain_says_which_route_answers_and_what_each_step_is_granted)
{
    const char *path = file_of(PLAN);
    struct program *whole = RUN(0, "explain", "-c", path, "/classic/7");
    struct program *less = RUN(0, "explain", "-c", path, "--budget", "600ms", "GET", "/classic/7");
    const char *table = program_stdout(whole);

    expect_text(table, "classic");
    expect_text(table, "db");
    expect_text(table, "300");
    expect_text(table, "api");
    expect_text(table, "500");
    expect_text(program_stdout(less), "600");
    expect_text(program_stdout(less), "200 |         0       200       200\n");
    program_destroy(whole);
    program_destroy(less);
    unlink(path);
}

Test(program, explain_of_a_path_without_a_route_says_so)
{
    const char *path = file_of(PLAN);
    struct program *program =
        program_start((const char *const[]){"explain", "-c", path, "/no", NULL});
    int code = program_exit_code(program, span_s(20));
    char all[8192];

    snprintf(all, sizeof(all), "%s%s", program_stdout(program), program_stderr(program));
    expect_text(all, "404");
    cr_expect_geq(code, 0);
    program_destroy(program);
    unlink(path);
}

Test(program, explain_says_how_odd_targets_are_refused)
{
    const char *path = file_of(PLAN);
    struct program *dots = RUN(0, "explain", "-c", path, "/classic/../x");
    struct program *star = RUN(0, "explain", "-c", path, "OPTIONS", "*");
    struct program *tunnel = RUN(0, "explain", "-c", path, "CONNECT", "example.org:443");

    expect_text(program_stdout(dots), ": 400\n");
    expect_text(program_stdout(star), ": 404\n");
    expect_text(program_stdout(tunnel), ": 405,");
    program_destroy(dots);
    program_destroy(star);
    program_destroy(tunnel);
    unlink(path);
}

Test(program, explain_says_it_in_json_too)
{
    const char *path = file_of(PLAN);
    struct program *json = RUN(0, "explain", "--json", "-c", path, "/classic/7");
    struct program *alone = RUN(2, "check", "--json", "-c", path);
    struct text document = text_of(program_stdout(json));

    cr_expect(json_is_value(document), "%s", document.at);
    cr_expect(
        text_is(json_find(document, TEXT("/enforced/calls/0/all_used/granted_ms")), TEXT("300")));
    cr_expect_str_eq(program_stderr(json), "");
    expect_text(program_stderr(alone), "--json belongs to explain");
    program_destroy(json);
    program_destroy(alone);
    unlink(path);
}

Test(program, log_may_be_a_file_that_is_opened_anew_on_sigusr1)
{
    char log[] = "/tmp/hourglass-test-log-XXXXXX";
    char moved[80];

    close(mkstemp(log));
    snprintf(moved, sizeof(moved), "%s.1", log);
    struct world *world = world_start(
        "[proxy]\nlisten = 127.0.0.1:0\nadmin = off\nworkers = 1\nlog = %s\n" WORLD_BUDGET
        "default = 1s\n" WORLD_ROUTE,
        log, 9u);
    cr_expect_eq(world_get(world, "/first", "")->status, 502);
    for (struct stat status = {0}; stat(log, &status) == 0 && status.st_size == 0;)
        usleep(5000);
    cr_assert_eq(rename(log, moved), 0);
    program_signal(world_program(world), SIGUSR1);
    while (access(log, F_OK) != 0)
        usleep(5000);
    cr_expect_eq(world_get(world, "/second", "")->status, 502);
    world_stop(world);
    struct stat status;
    cr_expect_eq(stat(log, &status), 0, "it was not opened anew");
    cr_expect_gt(status.st_size, 0);
    unlink(log);
    unlink(moved);
}
