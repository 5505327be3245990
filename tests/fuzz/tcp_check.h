/*
 * tcp_check.h - what must hold of a connection between any two events.
 */
#pragma once
#include "kernel/net/tcp.h"

/* Ends the process when something does not hold. No lock held, in no section. */
void tcp_check(struct tcp_sock *tp);
