/*
 * inet_pending.c - weak stand-ins for parts of the stack that this tree does not have yet.
 */
#include <error.h>
#include <netdev.h>

__weak int bridge_add_port(struct netdev *bridge, struct netdev *port)
{
	return -EOPNOTSUPP;
}
__weak int bridge_del_port(struct netdev *port)
{
	return -EOPNOTSUPP;
}
