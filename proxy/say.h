/* What the program tells its operator, beside the log. */
#pragma once

/* A sentence on stderr, behind the program's name; at most 500 bytes of it. Not where nobody reads
 * stderr, for that would hold the thread up. Any thread. errno stays. */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* From here on libevent says so too what it has to say (a name server that does not answer), which it
 * would write to stderr by itself, and wait there. */
void say_for_libevent(void);
