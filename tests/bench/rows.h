/*
 * rows.h - what the parts of the benchmark share: a table of rows each, and the peer process that a
 * row may have started, which is killed when the row has been measured.
 */
#pragma once
#include <stdio.h>
#include <stdlib.h>
#include <sys/types.h>

#define KIB   1024
#define MIB   (1024 * 1024)
#define BLOCK (64 * KIB)

#define MUST(cond)                                                                                 \
	do {                                                                                       \
		if (!(cond)) {                                                                     \
			perror("bench: " #cond);                                                   \
			exit(1);                                                                   \
		}                                                                                  \
	} while (0)

struct row {
	const char *name;
	void (*run)(long ops);
	void (*before)(void);
	long ops;
};

extern char block[BLOCK];
extern pid_t peer;

/* Ends with a row without a name. */
extern const struct row net_rows[];

/* Sends back each byte of one connection after the other to @port; does not return. */
void serve_echo(int port);
