/*
 * bpf.c - classic BPF: programs that say how much of a packet a socket wants.
 *
 * The machine is McCanne and Jacobson's (USENIX 1993): accumulator A, index X, sixteen words of
 * memory, forward jumps only, so that every program ends. What a program may hold is checked once,
 * in bpf_prog_create(): known instructions, jumps inside, memory written before it is read on every
 * path, no division by a constant zero, a return at the end. What is left for the run: loads past
 * the end of the packet and division by a zero X return 0, "drop".
 *
 * Extensions are Linux's (socket(7), SO_ATTACH_FILTER): XOR and MOD; loads at SKF_AD_OFF give facts
 * about the packet, loads at SKF_NET_OFF and SKF_LL_OFF count from its headers. Does not: extended
 * BPF; netlink attributes and the payload offset among the facts (0).
 */
#include <arch/percpu.h>
#include <netdev.h>
#include <random.h>
#include <slab.h>
#include <socket.h>
#include <string.h>

enum { /* code: class, then size and mode, or operation and source */
	LD = 0,
	LDX = 1,
	ST = 2,
	STX = 3,
	ALU = 4,
	JMP = 5,
	RET = 6,
	MISC = 7,
	CLASS = 7,
	W = 0,
	H = 8,
	B = 0x10,
	SIZE = 0x18,
	IMM = 0,
	ABS = 0x20,
	IND = 0x40,
	MEM = 0x60,
	LEN = 0x80,
	MSH = 0xa0,
	MODE = 0xe0,
	K = 0,
	X = 8,
	A = 0x10,
	OP = 0xf0,
	ADD = 0,
	SUB = 0x10,
	MUL = 0x20,
	DIV = 0x30,
	OR = 0x40,
	AND = 0x50,
	LSH = 0x60,
	RSH = 0x70,
	NEG = 0x80,
	MOD = 0x90,
	XOR = 0xa0,
	JA = 0,
	JEQ = 0x10,
	JGT = 0x20,
	JGE = 0x30,
	JSET = 0x40,
	TAX = 0,
	TXA = 0x80,
	MEMWORDS = 16
};
enum ancillary { /* offsets from SKF_AD_OFF */
	AD_PROTOCOL = 0,
	AD_PKTTYPE = 4,
	AD_IFINDEX = 8,
	AD_NLATTR = 12,
	AD_NLATTR_NEST = 16,
	AD_MARK = 20,
	AD_QUEUE = 24,
	AD_HATYPE = 28,
	AD_RXHASH = 32,
	AD_CPU = 36,
	AD_ALU_XOR_X = 40,
	AD_VLAN_TAG = 44,
	AD_VLAN_TAG_PRESENT = 48,
	AD_PAY_OFFSET = 52,
	AD_RANDOM = 56,
	AD_VLAN_TPID = 60
};
#define AD_OFF  (-0x1000)
#define NET_OFF (-0x100000)
#define LL_OFF  (-0x200000)

struct sock_filter_prog {
	struct rcu_head rcu;
	refcount_t refs; /* of sockets: those accepted share that of the listener */
	unsigned n;
	struct sock_filter insn[];
};

/* ---- checking ---- */

static bool is_known_alu(uint16_t code)
{
	unsigned op = code & OP;

	return code == (ALU | NEG) || (op <= XOR && op != NEG);
}

static bool is_known_load(uint16_t code)
{
	unsigned size = code & SIZE, mode = code & MODE;

	if ((code & CLASS) == LDX && mode == MSH)
		return size == B;
	if (mode == IMM || mode == MEM || mode == LEN)
		return size == W;
	return (code & CLASS) == LD && (mode == ABS || mode == IND) && size <= B;
}

static bool is_known(uint16_t code)
{
	if (code > 0xff)
		return false;
	switch (code & CLASS) {
	case LD:
	case LDX:
		return is_known_load(code);
	case ST:
	case STX:
		return code == ST || code == STX;
	case ALU:
		return is_known_alu(code);
	case JMP:
		return code == (JMP | JA) || ((code & OP) >= JEQ && (code & OP) <= JSET);
	case RET:
		return code == (RET | K) || code == (RET | A);
	default:
		return code == (MISC | TAX) || code == (MISC | TXA);
	}
}

static bool is_ancillary(uint32_t k)
{
	uint32_t ad = k - (uint32_t)AD_OFF;

	return ad <= AD_VLAN_TPID && ad % 4 == 0;
}

/* One instruction at @pc of @n by itself. */
static bool insn_ok(const struct sock_filter *i, unsigned pc, unsigned n)
{
	unsigned left = n - pc - 1; /* instructions behind it */

	if (!is_known(i->code))
		return false;
	switch (i->code) {
	case ALU | DIV | K:
	case ALU | MOD | K:
		return i->k != 0;
	case ALU | LSH | K:
	case ALU | RSH | K:
		return i->k < 32;
	case LD | MEM:
	case LDX | MEM:
	case ST:
	case STX:
		return i->k < MEMWORDS;
	case JMP | JA:
		return i->k < left;
	case LD | W | ABS:
	case LD | H | ABS:
	case LD | B | ABS:
		return i->k < (uint32_t)AD_OFF || is_ancillary(i->k);
	}
	return (i->code & CLASS) != JMP || (i->jt < left && i->jf < left);
}

/*
 * Is memory written before it is read, whichever way the jumps go? Jumps lead forward, so one pass
 * knows for each instruction which words every path to it has written: written[] collects the
 * intersection over the jumps that lead there. 0, -EINVAL, -ENOMEM.
 */
static int check_memory(const struct sock_filter *insn, unsigned n)
{
	uint16_t *written = kmalloc(n * sizeof(*written), GFP_KERNEL);
	uint16_t now = 0;
	int err = 0;

	if (!written)
		return -ENOMEM;
	memset(written, 0xff, n * sizeof(*written));
	for (unsigned pc = 0; pc < n && !err; pc++) {
		const struct sock_filter *i = &insn[pc];

		now &= written[pc];
		if (i->code == ST || i->code == STX) {
			now |= (uint16_t)(1u << i->k);
		} else if (i->code == (LD | MEM) || i->code == (LDX | MEM)) {
			if (!(now >> i->k & 1))
				err = -EINVAL;
		} else if (i->code == (JMP | JA)) {
			written[pc + 1 + i->k] &= now;
			now = 0xffff; /* the next one is reached by other jumps alone */
		} else if ((i->code & CLASS) == JMP) {
			written[pc + 1 + i->jt] &= now;
			written[pc + 1 + i->jf] &= now;
			now = 0xffff;
		}
	}
	kfree(written);
	return err;
}

int bpf_prog_create(const struct sock_filter *insns, unsigned n, struct sock_filter_prog **out)
{
	struct sock_filter_prog *p;
	int err;

	if (!n || n > BPF_MAXINSNS || (insns[n - 1].code & CLASS) != RET)
		return -EINVAL;
	for (unsigned pc = 0; pc < n; pc++)
		if (!insn_ok(&insns[pc], pc, n))
			return -EINVAL;
	err = check_memory(insns, n);
	if (err)
		return err;
	p = kmalloc(sizeof(*p) + n * sizeof(*insns), GFP_KERNEL);
	if (!p)
		return -ENOMEM;
	refcount_set(&p->refs, 1);
	p->n = n;
	memcpy(p->insn, insns, n * sizeof(*insns));
	*out = p;
	return 0;
}

static void prog_free_rcu(struct rcu_head *h)
{
	kfree(container_of(h, struct sock_filter_prog, rcu));
}

bool bpf_prog_try_get(struct sock_filter_prog *p)
{
	return refcount_inc_not_zero(&p->refs);
}

void bpf_prog_put(struct sock_filter_prog *p)
{
	if (p && refcount_dec(&p->refs))
		rcu_call(&p->rcu, prog_free_rcu);
}

const struct sock_filter *bpf_prog_insns(const struct sock_filter_prog *p, unsigned *n)
{
	*n = p->n;
	return p->insn;
}

/* ---- running ---- */

/* Bytes at @at of the packet's data; before it lie headers that were pulled off. NULL: not there.
 * @buf: room for bytes that lie in pages. */
static const uint8_t *bytes_at(struct pkt *p, int64_t at, unsigned n, uint8_t buf[4])
{
	if (at + n <= p->lin_len)
		return p->off + at >= 0 ? p->lin + p->off + at : NULL;
	if (at < 0 || at + n > p->len)
		return NULL;
	pkt_copy_bytes(p, (unsigned)at, buf, n);
	return buf;
}

/* Where offset @k of a load lies: from the data, the network or the link header. */
static bool resolve(const struct pkt *p, int64_t k, int64_t *at)
{
	*at = k;
	if (k >= 0)
		return true;
	if (!p->protocol || k < LL_OFF) /* not a packet of an interface: has no headers */
		return false;
	*at = k >= NET_OFF ? p->l3 - p->off + (k - NET_OFF) : p->l2 - p->off + (k - LL_OFF);
	return true;
}

static bool load(struct pkt *p, unsigned size, int64_t k, uint32_t *to)
{
	unsigned n = size == W ? 4 : size == H ? 2 : 1;
	uint8_t buf[4];
	const uint8_t *b;
	int64_t at;

	if (!resolve(p, k, &at))
		return false;
	b = bytes_at(p, at, n, buf);
	if (!b)
		return false;
	*to = b[0];
	while (--n)
		*to = *to << 8 | *++b;
	return true;
}

static uint32_t random_word(void)
{
	uint32_t v;

	random_bytes(&v, sizeof(v));
	return v;
}

static uint32_t fact(const struct pkt *p, enum ancillary ad, uint32_t a, uint32_t x)
{
	switch (ad) {
	case AD_PROTOCOL:
		return be16(p->protocol);
	case AD_PKTTYPE:
		return p->type;
	case AD_IFINDEX:
		return p->dev ? p->dev->ifindex : 0;
	case AD_HATYPE:
		return p->dev ? p->dev->type : 0;
	case AD_MARK:
		return p->mark;
	case AD_RXHASH:
		return p->hash;
	case AD_CPU:
		return cpu_id();
	case AD_ALU_XOR_X:
		return a ^ x;
	case AD_VLAN_TAG:
		return p->vlan_tci;
	case AD_VLAN_TAG_PRESENT:
		return p->has_vlan;
	case AD_VLAN_TPID:
		return p->has_vlan ? ETH_P_8021Q : 0;
	case AD_RANDOM:
		return random_word();
	case AD_QUEUE:
	case AD_NLATTR:
	case AD_NLATTR_NEST:
	case AD_PAY_OFFSET:
		break;
	}
	return 0;
}

struct machine {
	uint32_t a, x;
	uint32_t mem[MEMWORDS];
};

/* False: the packet is too short. */
static bool run_load(struct machine *m, struct pkt *p, const struct sock_filter *i)
{
	uint32_t *to = (i->code & CLASS) == LD ? &m->a : &m->x;
	uint32_t b;

	switch (i->code & MODE) {
	case IMM:
		*to = i->k;
		return true;
	case MEM:
		*to = m->mem[i->k];
		return true;
	case LEN:
		*to = p->len;
		return true;
	case ABS:
		if (i->k < (uint32_t)AD_OFF)
			return load(p, i->code & SIZE, (int32_t)i->k, to);
		*to = fact(p, i->k - (uint32_t)AD_OFF, m->a, m->x);
		return true;
	case IND:
		return load(p, i->code & SIZE, (int32_t)(i->k + m->x), to);
	default: /* MSH: length of an IP header whose first byte is there */
		if (!load(p, B, (int32_t)i->k, &b))
			return false;
		*to = (b & 0xf) * 4;
		return true;
	}
}

/* False: division by zero. */
static bool run_alu(struct machine *m, const struct sock_filter *i)
{
	uint32_t by = i->code & X ? m->x : i->k;

	switch (i->code & OP) {
	case ADD:
		m->a += by;
		break;
	case SUB:
		m->a -= by;
		break;
	case MUL:
		m->a *= by;
		break;
	case DIV:
	case MOD:
		if (!by)
			return false;
		m->a = (i->code & OP) == DIV ? m->a / by : m->a % by;
		break;
	case OR:
		m->a |= by;
		break;
	case AND:
		m->a &= by;
		break;
	case XOR:
		m->a ^= by;
		break;
	case LSH:
		m->a <<= by & 31;
		break;
	case RSH:
		m->a >>= by & 31;
		break;
	default: /* NEG */
		m->a = -m->a;
		break;
	}
	return true;
}

/* How many instructions to leave out. */
static uint32_t run_jump(const struct machine *m, const struct sock_filter *i)
{
	uint32_t with = i->code & X ? m->x : i->k;
	bool is_true;

	switch (i->code & OP) {
	case JA:
		return i->k;
	case JEQ:
		is_true = m->a == with;
		break;
	case JGT:
		is_true = m->a > with;
		break;
	case JGE:
		is_true = m->a >= with;
		break;
	default:
		is_true = m->a & with;
		break;
	}
	return is_true ? i->jt : i->jf;
}

uint32_t bpf_run(const struct sock_filter_prog *prog, struct pkt *p)
{
	struct machine m UNCLEARED;
	const struct sock_filter *i;

	m.a = 0;
	m.x = 0;
	for (i = prog->insn;; i++) {
		switch (i->code & CLASS) {
		case LD:
		case LDX:
			if (!run_load(&m, p, i))
				return 0;
			break;
		case ST:
			m.mem[i->k] = m.a;
			break;
		case STX:
			m.mem[i->k] = m.x;
			break;
		case ALU:
			if (!run_alu(&m, i))
				return 0;
			break;
		case JMP:
			i += run_jump(&m, i);
			break;
		case RET:
			return i->code == (RET | A) ? m.a : i->k;
		default:
			if (i->code == (MISC | TAX))
				m.x = m.a;
			else
				m.a = m.x;
			break;
		}
	}
}
