/*
 * sys_socket.c - sockets: socket(2), bind(2), connect(2), accept(2), getsockname(2), setsockopt(2)
 * and their kin.
 *
 * Does not: messages (sys_sockmsg.c).
 */
#include "compat.h"
#include "socket_calls.h"
#include <stat.h>

#define OPT_FAST 128u
#define OPT_MAX  8192u
#define SOL_IPV6 41

int sock_begin(struct sock_ref *r, int fd)
{
	r->fd = fd_begin(fd);
	if (!r->fd.file)
		return -EBADF;
	r->sock = socket_from_file(r->fd.file);
	if (r->sock)
		return 0;
	fd_end(r->fd);
	return -ENOTSOCK;
}

void sock_end(struct sock_ref *r)
{
	fd_end(r->fd);
}

int addr_fetch(struct sockaddr_storage *a, const void __user *from, int len)
{
	a->ss_family = 0;
	if (len < 0 || len > ADDR_MAX)
		return -EINVAL;
	return copy_from_user(a, from, (size_t)len);
}

int addr_store(const struct sockaddr_storage *a, unsigned len, void __user *to, int __user *to_len)
{
	int room;

	if (get_user(room, to_len))
		return -EFAULT;
	if (room < 0)
		return -EINVAL;
	if (room && copy_to_user(to, a, MIN((unsigned)room, len)))
		return -EFAULT;
	return put_user((int)len, to_len);
}

/* ---- making ---- */

static unsigned file_flags_of(unsigned type)
{
	return type & SOCK_NONBLOCK ? O_NONBLOCK : 0;
}
static_assert(SOCK_NONBLOCK == O_NONBLOCK && SOCK_CLOEXEC == O_CLOEXEC, "socket(2)");

long sys_socket(int family, int type, int proto)
{
	struct socket *s;
	struct file *f;
	int fd;
	int err;

	if (type & ~(SOCK_TYPE_MASK | SOCK_FLAGS))
		return -EINVAL;
	err = socket_create(family, type & SOCK_TYPE_MASK, proto, &s);
	if (err == -EAFNOSUPPORT)
		unsupported("socket family", (uint64_t)family);
	if (err)
		return err;
	err = socket_open_file(s, file_flags_of((unsigned)type), &f);
	if (err) {
		socket_discard(s);
		return err;
	}
	fd = fd_open(f, type & SOCK_CLOEXEC);
	if (fd < 0)
		file_put(f);
	return fd;
}

static int pair_open(struct socket *s[2], unsigned type, struct file *f[2])
{
	int err = socket_open_file(s[0], file_flags_of(type), &f[0]);

	if (err)
		goto discard_first;
	err = socket_open_file(s[1], file_flags_of(type), &f[1]);
	if (!err)
		return 0;
	file_put(f[0]);
	socket_discard(s[1]);
	return err;
discard_first:
	socket_discard(s[0]);
	socket_discard(s[1]);
	return err;
}

static int pair_make(int family, int type, int proto, struct file *f[2])
{
	struct socket *s[2];
	int err = socket_pair(family, type & SOCK_TYPE_MASK, proto, s);

	return err ? err : pair_open(s, (unsigned)type, f);
}

/* The numbers are reserved and told first: nothing is made that the program never hears of. */
long sys_socketpair(int family, int type, int proto, void __user *fds)
{
	struct file *f[2];
	int fd[2];
	int err;

	if (type & ~(SOCK_TYPE_MASK | SOCK_FLAGS))
		return -EINVAL;
	fd[0] = fd_alloc(0, type & SOCK_CLOEXEC);
	if (fd[0] < 0)
		return fd[0];
	fd[1] = fd_alloc(0, type & SOCK_CLOEXEC);
	err = fd[1];
	if (fd[1] < 0)
		goto cancel_first;
	err = copy_to_user(fds, fd, sizeof(fd));
	if (!err)
		err = pair_make(family, type, proto, f);
	if (err)
		goto cancel_second;
	fd_install(fd[0], f[0]);
	fd_install(fd[1], f[1]);
	return 0;

cancel_second:
	fd_cancel(fd[1]);
cancel_first:
	fd_cancel(fd[0]);
	return err;
}

/* ---- addresses ---- */

long sys_bind(int fd, void __user *addr, int len)
{
	struct sockaddr_storage a UNCLEARED;
	struct sock_ref r;
	int err = sock_begin(&r, fd);

	if (err)
		return err;
	err = addr_fetch(&a, addr, len);
	if (!err)
		err = socket_bind(r.sock, &a, (unsigned)len);
	sock_end(&r);
	return err;
}

long sys_connect(int fd, void __user *addr, int len)
{
	struct sockaddr_storage a UNCLEARED;
	struct sock_ref r;
	int err = sock_begin(&r, fd);

	if (err)
		return err;
	err = addr_fetch(&a, addr, len);
	if (!err)
		err = socket_connect(r.sock, &a, (unsigned)len, READ_ONCE(r.fd.file->flags));
	sock_end(&r);
	return err;
}

static long get_name(int fd, bool peer, void __user *addr, int __user *len)
{
	struct sockaddr_storage a = {0};
	struct sock_ref r;
	int n = sock_begin(&r, fd);

	if (n)
		return n;
	n = r.sock->ops->getname ? r.sock->ops->getname(r.sock, peer, &a) : -EOPNOTSUPP;
	if (n >= 0)
		n = addr_store(&a, (unsigned)n, addr, len);
	sock_end(&r);
	return n;
}

long sys_getsockname(int fd, void __user *addr, void __user *len)
{
	return get_name(fd, false, addr, len);
}

long sys_getpeername(int fd, void __user *addr, void __user *len)
{
	return get_name(fd, true, addr, len);
}

/* ---- connections ---- */

long sys_listen(int fd, int backlog)
{
	struct sock_ref r;
	int err = sock_begin(&r, fd);

	if (err)
		return err;
	err = socket_listen(r.sock, backlog);
	sock_end(&r);
	return err;
}

/* A connection as a file, and its peer's name for the program. */
static int accept_file(
	struct sock_ref *r, unsigned flags, void __user *addr, int __user *len, struct file **out)
{
	struct sockaddr_storage a = {0};
	struct socket *s;
	int err = socket_accept(r->sock, READ_ONCE(r->fd.file->flags), &s);
	int n;

	if (err)
		return err;
	err = socket_open_file(s, file_flags_of(flags), out);
	if (err) {
		socket_discard(s);
		return err;
	}
	if (!addr)
		return 0;
	n = s->ops->getname(s, true, &a);
	err = n < 0 ? -ECONNABORTED : addr_store(&a, (unsigned)n, addr, len);
	if (err)
		file_put(*out);
	return err;
}

long sys_accept4(int fd, void __user *addr, void __user *len, unsigned flags)
{
	struct sock_ref r;
	struct file *f;
	int new_fd;
	int err;

	if (flags & ~(unsigned)SOCK_FLAGS)
		return -EINVAL;
	err = sock_begin(&r, fd);
	if (err)
		return err;
	new_fd = fd_alloc(0, flags & SOCK_CLOEXEC);
	if (new_fd >= 0) {
		err = accept_file(&r, flags, addr, len, &f);
		if (err) {
			fd_cancel(new_fd);
			new_fd = err;
		} else {
			fd_install(new_fd, f);
		}
	}
	sock_end(&r);
	return new_fd;
}

long sys_accept(int fd, void __user *addr, void __user *len)
{
	return sys_accept4(fd, addr, len, 0);
}

long sys_shutdown(int fd, int how)
{
	struct sock_ref r;
	int err = sock_begin(&r, fd);

	if (err)
		return err;
	err = how < SHUT_RD || how > SHUT_RDWR ? -EINVAL : socket_shutdown(r.sock, how);
	sock_end(&r);
	return err;
}

/* ---- options ---- */

static void *opt_buffer(unsigned n, void *fast)
{
	return n <= OPT_FAST ? fast : kmalloc(n, GFP_KERNEL);
}

static void opt_free(void *buf, const void *fast)
{
	if (buf != fast)
		kfree(buf);
}

/* SO_ATTACH_FILTER: the value points to the instructions. */
static int attach_filter(struct socket *s, const void __user *val, unsigned len)
{
	struct linux_sock_fprog prog;
	struct sock_filter *insns;
	unsigned bytes;
	int err;

	if (len != sizeof(prog))
		return -EINVAL;
	if (copy_from_user(&prog, val, sizeof(prog)))
		return -EFAULT;
	if (!prog.len || prog.len > BPF_MAXINSNS)
		return -EINVAL;
	bytes = prog.len * (unsigned)sizeof(*insns);
	insns = kmalloc(bytes, GFP_KERNEL);
	if (!insns)
		return -ENOMEM;
	err = copy_from_user(insns, (const void __user *)prog.filter, bytes);
	if (!err)
		err = socket_setsockopt(s, SOL_SOCKET, SO_ATTACH_FILTER, insns, bytes);
	kfree(insns);
	return err;
}

/* The program's length may be longer than what it has: what is there is taken. */
static int set_option(struct socket *s, int level, int name, const void __user *val, unsigned len)
{
	uint64_t fast[OPT_FAST / sizeof(uint64_t)] UNCLEARED;
	unsigned n = MIN(len, OPT_MAX);
	void *buf = opt_buffer(n, fast);
	int err;

	if (!buf)
		return -ENOMEM;
	n -= (unsigned)copy_from_user_partial(buf, val, n);
	err = len && !n ? -EFAULT : socket_setsockopt(s, level, name, buf, n);
	opt_free(buf, fast);
	return err;
}

long sys_setsockopt(int fd, int level, int name, void __user *val, int len)
{
	struct sock_ref r;
	int err;

	if (len < 0)
		return -EINVAL;
	err = sock_begin(&r, fd);
	if (err)
		return err;
	if (level == SOL_SOCKET && name == SO_ATTACH_FILTER)
		err = attach_filter(r.sock, val, (unsigned)len);
	else
		err = set_option(r.sock, level, name, val, (unsigned)len);
	if (err == -ENOPROTOOPT && !(level == SOL_IPV6 && r.sock->family != AF_INET6))
		unsupported("socket option", (uint64_t)level << 32 | (unsigned)name);
	sock_end(&r);
	return err;
}

/* SO_GET_FILTER counts instructions, not bytes. */
static int get_option(struct socket *s, int level, int name, void __user *val, int __user *user_len)
{
	uint64_t fast[OPT_FAST / sizeof(uint64_t)] = {0};
	unsigned unit = level == SOL_SOCKET && name == SO_ATTACH_FILTER ? sizeof(struct sock_filter)
									: 1;
	unsigned n, room;
	void *buf;
	int len;
	int err;

	if (get_user(len, user_len))
		return -EFAULT;
	if (len < 0)
		return -EINVAL;
	n = room = MIN((unsigned)len, unit > 1 ? BPF_MAXINSNS : OPT_MAX) * unit;
	buf = opt_buffer(n, fast);
	if (!buf)
		return -ENOMEM;
	if (buf != fast)
		memset(buf, 0, n);
	/* A few options are questions: the kernel reads what is there. */
	err = level == SOL_SOCKET ? 0 : copy_from_user(buf, val, n);
	if (!err)
		err = socket_getsockopt(s, level, name, buf, &n);
	if (!err && len && copy_to_user(val, buf, n))
		err = -EFAULT;
	opt_free(buf, fast);
	/* An error may tell how much room it needs. */
	if ((!err || n > room) && put_user((int)(n / unit), user_len))
		err = -EFAULT;
	return err;
}

long sys_getsockopt(int fd, int level, int name, void __user *val, void __user *len)
{
	struct sock_ref r;
	int err = sock_begin(&r, fd);

	if (err)
		return err;
	err = get_option(r.sock, level, name, val, len);
	sock_end(&r);
	return err;
}
