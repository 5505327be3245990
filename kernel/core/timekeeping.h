/*
 * timekeeping.h - between the wall clock (time.c) and its discipline (ntp.c).
 */
#pragma once
#include <compiler.h>

/* @rate: 2^-40 ns that the wall clock gains in each ns. Any context; realtime_tell() is the
 * caller's to call. */
void realtime_set_rate(int64_t rate);
/* Thread context: those who wait for a moment of the wall clock look again. */
void realtime_tell(bool stepped);
bool discipline_is_slewing(void); /* the rate will change again within a second */
void discipline_init(void);
