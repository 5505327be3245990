/*
 * uts.c - the host's names, as uname(2) gives them. Who may set them and how they are copied is the
 * caller's.
 */
#include <process.h>

struct uts uts = {.hostname = "ambit", .domainname = "(none)"};
