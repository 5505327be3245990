/*
 * vt_screen.h - the grid under the terminal emulator: what vt.c may do to cells. All coordinates
 * must be on the screen.
 */
#pragma once
#include <vt.h>

struct vt_cell *vt_line(const struct vt *vt, unsigned row);
void vt_put(struct vt *vt, uint32_t ch); /* at the cursor, which moves on */
void vt_fill(struct vt *vt, unsigned row, unsigned from, unsigned to,
	uint32_t ch); /* columns [from, to) */
void vt_scroll_up(struct vt *vt, unsigned top, unsigned bottom, unsigned n); /* bottom: inclusive */
void vt_scroll_down(struct vt *vt, unsigned top, unsigned bottom, unsigned n);
void vt_line_feed(struct vt *vt);
void vt_reverse_line_feed(struct vt *vt);
void vt_insert_cells(struct vt *vt, unsigned n); /* at the cursor */
void vt_delete_cells(struct vt *vt, unsigned n);
