/*
 * text.c - the growing text that a file of /proc is made of.
 */
#include "procfs.h"
#include <printf.h>

#define TEXT_MAX (4u << 20)

static bool grow(struct text *t, size_t need)
{
	size_t size = MAX(t->size * 2, (size_t)512);
	char *buf;

	while (size < t->len + need + 1)
		size *= 2;
	if (t->err || size > TEXT_MAX) {
		t->err = t->err ? t->err : -ENOMEM;
		return false;
	}
	buf = kmalloc(size, t->atomic ? GFP_ATOMIC : GFP_KERNEL);
	if (!buf) {
		t->err = -ENOMEM;
		return false;
	}
	if (t->buf)
		memcpy(buf, t->buf, t->len);
	kfree(t->buf);
	t->buf = buf;
	t->size = size;
	return true;
}

void text_vadd(struct text *t, const char *fmt, va_list ap)
{
	va_list again;
	int n;

	for (;;) {
		va_copy(again, ap);
		n = vsnprintf(t->buf ? t->buf + t->len : NULL, t->size - t->len, fmt, again);
		va_end(again);
		if ((size_t)n < t->size - t->len)
			break;
		if (!grow(t, (size_t)n))
			return;
	}
	t->len += (size_t)n;
}

void text_add(struct text *t, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	text_vadd(t, fmt, ap);
	va_end(ap);
}

void text_bytes(struct text *t, const void *s, size_t n)
{
	if (n >= t->size - t->len && !grow(t, n))
		return;
	memcpy(t->buf + t->len, s, n);
	t->len += n;
}

void text_escaped(struct text *t, const char *s)
{
	for (; *s; s++) {
		if (*s == ' ' || *s == '\t' || *s == '\n' || *s == '\\')
			text_add(t, "\\%03o", (unsigned)(uint8_t)*s);
		else
			text_bytes(t, s, 1);
	}
}

void text_path(struct text *t, const struct path *p, bool escape)
{
	char *buf = kmalloc(PATH_MAX, GFP_KERNEL);
	char *s;

	if (!buf) {
		t->err = -ENOMEM;
		return;
	}
	s = path_name(p, NULL, buf, PATH_MAX);
	if (!s)
		t->err = -ENAMETOOLONG;
	else if (escape)
		text_escaped(t, s);
	else
		text_bytes(t, s, strlen(s));
	kfree(buf);
}

void text_free(struct text *t)
{
	kfree(t->buf);
	*t = (struct text){0};
}

void text_mac(char *to, const uint8_t *mac)
{
	snprintf(to, 18, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3], mac[4],
		mac[5]);
}
