/*
 * abi/errno.h - asserts that the kernel's error numbers are Linux's x86_64 ones (errno(3)); one of
 * each run.
 */
#pragma once
#include <compiler.h>
#include <error.h>

static_assert(EPERM == 1 && ENOENT == 2 && ESRCH == 3 && EINTR == 4 && EIO == 5 && ENXIO == 6 &&
		      E2BIG == 7 && ENOEXEC == 8,
	"errno(3)");
static_assert(EBADF == 9 && ECHILD == 10 && EAGAIN == 11 && ENOMEM == 12 && EACCES == 13 &&
		      EFAULT == 14 && ENOTBLK == 15 && EBUSY == 16,
	"errno(3)");
static_assert(EEXIST == 17 && EXDEV == 18 && ENODEV == 19 && ENOTDIR == 20 && EISDIR == 21 &&
		      EINVAL == 22 && ENFILE == 23 && EMFILE == 24,
	"errno(3)");
static_assert(ENOTTY == 25 && ETXTBSY == 26 && EFBIG == 27 && ENOSPC == 28 && ESPIPE == 29 &&
		      EROFS == 30 && EMLINK == 31 && EPIPE == 32,
	"errno(3)");
static_assert(EDOM == 33 && ERANGE == 34 && EDEADLK == 35 && ENAMETOOLONG == 36 && ENOLCK == 37 &&
		      ENOSYS == 38 && ENOTEMPTY == 39,
	"errno(3)");
static_assert(ELOOP == 40 && ENOMSG == 42 && EIDRM == 43 && ENODATA == 61 && ETIME == 62 &&
		      EOVERFLOW == 75 && EBADFD == 77 && ELIBBAD == 80 && EILSEQ == 84 &&
		      ENOTSOCK == 88,
	"errno(3)");
static_assert(EDESTADDRREQ == 89 && EMSGSIZE == 90 && EPROTOTYPE == 91 && ENOPROTOOPT == 92 &&
		      EPROTONOSUPPORT == 93,
	"errno(3)");
static_assert(ESOCKTNOSUPPORT == 94 && EPFNOSUPPORT == 96 && EOPNOTSUPP == 95 &&
		      EAFNOSUPPORT == 97 && EADDRINUSE == 98 && EADDRNOTAVAIL == 99,
	"errno(3)");
static_assert(ENETDOWN == 100 && ENETUNREACH == 101 && ECONNABORTED == 103 && ECONNRESET == 104 &&
		      ENOBUFS == 105 && EISCONN == 106,
	"errno(3)");
static_assert(ENONET == 64 && EPROTO == 71 && EHOSTDOWN == 112, "errno(3)");
static_assert(ENOTCONN == 107 && ETOOMANYREFS == 109 && ETIMEDOUT == 110 && ECONNREFUSED == 111 &&
		      EHOSTUNREACH == 113 && EALREADY == 114,
	"errno(3)");
static_assert(EINPROGRESS == 115 && ESTALE == 116 && EUCLEAN == 117 && EDQUOT == 122 &&
		      ENOMEDIUM == 123 && ECANCELED == 125,
	"errno(3)");
static_assert(ERESTARTSYS >= 512 && EREFAULT >= 512 && ECHILD_WALK >= 512,
	"internal codes lie above all of Linux's");
