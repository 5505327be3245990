/*
 * zerocopy.h - sends with MSG_ZEROCOPY, for the protocols that can lend a program's pages to their
 * packets. Objects and lifetimes: zerocopy.c.
 */
#pragma once
#include <netdev.h>
#include <socket.h>

/* Whether what leaves by @d may leave from a program's pages: it takes frags, and nobody here reads
 * them (a checksum is as much work as a copy, and loopback has to copy later). */
static inline bool zerocopy_device(const struct netdev *d)
{
	const uint32_t need = NETIF_SG | NETIF_TX_CSUM;

	return (READ_ONCE(d->features) & (need | NETIF_LOOPBACK_LIKE)) == need;
}
/* This send copies, all of it or from here on: its notice will say so, ->zerocopy is NULL then. */
void zerocopy_give_up(struct socket_msg *m);
/*
 * Up to @n bytes of @m, which has ->zerocopy, at the end of @p, by reference, with the note that
 * @p needs. Bytes (fewer: @p's frags are used up, or the rest cannot be lent), -EFAULT,
 * -EOPNOTSUPP: copy. Sleeps.
 */
ssize_t __must_check zerocopy_append(struct socket_msg *m, struct pkt *p, size_t n);
