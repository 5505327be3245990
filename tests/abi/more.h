/*
 * more.h - what abi.c and more.c share and the cases need not see, and the helper hook.
 */
#pragma once

void drop_resource_capability(void);

/* What the program does when a case executes it as `PROGRAM --helper NAME ...`; weak: a program
   without helpers has none. Called before anything else, with the inherited state untouched. */
int abi_helper(int argc, char **argv);
