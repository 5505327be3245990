/*
 * helper.h - what a program does when a case executes it as `PROGRAM --helper WHAT ...`.
 */
#pragma once

int abi_helper(int argc, char **argv);
