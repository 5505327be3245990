/*
 * elf_test.c - the ELF loader against a small address space: layout in memory and on the stack,
 * hostile headers, failing allocations.
 */
/* LINK: compat/elf.c */
#include <error.h>
#include <exec.h>
#include <file.h>
#include <random.h>
#include <slab.h>
#include <string.h>
#include <unit.h>
#include <vm.h>
#include "compat/abi/elf.h"
#include "compat/personality.h"

#define MAX_REGIONS 64
#define STACK_TOP   0x7ffffff00000ull
#define STACK_BYTES 65536u
#define FILE_BYTES  16384u

struct region {
	vaddr_t start;
	size_t len;
	uint8_t *mem;
	uint32_t flags;
};
static struct region regions[MAX_REGIONS];
static unsigned nr_regions, commits;
static int open_files;
static uint8_t program[FILE_BYTES], interpreter[FILE_BYTES];
static struct file program_file, interpreter_file;
static struct mm mm;

static const uint8_t *contents(const struct file *f)
{
	return f == &program_file ? program : interpreter;
}

ssize_t kernel_read(struct file *f, void *buf, size_t n, int64_t pos)
{
	if (pos < 0 || (uint64_t)pos >= FILE_BYTES)
		return 0;
	n = MIN(n, (size_t)(FILE_BYTES - pos));
	memcpy(buf, contents(f) + pos, n);
	return (ssize_t)n;
}

int vfs_mmap(struct file *f, struct vm_map_args *a)
{
	a->file = f;
	return 0;
}

void file_put(struct file *f)
{
}
void random_bytes(void *buf, size_t n)
{
	memset(buf, 0x77, n);
}
uint64_t random_below(uint64_t bound)
{
	return bound / 2;
}
size_t signal_frame_max(void)
{
	return 4096;
}
struct vma *mm_find(struct mm *m, vaddr_t addr)
{
	return NULL;
}
int mm_protect(struct mm *m, vaddr_t addr, uint64_t length, uint32_t prot)
{
	return 0;
}
struct task *task_find(pid_t tid)
{
	return NULL;
}

int vdso_map(struct mm *m, vaddr_t *at)
{
	*at = 0x7fff00000000;
	return 0;
}

/* Later regions lie over earlier ones. Large ones are only remembered. */
int mm_map(struct mm *m, const struct vm_map_args *a, vaddr_t *out)
{
	struct region *r = &regions[nr_regions];

	if (a->length == 0 || a->addr >= USER_END || a->length > USER_END - a->addr ||
		a->addr & ~PAGE_MASK || a->length & ~PAGE_MASK)
		return -EINVAL;
	if (nr_regions == MAX_REGIONS || a->length > 1 << 20)
		return -ENOMEM;
	*r = (struct region){a->addr, a->length, unit_malloc(a->length), a->flags};
	memset(r->mem, 0, a->length);
	if (a->file &&
		kernel_read(a->file, r->mem, a->length, (int64_t)(a->pgoff << PAGE_SHIFT)) < 0)
		return -EIO;
	nr_regions++;
	*out = a->addr;
	return 0;
}

static uint8_t *at(vaddr_t va, size_t n)
{
	for (unsigned i = nr_regions; i-- > 0;)
		if (va >= regions[i].start && va - regions[i].start < regions[i].len &&
			n <= regions[i].len - (va - regions[i].start))
			return regions[i].mem + (va - regions[i].start);
	return NULL;
}

ssize_t mm_access(struct mm *m, vaddr_t va, void *buf, size_t n, bool write, bool force)
{
	uint8_t *p = at(va, n);

	if (!p)
		return -EFAULT;
	memcpy(write ? (void *)p : buf, write ? buf : (void *)p, n);
	return (ssize_t)n;
}

int exec_push(struct exec_args *a, const void *data, size_t n, vaddr_t *where)
{
	uint8_t *p = at(a->sp - n, n);

	if (!p)
		return -E2BIG;
	memcpy(p, data, n);
	a->sp -= n;
	if (where)
		*where = a->sp;
	return 0;
}

int exec_open(const struct path *base, const char *name, unsigned flags, struct file **out)
{
	if (strcmp(name, "/lib/ld.so"))
		return -ENOENT;
	*out = &interpreter_file;
	open_files++;
	return 0;
}

void exec_close(struct file *f)
{
	open_files--;
}

int exec_commit(struct exec_args *a)
{
	commits++;
	return 0;
}

static struct elf_segment *header(uint8_t *file, uint16_t type, unsigned phnum)
{
	struct elf_header *h = (struct elf_header *)file;

	memset(file, 0, FILE_BYTES);
	*h = (struct elf_header){.ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, 1},
		.type = type,
		.machine = EM_X86_64,
		.version = 1,
		.entry = 0x401010,
		.phoff = 64,
		.ehsize = 64,
		.phentsize = 56,
		.phnum = (uint16_t)phnum};
	for (unsigned i = 512; i < FILE_BYTES; i++)
		file[i] = (uint8_t)(i * 7 + 1);
	return (struct elf_segment *)(file + 64);
}

/* Code at 0x401000, data at 0x402800 with 0x100 bytes from the file and two pages of bss. */
static struct elf_segment *plain_program(unsigned more)
{
	struct elf_segment *s = header(program, ET_EXEC, 2 + more);

	s[0] = (struct elf_segment){.type = PT_LOAD,
		.flags = PF_R | PF_X,
		.offset = 0x1000,
		.vaddr = 0x401000,
		.filesz = 0x800,
		.memsz = 0x800,
		.align = 4096};
	s[1] = (struct elf_segment){.type = PT_LOAD,
		.flags = PF_R | PF_W,
		.offset = 0x1800,
		.vaddr = 0x402800,
		.filesz = 0x100,
		.memsz = 0x2100,
		.align = 4096};
	return s + 2;
}

static void forget(void)
{
	while (nr_regions)
		unit_free(regions[--nr_regions].mem);
}

static int load(struct exec_args *a)
{
	static struct cred cred = {.uid = 3, .euid = 4};
	static const char strings[] = "prog\0-x\0A=1\0B=22\0/bin/prog";
	struct vm_map_args stack = {.addr = STACK_TOP - STACK_BYTES, .length = STACK_BYTES};
	vaddr_t unused;

	forget();
	commits = 0;
	memset(&mm, 0, sizeof(mm));
	mm.mmap_base = 0x7ff000000000;
	*a = (struct exec_args){.file = &program_file,
		.path = "/bin/prog",
		.mm = &mm,
		.stack_top = STACK_TOP,
		.argc = 2,
		.envc = 2,
		.cred = &cred};
	a->head_len = MIN(sizeof(a->head), sizeof(program));
	memcpy(a->head, program, a->head_len);
	EXPECT_EQ(mm_map(&mm, &stack, &unused), 0);
	a->sp = STACK_TOP - 8 - sizeof(strings);
	a->arg_start = a->sp;
	a->env_start = a->sp + 8;
	a->str_end = a->sp + 8 + 9;
	memcpy(at(a->sp, sizeof(strings)), strings, sizeof(strings));
	return elf_load(a);
}

static uint64_t word(vaddr_t va)
{
	uint8_t *p = at(va, 8);

	return p ? *(uint64_t *)p : ~0ull;
}

static uint64_t aux_value(vaddr_t sp, uint64_t type)
{
	for (vaddr_t p = sp + 8 * (1 + 3 + 3); word(p) != AT_NULL; p += 16)
		if (word(p) == type)
			return word(p + 8);
	return ~0ull;
}

TEST(segments_are_mapped_and_bss_is_zero)
{
	struct exec_args a;

	plain_program(0);
	REQUIRE_EQ(load(&a), 0);
	EXPECT_EQ(commits, 1);
	EXPECT_EQ(a.entry, 0x401010);
	EXPECT_MEM(at(0x401000, 0x800), program + 0x1000, 0x800);
	EXPECT_MEM(at(0x402800, 0x100), program + 0x1800, 0x100);
	EXPECT_EQ(*at(0x402900, 1), 0);
	EXPECT_EQ(*at(0x402fff, 1), 0);
	EXPECT_EQ(*at(0x4048ff, 1), 0);
	EXPECT_EQ(mm.brk, 0x405000);
	forget();
}

TEST(stack_has_counts_pointers_and_vector)
{
	struct exec_args a;

	plain_program(0);
	REQUIRE_EQ(load(&a), 0);
	EXPECT_EQ(a.sp % 16, 0);
	EXPECT_EQ(word(a.sp), 2);
	EXPECT_STR((char *)at(word(a.sp + 8), 8), "prog");
	EXPECT_STR((char *)at(word(a.sp + 16), 8), "-x");
	EXPECT_EQ(word(a.sp + 24), 0);
	EXPECT_STR((char *)at(word(a.sp + 32), 8), "A=1");
	EXPECT_STR((char *)at(word(a.sp + 40), 8), "B=22");
	EXPECT_EQ(word(a.sp + 48), 0);
	EXPECT_EQ(aux_value(a.sp, AT_ENTRY), 0x401010);
	EXPECT_EQ(aux_value(a.sp, AT_UID), 3);
	EXPECT_EQ(aux_value(a.sp, AT_EUID), 4);
	EXPECT_EQ(aux_value(a.sp, AT_PAGESZ), 4096);
	EXPECT_EQ(aux_value(a.sp, AT_PHNUM), 2);
	EXPECT_EQ(aux_value(a.sp, AT_BASE), 0);
	EXPECT_STR((char *)at(aux_value(a.sp, AT_EXECFN), 10), "/bin/prog");
	EXPECT_STR((char *)at(aux_value(a.sp, AT_PLATFORM), 7), "x86_64");
	EXPECT_EQ(*at(aux_value(a.sp, AT_RANDOM), 16), 0x77);
	forget();
}

static void with_interpreter(void)
{
	struct elf_segment *s = plain_program(1), *i;

	*s = (struct elf_segment){.type = PT_INTERP, .offset = 0x300, .filesz = 11, .memsz = 11};
	memcpy(program + 0x300, "/lib/ld.so", 11);
	i = header(interpreter, ET_DYN, 1);
	*i = (struct elf_segment){.type = PT_LOAD,
		.flags = PF_R | PF_X,
		.offset = 0,
		.vaddr = 0,
		.filesz = 0x1000,
		.memsz = 0x1000};
	((struct elf_header *)interpreter)->entry = 0x600;
}

TEST(interpreter_starts_and_learns_where_the_program_is)
{
	struct exec_args a;

	with_interpreter();
	REQUIRE_EQ(load(&a), 0);
	EXPECT_EQ(aux_value(a.sp, AT_BASE), 0x7ff000000000 - 0x1000);
	EXPECT_EQ(a.entry, 0x7ff000000000 - 0x1000 + 0x600);
	EXPECT_EQ(aux_value(a.sp, AT_ENTRY), 0x401010);
	EXPECT_EQ(open_files, 0);
	forget();
}

TEST(bad_interpreters_are_refused)
{
	struct exec_args a;

	with_interpreter();
	program[0x30a] = 'x';
	EXPECT_EQ(load(&a), -ENOEXEC);
	program[0x30a] = 0;
	interpreter[0] = 0;
	EXPECT_EQ(load(&a), -ELIBBAD);
	EXPECT_EQ(open_files, 0);
	program[0x305] = 'x';
	EXPECT_EQ(load(&a), -ENOENT);
	EXPECT_EQ(commits, 0);
	forget();
}

TEST(position_independent_program_goes_to_a_random_aligned_place)
{
	struct exec_args a;
	struct elf_segment *s = plain_program(0);

	((struct elf_header *)program)->type = ET_DYN;
	s[-2].align = 0x200000;
	REQUIRE_EQ(load(&a), 0);
	EXPECT_EQ((a.entry - 0x10) % 0x200000, 0);
	EXPECT(a.entry > 0x555555554000);
	EXPECT_EQ(aux_value(a.sp, AT_ENTRY), a.entry);
	forget();
}

TEST(hostile_headers_are_not_programs)
{
	struct elf_header *h = (struct elf_header *)program;
	struct exec_args a;
	struct elf_segment *s;

	plain_program(0);
	h->machine = 3;
	EXPECT_EQ(load(&a), -ENOEXEC);
	plain_program(0);
	h->phnum = 0;
	EXPECT_EQ(load(&a), -ENOEXEC);
	plain_program(0);
	h->phoff = ~0ull - 8;
	EXPECT_EQ(load(&a), -ENOEXEC);
	s = plain_program(0) - 2;
	s[1].memsz = 0x10;
	EXPECT_EQ(load(&a), -ENOEXEC);
	s = plain_program(0) - 2;
	s[1].memsz = ~0ull - 0x1000;
	EXPECT_EQ(load(&a), -ENOEXEC);
	s = plain_program(0) - 2;
	s[0].vaddr = 0x401001;
	EXPECT_EQ(load(&a), -ENOEXEC);
	s = plain_program(0) - 2;
	s[0].vaddr = USER_END - 0x400;
	EXPECT_EQ(load(&a), -ENOEXEC);
	EXPECT_EQ(commits, 0);
	forget();
}

TEST(no_header_crashes_the_loader)
{
	struct exec_args a;

	for (unsigned round = 0; round < 20000; round++) {
		with_interpreter();
		for (unsigned n = 1 + (unsigned)unit_below(4); n; n--) {
			uint8_t *file = unit_below(4) ? program : interpreter;
			size_t where = unit_below(64 + 3 * 56);

			if (unit_below(2))
				file[where] = (uint8_t)unit_random();
			else
				memset(file + (where & ~7ull), unit_below(2) ? 0xff : 0, 8);
		}
		int err = load(&a);

		EXPECT(err <= 0);
		EXPECT_EQ(commits, err == 0);
		EXPECT_EQ(open_files, 0);
	}
	forget();
}

TEST(failing_allocations_leave_nothing_behind)
{
	struct exec_args a;
	long live = alloc_live();
	int err;
	long n = 0;

	do {
		with_interpreter();
		alloc_fail_after(n++);
		err = load(&a);
		alloc_fail_after(-1);
		EXPECT(err == 0 || err == -ENOMEM);
		EXPECT_EQ(alloc_live(), live);
		EXPECT_EQ(open_files, 0);
	} while (err);
	EXPECT(n > 3);
	forget();
}
