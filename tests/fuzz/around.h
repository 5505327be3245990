/*
 * around.h - what the stack gave to the rooms that around.c stands for.
 */
#pragma once

struct file_ops;
extern const struct file_ops *world_tun_ops; /* of /dev/net/tun */
