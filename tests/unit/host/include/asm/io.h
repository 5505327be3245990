/*
 * asm/io.h - host: ports read as all ones and swallow what is written.
 */
#pragma once
#include <compiler.h>

static inline uint8_t inb(uint16_t port)
{
	(void)port;
	return 0xff;
}
static inline uint16_t inw(uint16_t port)
{
	(void)port;
	return 0xffff;
}
static inline uint32_t inl(uint16_t port)
{
	(void)port;
	return 0xffffffffu;
}
static inline void outb(uint16_t port, uint8_t v)
{
	(void)port;
	(void)v;
}
static inline void outw(uint16_t port, uint16_t v)
{
	(void)port;
	(void)v;
}
static inline void outl(uint16_t port, uint32_t v)
{
	(void)port;
	(void)v;
}
