/* The restrictions of tools/hourglass.service, as far as a process can lay them on itself: what
 * breaks one of them is killed by SIGSYS, where systemd only has it fail. */
#pragma once

/* For program_confine: takes away all capabilities and the system calls that the unit takes away,
 * address families but IPv4, IPv6 and unix, new namespaces, and memory that is written and then
 * executed; for good. Ends the process with 126 when it cannot. */
void sandbox_enter(void);
