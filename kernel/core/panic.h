/*
 * panic.h - what the log must know about panics.
 */
#pragma once
#include <compiler.h>

extern bool panicking;
