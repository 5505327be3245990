/*
 * guard.h - ASan's guard behind the linear part of a received packet.
 */
#pragma once
#include <pkt.h>

void guard(struct pkt *p);
