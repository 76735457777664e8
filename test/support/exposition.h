/* Metrics as a program that scrapes them sees them: the text format of Prometheus, version 0.0.4, and
 * nothing besides. */
#pragma once

/* How many samples there are; -1: a line is none of the format's, and stderr says which. */
int exposition_count(const char *text);
