/*
 * fs.h - boot steps of the file systems that stand on a disk or on another room.
 */
#pragma once

void ext2_init(void);   /* registers "ext2" */
void devpts_init(void); /* registers "devpts"; the folder of the ptys in use */
