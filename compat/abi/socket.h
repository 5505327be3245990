/*
 * socket.h - layouts and numbers of socket calls as programs see them (socket(2), recvmsg(2)).
 *
 * Addresses, control headers and most option values have Linux's layout inside the kernel too; here
 * it is asserted.
 */
#pragma once
#include <socket.h>

struct linux_msghdr {
	uint64_t name;
	int32_t namelen, pad1;
	uint64_t iov, iovlen;
	uint64_t control, controllen;
	uint32_t flags, pad2;
};
struct linux_mmsghdr {
	struct linux_msghdr hdr;
	uint32_t len, pad;
};
struct linux_sock_fprog {
	uint16_t len, pad[3];
	uint64_t filter;
};
static_assert(sizeof(struct linux_msghdr) == 56, "struct msghdr");
static_assert(offsetof(struct linux_msghdr, flags) == 48, "struct msghdr");
static_assert(sizeof(struct linux_mmsghdr) == 64, "struct mmsghdr");
static_assert(sizeof(struct linux_sock_fprog) == 16, "struct sock_fprog");
static_assert(sizeof(struct sock_filter) == 8, "struct sock_filter");
static_assert(sizeof(struct cmsghdr) == 16, "struct cmsghdr");
static_assert(sizeof(struct sockaddr_storage) == 128, "struct sockaddr_storage");
static_assert(sizeof(struct sockaddr_in) == 16, "struct sockaddr_in");
static_assert(sizeof(struct sockaddr_in6) == 28, "struct sockaddr_in6");
static_assert(sizeof(struct sockaddr_un) == 110, "struct sockaddr_un");
static_assert(sizeof(struct sockaddr_ll) == 20, "struct sockaddr_ll");
static_assert(sizeof(struct sockaddr_nl) == 12, "struct sockaddr_nl");
static_assert(sizeof(struct socket_ucred) == 12, "struct ucred");
static_assert(sizeof(struct socket_linger) == 8, "struct linger");
static_assert(sizeof(struct sock_ext_err) == 16, "struct sock_extended_err");
static_assert(SO_PEERCRED == 17 && SO_RCVTIMEO == 20 && SO_ACCEPTCONN == 30 && SO_DOMAIN == 39 &&
		      SO_INCOMING_CPU == 49 && SO_SNDTIMEO_NEW == 67 && SO_BUF_LOCK == 72,
	"socket(7)");

enum { SOCK_FLAGS = SOCK_NONBLOCK | SOCK_CLOEXEC, MSG_CMSG_COMPAT = 0x80000000 };
enum { ADDR_MAX = sizeof(struct sockaddr_storage), MMSG_MAX = 1024 };
