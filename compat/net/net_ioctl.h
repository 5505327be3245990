/*
 * net_ioctl.h - ioctl(2) on sockets: interfaces, addresses, routes, neighbours.
 */
#pragma once
#include <netctl.h>
#include <socket.h>

/*
 * net_ioctl() - a command of netdevice(7) on socket @s. True: it was one, *result is the answer.
 * Context: system call, no locks.
 */
bool net_ioctl(struct socket *s, unsigned cmd, void __user *arg, long *result);
/* The same of commands about bridges and VLANs. */
bool net_ioctl_link(struct socket *s, unsigned cmd, void __user *arg, long *result);
long net_ioctl_route(struct socket *s, unsigned cmd, void __user *arg); /* SIOCADDRT, SIOCDELRT */
long net_ioctl_arp(struct socket *s, unsigned cmd, void __user *arg);   /* SIOC?ARP */
/* Prefix length of an IPv4 mask, or -1: not one. */
int mask_to_prefix(__be32 mask);
__be32 prefix_to_mask(unsigned bits);
