/*
 * net_ioctl_link.c - ioctl(2) on a socket that makes and removes bridges, their ports, and VLANs:
 * what brctl(8) and vconfig(8) use. linux/sockios.h, linux/if_vlan.h.
 *
 * Does not: SIOCGIFBR, SIOCSIFBR (before Linux 2.4); VLAN priority maps and flags: EOPNOTSUPP.
 */
#include "net_ioctl.h"
#include "abi/netdev.h"
#include "compat.h"
#include <netbridge.h>
#include <printf.h>

/* ---- bridges ---- */

static long add_bridge(struct net *net, const char *name)
{
	struct netdev *d;

	return netdev_kind_find("bridge")->create(net, name, NULL, &d);
}

static long del_bridge(struct net *net, const char *name)
{
	struct netdev *d = netdev_by_name_rcu(net, name);

	if (!d)
		return -ENXIO;
	if (!bridge_is(d))
		return -EPERM;
	if (d->flags & IFF_UP)
		return -EBUSY;
	netdev_kind_find("bridge")->destroy(d);
	return 0;
}

static long bridge_itself(struct net *net, unsigned cmd, void __user *arg)
{
	char name[NETDEV_NAME];
	long err;

	if (!capable(CAP_NET_ADMIN))
		return -EPERM;
	if (copy_from_user(name, arg, sizeof(name)))
		return -EFAULT;
	name[sizeof(name) - 1] = '\0';
	net_config_lock();
	err = cmd == SIOCBRADDBR ? add_bridge(net, name) : del_bridge(net, name);
	net_config_unlock();
	return err;
}

static long change_port(struct net *net, unsigned cmd, const struct linux_ifreq *r)
{
	struct netdev *br = netdev_by_name_rcu(net, r->name),
		      *port = netdev_by_index_rcu(net, (uint32_t)r->value);

	if (!br)
		return -ENODEV;
	if (!bridge_is(br))
		return -EOPNOTSUPP;
	if (!port)
		return -EINVAL;
	return cmd == SIOCBRADDIF ? br->ops->add_port(br, port) : br->ops->del_port(br, port);
}

static long bridge_port(struct net *net, unsigned cmd, void __user *arg)
{
	struct linux_ifreq r;
	long err;

	if (copy_from_user(&r, arg, sizeof(r)))
		return -EFAULT;
	r.name[sizeof(r.name) - 1] = '\0';
	if (!capable(CAP_NET_ADMIN))
		return -EPERM;
	net_config_lock();
	err = change_port(net, cmd, &r);
	net_config_unlock();
	return err;
}

/* ---- VLANs ---- */

static unsigned name_type = VLAN_NAME_TYPE_RAW_PLUS_VID_NO_PAD; /* [config lock] */

static long vlan_name(char name[NETDEV_NAME], const struct netdev *lower, unsigned id)
{
	int n;

	switch (name_type) {
	case VLAN_NAME_TYPE_PLUS_VID:
		n = snprintf(name, NETDEV_NAME, "vlan%04u", id);
		break;
	case VLAN_NAME_TYPE_PLUS_VID_NO_PAD:
		n = snprintf(name, NETDEV_NAME, "vlan%u", id);
		break;
	case VLAN_NAME_TYPE_RAW_PLUS_VID:
		n = snprintf(name, NETDEV_NAME, "%s.%04u", lower->name, id);
		break;
	default:
		n = snprintf(name, NETDEV_NAME, "%s.%u", lower->name, id);
	}
	return n < NETDEV_NAME ? 0 : -EINVAL;
}

static long add_vlan(struct netdev *lower, int id)
{
	struct netdev_kind_arg arg = {.lower = lower, .vlan_id = (unsigned)id, .has_vlan_id = true};
	char name[NETDEV_NAME];
	struct netdev *d;
	long err;

	err = vlan_name(name, lower, arg.vlan_id);
	return err ? err : netdev_kind_find("vlan")->create(lower->net, name, &arg, &d);
}

static long set_name_type(unsigned type)
{
	if (type >= VLAN_NAME_TYPE_HIGHEST)
		return -EINVAL;
	name_type = type;
	return 0;
}

/* The one flag that there is says what our VLANs do: tags are not in what programs see. */
static long set_flag(const struct linux_vlan_args *a)
{
	if (!a->flag || (a->flag == VLAN_FLAG_REORDER_HDR && a->qos))
		return 0;
	unsupported("VLAN flag", a->flag);
	return -EOPNOTSUPP;
}

static bool only_asks(int cmd)
{
	return cmd == GET_VLAN_REALDEV_NAME_CMD || cmd == GET_VLAN_VID_CMD;
}

/* Config lock held; *a is what a question is answered with. */
static long vlan_command(struct net *net, struct linux_vlan_args *a)
{
	struct netdev *d;

	if (a->cmd == SET_VLAN_NAME_TYPE_CMD)
		return set_name_type(a->name_type);
	d = netdev_by_name_rcu(net, a->device);
	if (!d)
		return -ENODEV;
	if (a->cmd == ADD_VLAN_CMD)
		return add_vlan(d, a->id);
	if (!d->kind || strcmp(d->kind, "vlan"))
		return -EINVAL;
	switch (a->cmd) {
	case DEL_VLAN_CMD:
		netdev_kind_find("vlan")->destroy(d);
		return 0;
	case SET_VLAN_FLAG_CMD:
		return set_flag(a);
	case GET_VLAN_REALDEV_NAME_CMD:
		strlcpy(a->device2, d->lower->name, sizeof(a->device2));
		return 0;
	case GET_VLAN_VID_CMD:
		a->id = d->vlan_id;
		return 0;
	}
	unsupported("VLAN command", a->cmd);
	return -EOPNOTSUPP;
}

static long vlan_ioctl(struct net *net, void __user *arg)
{
	struct linux_vlan_args a;
	long err;

	if (copy_from_user(&a, arg, sizeof(a)))
		return -EFAULT;
	a.device[NETDEV_NAME - 1] = '\0';
	if (!only_asks(a.cmd) && !capable(CAP_NET_ADMIN))
		return -EPERM;
	net_config_lock();
	err = vlan_command(net, &a);
	net_config_unlock();
	return !err && only_asks(a.cmd) ? copy_to_user(arg, &a, sizeof(a)) : err;
}

bool net_ioctl_link(struct socket *s, unsigned cmd, void __user *arg, long *result)
{
	switch (cmd) {
	case SIOCBRADDBR:
	case SIOCBRDELBR:
		*result = bridge_itself(s->net, cmd, arg);
		return true;
	case SIOCBRADDIF:
	case SIOCBRDELIF:
		*result = bridge_port(s->net, cmd, arg);
		return true;
	case SIOCGIFVLAN:
	case SIOCSIFVLAN:
		*result = vlan_ioctl(s->net, arg);
		return true;
	}
	return false;
}
