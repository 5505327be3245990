/*
 * socket_msg.c - control data of messages (cmsg(3)): walking what a program sent, building what it
 * receives.
 *
 * Works on compat's kernel copy, whose start is aligned to 8 bytes. Does not: know any type.
 */
#include <socket.h>
#include <string.h>

struct cmsghdr *cmsg_next(const struct socket_msg *m, const struct cmsghdr *prev, int *err)
{
	size_t at = 0;
	struct cmsghdr *c;

	if (prev)
		at = (size_t)((const uint8_t *)prev - m->control) + CMSG_ALIGN(prev->cmsg_len);
	if (at > m->control_len || m->control_len - at < sizeof(*c))
		return NULL;
	c = (struct cmsghdr *)(m->control + at);
	if (c->cmsg_len >= sizeof(*c) && c->cmsg_len <= m->control_len - at)
		return c;
	*err = -EINVAL;
	return NULL;
}

void cmsg_put(struct socket_msg *m, int level, int type, const void *data, size_t n)
{
	size_t room = m->control_len - m->control_used;
	struct cmsghdr *c = (struct cmsghdr *)(m->control + m->control_used);

	if (room < sizeof(*c)) {
		m->out_flags |= MSG_CTRUNC;
		return;
	}
	if (room < CMSG_LEN(n)) {
		m->out_flags |= MSG_CTRUNC;
		n = room - sizeof(*c);
	}
	c->cmsg_level = level;
	c->cmsg_type = type;
	c->cmsg_len = CMSG_LEN(n);
	memcpy(cmsg_data(c), data, n);
	m->control_used += MIN(CMSG_SPACE(n), room);
}
