/*
 * printf.c - formatting into a bounded buffer.
 *
 * One output cursor counts what the whole would need and stores what fits. Symbol names for %pS
 * come from a function that core registers, because lib knows no symbol table. Does not: floating
 * point, positional arguments, wide characters.
 */
#include <printf.h>
#include <string.h>

const char *(*printf_symbol)(uint64_t pc, uint64_t *offset);

struct out {
	char *buf;
	size_t size, len;
};

struct spec {
	bool left, zero, plus, space, alt, upper, has_precision;
	char length; /* of the argument: 'H' char, 'h', 0 int, 'l' anything of 8 bytes */
	int width, precision;
};

static void put(struct out *o, char c)
{
	if (o->len < o->size)
		o->buf[o->len] = c;
	o->len++;
}

static void put_run(struct out *o, char c, int n)
{
	for (; n > 0; n--)
		put(o, c);
}

static void put_bytes(struct out *o, const char *s, size_t n)
{
	if (o->len < o->size)
		memcpy(o->buf + o->len, s, n < o->size - o->len ? n : o->size - o->len);
	o->len += n;
}

static void put_padded(struct out *o, const struct spec *s, const char *text, size_t n)
{
	int pad = s->width > (int)n ? s->width - (int)n : 0;

	if (!s->left)
		put_run(o, ' ', pad);
	put_bytes(o, text, n);
	if (s->left)
		put_run(o, ' ', pad);
}

static void put_number(
	struct out *o, const struct spec *s, uint64_t v, unsigned base, bool is_negative)
{
	const char *digits = s->upper ? "0123456789ABCDEF" : "0123456789abcdef";
	char tmp[24], prefix[2];
	int n = 0, np = 0, zeros, pad;

	if (is_negative)
		prefix[np++] = '-';
	else if (s->plus || s->space)
		prefix[np++] = s->plus ? '+' : ' ';
	if (s->alt && base == 16 && v) {
		prefix[np++] = '0';
		prefix[np++] = s->upper ? 'X' : 'x';
	}
	if (v || !s->has_precision || s->precision)
		do {
			tmp[n++] = digits[base == 10 ? v % 10 : v & (base - 1)];
			v = base == 10 ? v / 10 : v >> (base == 16 ? 4 : 3);
		} while (v);
	zeros = s->has_precision && s->precision > n ? s->precision - n : 0;
	if (s->alt && base == 8 && !zeros && (!n || tmp[n - 1] != '0'))
		zeros = 1;
	if (s->zero && !s->left && !s->has_precision && s->width > n + np + zeros)
		zeros = s->width - n - np;
	pad = s->width - n - np - zeros;
	if (!s->left)
		put_run(o, ' ', pad);
	put_bytes(o, prefix, (size_t)np);
	put_run(o, '0', zeros);
	while (n)
		put(o, tmp[--n]);
	if (s->left)
		put_run(o, ' ', pad);
}

static void put_symbol(struct out *o, const struct spec *s, uint64_t pc)
{
	struct spec hex = {0};
	uint64_t offset = 0;
	const char *name = printf_symbol ? printf_symbol(pc, &offset) : NULL;

	if (!name) {
		put_bytes(o, "0x", 2);
		put_number(o, &hex, pc, 16, false);
		return;
	}
	put_padded(o, s, name, strlen(name));
	put_bytes(o, "+0x", 3);
	put_number(o, &hex, offset, 16, false);
}

static const char *parse_flags(const char *f, struct spec *s)
{
	for (;; f++) {
		if (*f == '-')
			s->left = true;
		else if (*f == '0')
			s->zero = true;
		else if (*f == '+')
			s->plus = true;
		else if (*f == ' ')
			s->space = true;
		else if (*f == '#')
			s->alt = true;
		else
			return f;
	}
}

static int parse_int(const char **f)
{
	int n = 0;

	for (; **f >= '0' && **f <= '9'; (*f)++)
		if (n < 100000)
			n = n * 10 + **f - '0';
	return n;
}

static const char *parse_length(const char *f, struct spec *s)
{
	if (*f == 'h') {
		s->length = f[1] == 'h' ? 'H' : 'h';
		return f + (f[1] == 'h' ? 2 : 1);
	}
	while (*f == 'l' || *f == 'z' || *f == 't' || *f == 'j') {
		s->length = 'l';
		f++;
	}
	return f;
}

static int64_t cut_signed(const struct spec *s, int64_t v)
{
	return s->length == 'H' ? (int8_t)v : s->length == 'h' ? (int16_t)v : v;
}

static uint64_t cut_unsigned(const struct spec *s, uint64_t v)
{
	return s->length == 'H' ? (uint8_t)v : s->length == 'h' ? (uint16_t)v : v;
}

static void put_string(struct out *o, const struct spec *s, const char *text)
{
	if (!text)
		text = "(null)";
	put_padded(
		o, s, text, s->has_precision ? strnlen(text, (size_t)s->precision) : strlen(text));
}

/* va_list is passed by pointer so that the caller sees what was consumed. */
static void put_integer(struct out *o, struct spec *s, char conv, va_list *ap)
{
	unsigned base = conv == 'x' || conv == 'X' ? 16 : conv == 'o' ? 8 : 10;

	s->upper = conv == 'X';
	if (conv == 'd' || conv == 'i') {
		int64_t v = cut_signed(
			s, s->length == 'l' ? va_arg(*ap, int64_t) : va_arg(*ap, int));

		put_number(o, s, v < 0 ? 0 - (uint64_t)v : (uint64_t)v, 10, v < 0);
		return;
	}
	s->plus = s->space = false;
	put_number(o, s,
		cut_unsigned(s, s->length == 'l' ? va_arg(*ap, uint64_t) : va_arg(*ap, unsigned)),
		base, false);
}

static const char *convert(struct out *o, struct spec *s, const char *f, va_list *ap)
{
	char c;

	switch (*f) {
	case 'd':
	case 'i':
	case 'u':
	case 'x':
	case 'X':
	case 'o':
		put_integer(o, s, *f, ap);
		break;
	case 'c':
		c = (char)va_arg(*ap, int);
		put_padded(o, s, &c, 1);
		break;
	case 's':
		put_string(o, s, va_arg(*ap, const char *));
		break;
	case 'p':
		if (f[1] == 'S') {
			put_symbol(o, s, (uint64_t)va_arg(*ap, void *));
			return f + 2;
		}
		s->alt = true;
		put_number(o, s, (uint64_t)va_arg(*ap, void *), 16, false);
		break;
	case '%':
		put(o, '%');
		break;
	case 0:
		return f;
	default: /* not ours: shown as it is written */
		put(o, '%');
		put(o, *f);
	}
	return f + 1;
}

/* Width and precision, from the text or from the arguments. */
static const char *parse_sizes(const char *f, struct spec *s, va_list *ap)
{
	if (*f == '*') {
		s->width = va_arg(*ap, int);
		s->left |= s->width < 0;
		s->width = s->width < 0 ? -s->width : s->width;
		f++;
	} else {
		s->width = parse_int(&f);
	}
	if (*f != '.')
		return f;
	f++;
	if (*f == '*') {
		s->precision = va_arg(*ap, int);
		f++;
	} else {
		s->precision = parse_int(&f);
	}
	s->has_precision = s->precision >= 0;
	return f;
}

int vsnprintf(char *buf, size_t size, const char *fmt, va_list ap_in)
{
	struct out o = {buf, size, 0};
	va_list ap;

	va_copy(ap, ap_in);
	while (*fmt) {
		const char *f = fmt;
		struct spec s = {0};

		while (*f && *f != '%')
			f++;
		put_bytes(&o, fmt, (size_t)(f - fmt));
		fmt = f;
		if (!*fmt)
			break;
		fmt = parse_flags(fmt + 1, &s);
		fmt = parse_sizes(fmt, &s, &ap);
		fmt = convert(&o, &s, parse_length(fmt, &s), &ap);
	}
	va_end(ap);
	if (size)
		buf[o.len < size ? o.len : size - 1] = 0;
	return (int)o.len;
}

int snprintf(char *buf, size_t size, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(buf, size, fmt, ap);
	va_end(ap);
	return n;
}

int scnprintf(char *buf, size_t size, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(buf, size, fmt, ap);
	va_end(ap);
	if (!size)
		return 0;
	return n < (int)size ? n : (int)size - 1;
}
