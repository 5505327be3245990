/*
 * swap.h - between swap.c (areas and slots), swapout.c and swapin.c.
 *
 * A place names a slot of an area, as page-table entries hold it. A place is alive while its slot
 * has users: entries, or who reads it just now.
 */
#pragma once
#include <swap.h>
#include "internal.h"

/* Up to @want free slots in a row, from the area of the highest priority that has any, each with
 * one user: how many; 0: swap space is full. */
unsigned swap_take(unsigned want, uint64_t *place);
/* Could not be written: its @n slots, which have one user each, are never given out again. */
void swap_spoil(uint64_t place, unsigned n);
int __must_check swap_transfer(bool write, uint64_t place, struct page **pages, unsigned n);

/* swapin.c: bring back every page of area @number, whoever's it is. */
int __must_check swap_bring_back(unsigned number);
unsigned swap_area_of(uint64_t place);
uint64_t swap_area_used(unsigned number);
