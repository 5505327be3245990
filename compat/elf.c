/*
 * elf.c - ELF programs: static, position-independent, dynamic through PT_INTERP.
 *
 * All is checked and mapped into the address space that is being built, before exec_commit(): a
 * program that cannot be loaded leaves the caller as it was. Headers are hostile input: every sum
 * is checked, and what does not fit is ENOEXEC. The stack gets, from the top: strings (proc's),
 * platform name and random bytes, then argc, argv, envp, auxiliary vector. Spec: System V ABI,
 * AMD64 supplement 3.4.1; elf(5); getauxval(3).
 */
#include "abi/elf.h"
#include "abi/rseq.h"
#include <cred.h>
#include <error.h>
#include <file.h>
#include <process.h>
#include <random.h>
#include <slab.h>
#include <string.h>
#include <vm.h>
#include "personality.h"

#define PHDR_BYTES_MAX    65536u
#define PIE_BASE          0x555555554000ull
#define PIE_RANDOM_PAGES  (1ull << 28)
#define LOWEST_ADDRESS    0x10000ull
#define CLOCK_TICKS       100u
#define ADDR_NO_RANDOMIZE 0x0040000u /* personality(2) */

/* One ELF file on its way into memory. */
struct image {
	struct file *file;
	const uint8_t *head; /* the file's first bytes, head_len of them */
	size_t head_len;
	struct elf_header header;
	struct elf_segment *seg; /* header.phnum of them; from the heap */
	vaddr_t low, high;       /* of the PT_LOADs, page-aligned, before the bias */
	uint64_t align;          /* largest asked for */
	uint64_t bias;
};

/* [at, at + n) is a proper range below the end of user memory? */
static bool range_ok(uint64_t at, uint64_t n)
{
	return at < USER_END && n <= USER_END - at;
}

static bool header_ok(const struct elf_header *h)
{
	return memcmp(h->ident, "\177ELF", 4) == 0 && h->ident[4] == ELFCLASS64 &&
	       h->ident[5] == ELFDATA2LSB && (h->type == ET_EXEC || h->type == ET_DYN) &&
	       h->machine == EM_X86_64 && h->phentsize == sizeof(struct elf_segment) && h->phnum &&
	       h->phnum * sizeof(struct elf_segment) <= PHDR_BYTES_MAX && (int64_t)h->phoff > 0;
}

/* One PT_LOAD by itself; widens the image's bounds. */
static bool segment_ok(struct image *im, const struct elf_segment *s)
{
	if (s->filesz > s->memsz || !range_ok(s->vaddr, s->memsz) || (int64_t)s->offset < 0 ||
		(int64_t)(s->offset + s->filesz) < 0)
		return false;
	if (s->offset + s->filesz < s->offset ||
		(s->offset & ~PAGE_MASK) != (s->vaddr & ~PAGE_MASK))
		return false;
	im->low = MIN(im->low, (vaddr_t)ALIGN_DOWN(s->vaddr, PAGE_SIZE));
	im->high = MAX(im->high, (vaddr_t)ALIGN_UP(s->vaddr + s->memsz, PAGE_SIZE));
	if (s->align > im->align && s->align <= USER_END / 2 && !(s->align & (s->align - 1)))
		im->align = s->align;
	return true;
}

static int read_exactly(const struct image *im, void *buf, size_t n, uint64_t pos)
{
	ssize_t got;

	if (pos <= im->head_len && n <= im->head_len - pos) {
		memcpy(buf, im->head + pos, n);
		return 0;
	}
	got = kernel_read(im->file, buf, n, (int64_t)pos);

	if (got < 0)
		return (int)got;
	return (size_t)got == n ? 0 : -ENOEXEC;
}

/* Headers into @im, all segments judged. @head: first bytes of the file, @n of them and zeros up to
 * EXEC_HEAD; they must stay. Owns on success: im->seg. */
static int image_open(struct image *im, struct file *f, const uint8_t *head, size_t n)
{
	size_t bytes;
	unsigned i;
	int err;

	*im = (struct image){
		.file = f, .head = head, .head_len = n, .low = USER_END, .align = PAGE_SIZE};
	memcpy(&im->header, head, sizeof(im->header));
	if (!header_ok(&im->header))
		return -ENOEXEC;
	bytes = im->header.phnum * sizeof(struct elf_segment);
	im->seg = kmalloc(bytes, GFP_KERNEL);
	if (!im->seg)
		return -ENOMEM;
	err = read_exactly(im, im->seg, bytes, im->header.phoff);
	for (i = 0; !err && i < im->header.phnum; i++)
		if (im->seg[i].type == PT_LOAD && im->seg[i].memsz && !segment_ok(im, &im->seg[i]))
			err = -ENOEXEC;
	if (!err && im->high <= im->low)
		err = -ENOEXEC;
	if (err) {
		kfree(im->seg);
		im->seg = NULL;
	}
	return err;
}

static const struct elf_segment *find_segment(const struct image *im, uint32_t type)
{
	unsigned i;

	for (i = 0; i < im->header.phnum; i++)
		if (im->seg[i].type == type)
			return &im->seg[i];
	return NULL;
}

static uint32_t segment_prot(const struct elf_segment *s)
{
	return (s->flags & PF_R ? VM_READ : 0) | (s->flags & PF_W ? VM_WRITE : 0) |
	       (s->flags & PF_X ? VM_EXEC : 0);
}

/* File bytes [0, n) of the page-aligned piece at @at. */
static int map_file_part(
	struct mm *mm, const struct image *im, const struct elf_segment *s, vaddr_t at, uint64_t n)
{
	struct vm_map_args a = {
		.addr = at,
		.length = ALIGN_UP(n, PAGE_SIZE),
		.flags = segment_prot(s) | VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC,
		.fixed = true,
		.pgoff = s->offset >> PAGE_SHIFT,
	};
	vaddr_t got;
	int err = vfs_mmap(im->file, &a);

	if (err)
		return err;
	err = mm_map(mm, &a, &got);
	if (err && a.file)
		file_put(a.file);
	return err;
}

static int map_zero_part(struct mm *mm, const struct elf_segment *s, vaddr_t at, uint64_t n)
{
	struct vm_map_args a = {
		.addr = at,
		.length = n,
		.flags = segment_prot(s) | VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC,
		.fixed = true,
	};
	vaddr_t got;

	return mm_map(mm, &a, &got);
}

/* Zeroes from @at to the end of its page. */
static int clear_tail(struct mm *mm, vaddr_t at)
{
	static const uint8_t zeroes[PAGE_SIZE];
	size_t left = (size_t)(-at & (PAGE_SIZE - 1));

	while (left) {
		size_t n = MIN(left, sizeof(zeroes));
		ssize_t done = mm_access(mm, at, (void *)(uintptr_t)zeroes, n, true, false);

		if (done != (ssize_t)n)
			return done < 0 ? (int)done : -EFAULT;
		at += n;
		left -= n;
	}
	return 0;
}

static int map_segment(struct mm *mm, const struct image *im, const struct elf_segment *s)
{
	vaddr_t start = ALIGN_DOWN(s->vaddr + im->bias, PAGE_SIZE);
	vaddr_t file_end = s->vaddr + im->bias + s->filesz;
	vaddr_t file_pages_end = s->filesz ? ALIGN_UP(file_end, PAGE_SIZE) : start;
	vaddr_t end = ALIGN_UP(s->vaddr + im->bias + s->memsz, PAGE_SIZE);
	int err = 0;

	if (s->filesz)
		err = map_file_part(mm, im, s, start, file_end - start);
	if (!err && s->filesz && s->memsz > s->filesz && (s->flags & PF_W))
		err = clear_tail(mm, file_end);
	if (!err && end > file_pages_end)
		err = map_zero_part(mm, s, file_pages_end, end - file_pages_end);
	return err;
}

static int map_image(struct mm *mm, const struct image *im)
{
	unsigned i;
	int err = 0;

	for (i = 0; !err && i < im->header.phnum; i++)
		if (im->seg[i].type == PT_LOAD && im->seg[i].memsz)
			err = map_segment(mm, im, &im->seg[i]);
	return err;
}

/* Where the program itself goes. */
static int place_program(struct image *im, bool secure)
{
	uint64_t base = PIE_BASE;

	if (im->header.type == ET_EXEC)
		return im->low >= LOWEST_ADDRESS ? 0 : -ENOEXEC;
	if (secure || !(current->uthread && current->uthread->personality & ADDR_NO_RANDOMIZE))
		base += random_below(PIE_RANDOM_PAGES) << PAGE_SHIFT;
	base = ALIGN_DOWN(base, im->align);
	if (!range_ok(base, im->high - im->low))
		return -ENOEXEC;
	im->bias = base - im->low;
	return 0;
}

/* The interpreter goes below where mmap(2) begins: nothing is mapped there yet. */
static int place_interpreter(struct image *im, const struct mm *mm)
{
	uint64_t span = im->high - im->low;
	vaddr_t base;

	if (im->header.type == ET_EXEC)
		return im->low >= LOWEST_ADDRESS ? 0 : -ENOEXEC;
	if (mm->mmap_base < span + im->align + LOWEST_ADDRESS)
		return -ENOMEM;
	base = ALIGN_DOWN(mm->mmap_base - span, im->align);
	im->bias = base - im->low;
	return 0;
}

/* Figures for /proc and for brk. */
static void note_extents(struct mm *mm, const struct image *im)
{
	vaddr_t end = 0;
	unsigned i;

	mm->code_start = ~0ull;
	for (i = 0; i < im->header.phnum; i++) {
		const struct elf_segment *s = &im->seg[i];
		vaddr_t at = s->vaddr + im->bias;

		if (s->type != PT_LOAD || !s->memsz)
			continue;
		mm->code_start = MIN(mm->code_start, at);
		mm->data_start = MAX(mm->data_start, at);
		if (s->flags & PF_X)
			mm->code_end = MAX(mm->code_end, at + s->filesz);
		mm->data_end = MAX(mm->data_end, at + s->filesz);
		end = MAX(end, at + s->memsz);
	}
	mm->brk_start = mm->brk = ALIGN_UP(end, PAGE_SIZE);
}

/* ---- the interpreter ---- */

static int interpreter_name(const struct image *im, const struct elf_segment *s, char **out)
{
	char *name;
	int err;

	if (s->filesz < 2 || s->filesz > PATH_MAX || (int64_t)s->offset < 0)
		return -ENOEXEC;
	name = kmalloc(s->filesz, GFP_KERNEL);
	if (!name)
		return -ENOMEM;
	err = read_exactly(im, name, s->filesz, s->offset);
	if (!err && name[s->filesz - 1])
		err = -ENOEXEC;
	if (err)
		kfree(name);
	else
		*out = name;
	return err;
}

/* Open the interpreter and judge its headers. On success the file is in interp->file (exec_close)
 * and interp->seg is owned. */
static int interpreter_open(struct image *interp, const char *name)
{
	uint8_t head[EXEC_HEAD] UNCLEARED;
	struct file *f;
	ssize_t n;
	int err = exec_open(NULL, name, LOOKUP_FOLLOW, &f);

	if (err)
		return err;
	n = kernel_read(f, head, sizeof(head), 0);
	if (n >= 0) {
		memset(head + n, 0, sizeof(head) - (size_t)n);
		err = image_open(interp, f, head, (size_t)n);
		interp->head = NULL;
		interp->head_len = 0;
	} else {
		err = (int)n;
	}
	if (err) {
		interp->file = NULL;
		exec_close(f);
	}
	return err == -ENOEXEC ? -ELIBBAD : err;
}

/* ---- the stack ---- */

struct auxv {
	uint64_t *word;
	unsigned n;
};

static void aux(struct auxv *v, uint64_t type, uint64_t value)
{
	v->word[v->n++] = type;
	v->word[v->n++] = value;
}

static uint32_t cpu_features(void)
{
	uint32_t a = 1, b, c = 0, d;

	__asm__("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
	return d;
}

static vaddr_t phdr_address(const struct image *im)
{
	const struct elf_segment *s = find_segment(im, PT_PHDR);
	unsigned i;

	if (s)
		return s->vaddr + im->bias;
	for (i = 0; i < im->header.phnum; i++) {
		s = &im->seg[i];
		if (s->type == PT_LOAD && im->header.phoff >= s->offset &&
			im->header.phoff - s->offset < s->filesz)
			return im->header.phoff - s->offset + s->vaddr + im->bias;
	}
	return 0;
}

static int make_auxv(struct exec_args *a, const struct image *im, const struct image *interp)
{
	static uint32_t features;
	struct mm *mm = a->mm;
	struct auxv v = {mm->auxv, 0};
	uint8_t seed[16];
	vaddr_t seed_at, platform_at;
	int err;

	random_bytes(seed, sizeof(seed));
	err = exec_push(a, "x86_64", sizeof("x86_64"), &platform_at);
	if (!err)
		err = exec_push(a, seed, sizeof(seed), &seed_at);
	if (err)
		return err;
	if (!features)
		features = cpu_features();
	if (mm->vdso)
		aux(&v, AT_SYSINFO_EHDR, mm->vdso);
	aux(&v, AT_MINSIGSTKSZ, signal_frame_max());
	aux(&v, AT_HWCAP, features);
	aux(&v, AT_PAGESZ, PAGE_SIZE);
	aux(&v, AT_CLKTCK, CLOCK_TICKS);
	aux(&v, AT_PHDR, phdr_address(im));
	aux(&v, AT_PHENT, sizeof(struct elf_segment));
	aux(&v, AT_PHNUM, im->header.phnum);
	aux(&v, AT_BASE, interp ? interp->bias : 0);
	aux(&v, AT_FLAGS, 0);
	aux(&v, AT_ENTRY, im->header.entry + im->bias);
	aux(&v, AT_UID, a->cred->uid);
	aux(&v, AT_EUID, a->cred->euid);
	aux(&v, AT_GID, a->cred->gid);
	aux(&v, AT_EGID, a->cred->egid);
	aux(&v, AT_SECURE, a->secure);
	aux(&v, AT_RANDOM, seed_at);
	aux(&v, AT_HWCAP2, 0);
	aux(&v, AT_EXECFN, a->str_end); /* proc put the name there */
	aux(&v, AT_PLATFORM, platform_at);
	aux(&v, AT_RSEQ_FEATURE_SIZE, RSEQ_FEATURE_BYTES);
	aux(&v, AT_RSEQ_ALIGN, RSEQ_ALIGN);
	aux(&v, AT_NULL, 0);
	static_assert(23 * 2 <= ARRAY_SIZE(((struct mm *)NULL)->auxv), "the vector has room");
	mm->auxv_words = v.n;
	return 0;
}

/*
 * Write the addresses of the arguments, NULL, those of the environment, NULL. The strings lie one
 * behind the other; they were put there by us, but the program's other threads do not exist yet, so
 * nobody can have changed them. @buf: of PAGE_SIZE.
 */
static int string_pointers(const struct exec_args *a, uint64_t *table, char *buf)
{
	vaddr_t at = a->arg_start;
	unsigned n = 0, all = a->argc + a->envc;
	bool starts = true;

	while (at < a->str_end && n < all) {
		size_t chunk = MIN(PAGE_SIZE, (size_t)(a->str_end - at)), i = 0;
		ssize_t got = mm_access(a->mm, at, buf, chunk, false, true);

		if (got != (ssize_t)chunk)
			return got < 0 ? (int)got : -EFAULT;
		while (i < chunk && n < all) {
			if (starts)
				table[n + (n >= a->argc)] = at + i;
			i += strnlen(buf + i, chunk - i);
			starts = i < chunk;
			n += starts;
			i += starts;
		}
		at += chunk;
	}
	table[a->argc] = table[all + 1] = 0;
	return n < all ? -EFAULT : 0;
}

/* argc, argv, envp and the vector below all that is on the stack; a->sp ends up 16-aligned at argc.
 */
static int push_tables(struct exec_args *a)
{
	size_t words = 1 + a->argc + 1 + a->envc + 1 + a->mm->auxv_words;
	uint64_t *table = kmalloc(words * sizeof(*table), GFP_KERNEL);
	char *buf = kmalloc(PAGE_SIZE, GFP_KERNEL);
	vaddr_t at = 0;
	int err = table && buf ? 0 : -ENOMEM;

	if (!err)
		err = string_pointers(a, table + 1, buf);
	if (!err) {
		table[0] = a->argc;
		memcpy(table + 1 + a->argc + 1 + a->envc + 1, a->mm->auxv,
			a->mm->auxv_words * sizeof(*table));
		a->sp = ALIGN_DOWN(a->sp - words * sizeof(*table), 16) + words * sizeof(*table);
		err = exec_push(a, table, words * sizeof(*table), &at);
	}
	kfree(buf);
	kfree(table);
	if (!err)
		a->sp = at;
	return err;
}

static int make_stack_executable(struct exec_args *a)
{
	struct mm *mm = a->mm;
	vaddr_t start, end;
	struct vma *v;

	rwsem_read_lock(&mm->lock);
	v = mm_find(mm, a->stack_top - 1);
	start = v ? v->start : 0;
	end = v ? v->end : 0;
	rwsem_read_unlock(&mm->lock);
	return v ? mm_protect(mm, start, end - start, VM_READ | VM_WRITE | VM_EXEC) : -ENOMEM;
}

static int load(struct exec_args *a, struct image *im, struct image *interp)
{
	const struct elf_segment *stack = find_segment(im, PT_GNU_STACK);
	int err = place_program(im, a->secure);

	if (!err)
		err = map_image(a->mm, im);
	if (!err && interp)
		err = place_interpreter(interp, a->mm);
	if (!err && interp)
		err = map_image(a->mm, interp);
	if (!err)
		err = vdso_map(a->mm, &a->mm->vdso);
	if (!err)
		err = make_auxv(a, im, interp);
	if (!err)
		err = push_tables(a);
	if (err)
		return err;
	a->stack_prot_exec = stack && stack->flags & PF_X;
	if (a->stack_prot_exec)
		err = make_stack_executable(a);
	if (err)
		return err;
	note_extents(a->mm, im);
	a->entry = interp ? interp->header.entry + interp->bias : im->header.entry + im->bias;
	return exec_commit(a);
}

int elf_load(struct exec_args *a)
{
	const struct elf_segment *s;
	struct image im, interp = {0};
	char *name = NULL;
	int err = image_open(&im, a->file, a->head, a->head_len);

	if (err)
		return err;
	s = find_segment(&im, PT_INTERP);
	if (s) {
		err = interpreter_name(&im, s, &name);
		if (!err)
			err = interpreter_open(&interp, name);
		kfree(name);
	}
	if (!err)
		err = load(a, &im, s ? &interp : NULL);
	if (interp.file) {
		kfree(interp.seg);
		exec_close(interp.file);
	}
	kfree(im.seg);
	return err;
}
