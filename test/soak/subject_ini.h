/* The configuration of the program that is soaked: all kinds of routes, and limits so small that each
 * is met. Texts for printf, in the order of the file. */
#pragma once

/* max-connections, default and max */
#define SUBJECT_INI_PROXY                                                           \
    "[proxy]\nlisten = 127.0.0.1:0, unix:front\nadmin = 127.0.0.1:0\nworkers = 3\n" \
    "drain = 4s\nmax-connections = %d\nmax-header = 4KiB\nheader-timeout = 300ms\n" \
    "idle-timeout = 700ms\nlog = ./log\n"                                           \
    "[budget]\nheader = X-Request-Timeout-Ms: ms\nheader = grpc-timeout: grpc\n"    \
    "default = %dms\nmax = %dms\nlocal = 5ms\n"

/* the upstream's port, four times; and one that is dead */
#define SUBJECT_INI_UPSTREAMS                                                               \
    "[upstream main]\nurl = http://127.0.0.1:%u\nconnections = 12\n"                        \
    "[upstream narrow]\nurl = http://127.0.0.1:%u\nconnections = 2\n"                       \
    "[upstream late]\nurl = http://127.0.0.1:%u\nconnections = 6\non-expiry = drain\n"      \
    "drain-time = 200ms\ndrain-size = 32KiB\n"                                              \
    "[upstream shy]\nurl = http://127.0.0.1:%u\nretry-budget = 60%%\nhedge-budget = 60%%\n" \
    "[upstream dead]\nurl = http://127.0.0.1:%u\n"                                          \
    "[upstream sock]\nurl = unix:back\nconnections = 6\n"                                   \
    "[upstream stub]\nurl = unix:stub\nconnections = 6\n"                                   \
    "[stub stub]\nlisten = unix:stub\nlatency = lognormal(4ms, 200ms)\nfail = 20%%\n"       \
    "body = {\"rows\": 3}\n"

#define SUBJECT_INI_ROUTES                                                        \
    "[route pass]\nmatch = /pass/{id}\nupstream = main\n"                         \
    "[route narrow]\nmatch = /narrow/{id}\nupstream = narrow\n"                   \
    "[route sock]\nmatch = /sock/{id}\nupstream = sock\n"                         \
    "[route late]\nmatch = /late/{id}\nupstream = late\n"                         \
    "[route dead]\nmatch = /dead/{id}\nupstream = dead\n"                         \
    "[route stub]\nmatch = /stub/{id}\nupstream = stub\n"                         \
    "[route half]\nmatch = /half/{id}\nupstream = main\nhalf-close = continue\n"  \
    "[route first]\nmatch = /first/{id}\nupstream = main\nbuffer-first = 16KiB\n" \
    "[route watch]\nmatch = /watch/{id}\nupstream = main\nmode = observe\n"       \
    "enforce-share = 50%\n"                                                       \
    "[route strict]\nmatch = /strict/{id}\nupstream = main\nmalformed = reject\n" \
    "scale = proportional\n"

#define SUBJECT_INI_STEPS                                                                       \
    "[route steps]\nmatch = /steps/{id}\nsteps = one, two + three, four\n"                      \
    "[call steps.one]\nupstream = main\nbudget = 30%\n"                                         \
    "request = GET /one/{id}?do={query.a}&n=40&ms={query.ms}\n"                                 \
    "[call steps.two]\nupstream = sock\nbudget = 30%\nmin = 2ms\n"                              \
    "request = GET /two/{id}?do={query.b}&n=40&ms={query.ms}\n"                                 \
    "[call steps.three]\nupstream = late\noptional = yes\nbudget = 20%\n"                       \
    "request = POST /three/{id}?do={query.a}&n=40&ms={query.ms}\n"                              \
    "body = {{\"of\": \"{id}\"}}\n"                                                             \
    "[call steps.four]\nupstream = narrow\nmin = 2ms\n"                                         \
    "[route merge]\nmatch = /merge/{id}\nsteps = x + y\nanswer = merge\n"                       \
    "[call merge.x]\nupstream = main\nmax-body = 4KiB\n"                                        \
    "request = GET /x/{id}?do={query.a}&n=40&ms={query.ms}\n"                                   \
    "[call merge.y]\nupstream = sock\noptional = yes\nmax-body = 4KiB\n"                        \
    "request = GET /y/{id}?do={query.b}&n={query.n}&ms={query.ms}\nfallback = {\"of\": null}\n" \
    "[route stand]\nmatch = /stand/{id}\nsteps = s\n"                                           \
    "[call stand.s]\nupstream = main\nbudget = 40%\nfallback = call t\n"                        \
    "[call stand.t]\nupstream = sock\nrequest = GET /t/{id}?do={query.b}&n={query.n}\n"         \
    "[route again]\nmatch = /again/{id}\nsteps = r\n"                                           \
    "[call again.r]\nupstream = shy\nretries = 2\nattempt = 80ms\nbackoff = 2ms\n"              \
    "retry-on = connect, timeout, 500, 502, 503, 504, unsafe\n"                                 \
    "[route hedge]\nmatch = /hedge/{id}\nsteps = h\n"                                           \
    "[call hedge.h]\nupstream = shy\nhedge = 10ms\nretries = 1\n"                               \
    "[route both]\nmatch = /both/{id}\nsteps = u + v\n"                                         \
    "[call both.u]\nupstream = main\n"                                                          \
    "[call both.v]\nupstream = sock\n"
