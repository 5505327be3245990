/*
 * abi/version.h - the Linux that we say we are: uname(2), /proc/version, /proc/sys/kernel.
 */
#pragma once
#define ABI_SYSNAME "Linux"
#define ABI_RELEASE "6.6.0-ambit"
#define ABI_VERSION "#1 SMP Ambit"
#define ABI_MACHINE "x86_64"
#define USER_HZ     100u /* clock ticks of times(2) and /proc */
#define NS_PER_TICK (1000000000ull / USER_HZ)
