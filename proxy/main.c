/* The command line: arguments in, exit code out. The only exit() is here. */
#include <event2/event.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "budget/wire.h"
#include "conf/address.h"
#include "conf/conf.h"
#include "conf/nearest.h"
#include "conf/store.h"
#include "proxy/clock.h"
#include "proxy/curl_loop.h"
#include "proxy/explain.h"
#include "proxy/http1_head.h"
#include "proxy/proxy.h"
#include "proxy/top.h"

#ifndef HOURGLASS_VERSION
#define HOURGLASS_VERSION "unknown"
#endif

/* Options that have no letter. */
enum { LONG_ADMIN = 256, LONG_ONCE, LONG_INTERVAL };

enum { EXIT_WELL = 0, EXIT_COULD_NOT_RUN = 1, EXIT_BAD_CONFIGURATION = 2 };

static const char help[] =
    "hourglass - a reverse proxy that spends a time budget\n"
    "\n"
    "  hourglass [-c FILE] [--replace PID]    run\n"
    "  hourglass check [-c FILE]              read the configuration, print every mistake\n"
    "  hourglass explain [-c FILE] [--budget DURATION] [--json] [METHOD] PATH\n"
    "                                         say which route answers and what its calls are "
    "granted\n"
    "  hourglass top [-c FILE | --admin ADDRESS] [--once] [--interval DURATION]\n"
    "                                         watch one that runs, through its admin listener\n"
    "\n"
    "  -c, --config FILE      default: proxy.ini here, then /etc/hourglass/proxy.ini\n"
    "  -b, --budget DURATION  of explain: what the client brings, as 700ms or 1.5s\n"
    "  -j, --json             of explain: as JSON\n"
    "      --admin ADDRESS    of top: where to ask; default: admin of the configuration\n"
    "      --once             of top: print one table of one interval, and end\n"
    "      --interval DURATION  of top: between two looks, 1s if left out\n"
    "  -r, --replace PID      take over from the hourglass with this process id, which then "
    "stops:\n"
    "                         no connection is refused\n"
    "  -h, --help             this text; and with --options, every option of the configuration\n"
    "  -o, --options          print every option of the configuration, with its default\n"
    "  -V, --version          versions of hourglass and of the libraries in use\n"
    "\n"
    "Signals: TERM, INT and QUIT stop it when the requests under way are over (a second one: at "
    "once);\n"
    "USR1 opens the log anew. Exit codes: 0 well, 1 could not run, 2 bad configuration or\n"
    "arguments. More: man hourglass, man hourglass.ini.\n";

struct arguments {
    const char *config; /* NULL: look in the usual places */
    const char *budget; /* NULL: none */
    bool is_json;
    const char *admin;    /* NULL: none */
    const char *interval; /* NULL: none */
    bool is_once;
    pid_t replaced; /* 0: none */
    char **words;   /* the command, and what follows it */
    int words_count;
};

__attribute__((format(printf, 1, 2))) static _Noreturn void fail(const char *format, ...)
{
    va_list values;

    va_start(values, format);
    fputs("hourglass: ", stderr);
    vfprintf(stderr, format, values);
    fputs(" (see hourglass --help)\n", stderr);
    va_end(values);
    exit(EXIT_BAD_CONFIGURATION);
}

static _Noreturn void print_version(void)
{
    printf("hourglass " HOURGLASS_VERSION "\nlibevent/%s\n%s\n%s\n", event_get_version(),
           curl_loop_version(), http1_parser_version());
    exit(EXIT_WELL);
}

static pid_t read_process(const char *text)
{
    char *end;
    long number = strtol(text, &end, 10);

    if (*text < '0' || *text > '9' || *end != '\0' || number < 1 || number > INT_MAX)
        fail("--replace needs the id of a process, not %s", text);
    return (pid_t)number;
}

static bool is_command(const char *word)
{
    return strcmp(word, "explain") == 0 || strcmp(word, "check") == 0 || strcmp(word, "top") == 0;
}

/* Of an option that there is not; getopt has said so. Some servers check their configuration with -t,
 * and a command is easily taken for an option. */
static _Noreturn void fail_on_option(const char *word)
{
    if (strcmp(word, "-t") == 0)
        fail("to read the configuration and stop: hourglass check -c FILE");
    if (strncmp(word, "--", 2) == 0 && is_command(word + 2))
        fail("%s is a command: hourglass %s", word + 2, word + 2);
    exit(EXIT_BAD_CONFIGURATION);
}

static struct arguments read_arguments(int argc, char **argv)
{
    static const struct option options[] = {
        {"config", required_argument, NULL, 'c'},
        {"budget", required_argument, NULL, 'b'},
        {"json", no_argument, NULL, 'j'},
        {"replace", required_argument, NULL, 'r'},
        {"help", no_argument, NULL, 'h'},
        {"options", no_argument, NULL, 'o'},
        {"version", no_argument, NULL, 'V'},
        {"admin", required_argument, NULL, LONG_ADMIN},
        {"once", no_argument, NULL, LONG_ONCE},
        {"interval", required_argument, NULL, LONG_INTERVAL},
        {NULL, 0, NULL, 0},
    };
    struct arguments arguments = {0};

    unsetenv("POSIXLY_CORRECT"); /* it would end the options at the first word: check -c FILE */
    for (int letter; (letter = getopt_long(argc, argv, "c:b:jr:hoV", options, NULL)) != -1;) {
        switch (letter) {
        case 'c':
            arguments.config = optarg;
            break;
        case 'b':
            arguments.budget = optarg;
            break;
        case 'j':
            arguments.is_json = true;
            break;
        case LONG_ADMIN:
            arguments.admin = optarg;
            break;
        case LONG_ONCE:
            arguments.is_once = true;
            break;
        case LONG_INTERVAL:
            arguments.interval = optarg;
            break;
        case 'r':
            arguments.replaced = read_process(optarg);
            break;
        case 'h':
            fputs(help, stdout);
            exit(EXIT_WELL);
        case 'o':
            conf_print_options(stdout);
            exit(EXIT_WELL);
        case 'V':
            print_version();
        default:
            fail_on_option(argv[optind - 1]);
        }
    }
    arguments.words = argv + optind;
    arguments.words_count = argc - optind;
    return arguments;
}

static const char *config_path(const struct arguments *arguments)
{
    static const char everywhere[] = "/etc/hourglass/proxy.ini";

    if (arguments->config)
        return arguments->config;
    if (access("proxy.ini", F_OK) == 0)
        return "proxy.ini";
    if (access(everywhere, F_OK) != 0)
        fail("there is no proxy.ini here and no %s", everywhere);
    return everywhere;
}

static struct conf *load(const struct arguments *arguments)
{
    struct conf *conf = conf_load(config_path(arguments), stderr);

    if (!conf)
        exit(EXIT_BAD_CONFIGURATION);
    return conf;
}

static int run(const struct arguments *arguments)
{
    /* Until the loop runs and when it does no more: whoever sends them does not know about that. */
    signal(SIGUSR1, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    struct conf *conf = load(arguments);
    int code = proxy_run(conf, arguments->replaced);

    conf_destroy(conf);
    return code;
}

static int check(const struct arguments *arguments)
{
    struct conf *conf = load(arguments);

    printf("%s: well (routes: %zu, upstreams: %zu, stubs: %zu)\n", config_path(arguments),
           conf->routes_count, conf->upstreams_count, conf->stubs_count);
    conf_destroy(conf);
    return EXIT_WELL;
}

/* What stands behind an option of this name. */
static struct span read_duration(const char *name, const char *text)
{
    const struct wire_field field = {.name = name, .format = WIRE_DURATION};
    struct wire_reading reading;

    wire_begin(&reading);
    wire_take(&reading, 0, &field, text, strlen(text));
    struct wire_asked asked = wire_end(&reading, 0, SPAN_FOREVER);
    if (!asked.any || asked.malformed > 0)
        fail("%s needs a number and a unit (ns, us, ms, s, m, h), not %s", name, text);
    return asked.budget;
}

static int explain(const struct arguments *arguments)
{
    int last = arguments->words_count - 1;
    struct explain_question question = {.method = "GET", .realtime_ms = clock_realtime_ms()};
    struct span budget;

    if (last != 1 && last != 2)
        fail("explain takes a method, if it is not GET, and a path");
    question.target = arguments->words[last];
    if (last == 2)
        question.method = arguments->words[1];
    if (arguments->budget) {
        budget = read_duration("--budget", arguments->budget);
        question.budget = &budget;
    }
    struct conf *conf = load(arguments);
    if (arguments->is_json)
        explain_print_json(conf, &question, stdout);
    else
        explain_print(conf, &question, stdout);
    conf_destroy(conf);
    return EXIT_WELL;
}

static struct span read_interval(const struct arguments *arguments)
{
    struct span interval =
        arguments->interval ? read_duration("--interval", arguments->interval) : span_s(1);

    if (!span_covers(interval, span_ms(100)) || !span_covers(span_s(3600), interval))
        fail("--interval must be from 100ms to 1h, not %s", arguments->interval);
    return interval;
}

static int top(const struct arguments *arguments)
{
    struct top_options options = {.interval = read_interval(arguments),
                                  .is_once = arguments->is_once};
    struct conf_address address;
    struct store store = {0};
    struct conf *conf = NULL;

    if (arguments->admin) {
        const char *fault = set_listen(&address, arguments->admin, &store);
        if (fault)
            fail("--admin %s", fault);
        options.address = &address;
    } else {
        conf = load(arguments);
        options.address = conf->proxy.admin;
        if (!options.address)
            fail("admin is off in %s: there is nobody to ask", config_path(arguments));
    }
    int code = top_run(&options);
    conf_destroy(conf);
    store_finish(&store);
    return code;
}

/* A file's name in its place is as likely as a misspelt command. */
static _Noreturn void fail_on_command(const char *command)
{
    struct nearest nearest = nearest_to(command);

    nearest_offer(&nearest, "check");
    nearest_offer(&nearest, "explain");
    nearest_offer(&nearest, "top");
    if (access(command, F_OK) == 0)
        fail("there is no command %s: did you mean -c %s?", command, command);
    if (nearest.name)
        fail("there is no command %s: did you mean %s?", command, nearest.name);
    fail("there is no command %s", command);
}

static _Noreturn void fail_on_word(const struct arguments *arguments)
{
    const char *word = arguments->words[1];

    if (!arguments->config)
        fail("one word too many: %s: did you mean -c %s?", word, word);
    fail("one word too many: %s", word);
}

/* Options of another command than this. */
static void fail_on_foreign(const struct arguments *arguments, const char *command)
{
    if (strcmp(command, "explain") != 0) {
        if (arguments->budget)
            fail("--budget belongs to explain");
        if (arguments->is_json)
            fail("--json belongs to explain");
    }
    if (strcmp(command, "top") != 0) {
        if (arguments->admin)
            fail("--admin belongs to top");
        if (arguments->is_once)
            fail("--once belongs to top");
        if (arguments->interval)
            fail("--interval belongs to top");
    }
}

/* Where 0, 1 or 2 are closed, a socket or the event loop's own pipe would get the number, and what
 * is written to stderr would go into it. */
static void fill_standard_descriptors(void)
{
    int fd;

    do
        fd = open("/dev/null", O_RDWR);
    while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd >= 0)
        close(fd);
}

int main(int argc, char **argv)
{
    fill_standard_descriptors();

    struct arguments arguments = read_arguments(argc, argv);
    const char *command = arguments.words_count > 0 ? arguments.words[0] : NULL;

    if (command && !is_command(command))
        fail_on_command(command);
    if (arguments.replaced && command)
        fail("--replace does not belong to %s", command);
    fail_on_foreign(&arguments, command ? command : "");
    if (command && strcmp(command, "explain") == 0)
        return explain(&arguments);
    if (arguments.words_count > 1)
        fail_on_word(&arguments);
    if (command && strcmp(command, "top") == 0)
        return top(&arguments);
    return command ? check(&arguments) : run(&arguments);
}
