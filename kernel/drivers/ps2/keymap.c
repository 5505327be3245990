/*
 * keymap.c - which character a key gives: the American layout, and others as differences from it.
 *
 * `keymap=uk` on the command line chooses; KDSKBENT changes single keys. No dead keys: an accent
 * key gives its sign.
 */
#include "ps2.h"
#include <log.h>
#include <string.h>

struct difference {
	uint8_t key;
	uint16_t ch[KEY_LEVELS];
};
struct layout {
	const char *name;
	const struct difference *keys;
	uint8_t nr, has_altgr;
};

static uint16_t chars[KEY_LEVELS][KEY_CODES];
static bool has_altgr;

/* Runs of keys of the American layout, plain and shifted. */
static const struct {
	uint8_t first;
	const char *plain, *shifted;
} american[] = {
	{2, "1234567890-=", "!@#$%^&*()_+"},
	{16, "qwertyuiop[]", "QWERTYUIOP{}"},
	{30, "asdfghjkl;'`", "ASDFGHJKL:\"~"},
	{43, "\\zxcvbnm,./", "|ZXCVBNM<>?"},
	{55, "*", "*"},
	{57, " ", " "},
	{86, "<", ">"},
};

static const struct difference british[] = {
	{3, {'2', '"'}},
	{4, {'3', 0xa3}},
	{5, {'4', '$', 0x20ac}},
	{40, {'\'', '@'}},
	{41, {'`', 0xac, 0xa6}},
	{43, {'#', '~'}},
	{86, {'\\', '|'}},
};
static const struct difference german[] = {
	{3, {'2', '"', 0xb2}},
	{4, {'3', 0xa7, 0xb3}},
	{7, {'6', '&'}},
	{8, {'7', '/', '{'}},
	{9, {'8', '(', '['}},
	{10, {'9', ')', ']'}},
	{11, {'0', '=', '}'}},
	{12, {0xdf, '?', '\\', 0x1e9e}},
	{13, {0xb4, '`'}},
	{16, {'q', 'Q', '@'}},
	{18, {'e', 'E', 0x20ac}},
	{21, {'z', 'Z'}},
	{26, {0xfc, 0xdc}},
	{27, {'+', '*', '~'}},
	{39, {0xf6, 0xd6}},
	{40, {0xe4, 0xc4}},
	{41, {'^', 0xb0}},
	{43, {'#', '\''}},
	{44, {'y', 'Y'}},
	{50, {'m', 'M', 0xb5}},
	{51, {',', ';'}},
	{52, {'.', ':'}},
	{53, {'-', '_'}},
	{86, {'<', '>', '|'}},
};
static const struct difference french[] = {
	{2, {'&', '1'}},
	{3, {0xe9, '2', '~'}},
	{4, {'"', '3', '#'}},
	{5, {'\'', '4', '{'}},
	{6, {'(', '5', '['}},
	{7, {'-', '6', '|'}},
	{8, {0xe8, '7', '`'}},
	{9, {'_', '8', '\\'}},
	{10, {0xe7, '9', '^'}},
	{11, {0xe0, '0', '@'}},
	{12, {')', 0xb0, ']'}},
	{13, {'=', '+', '}'}},
	{16, {'a', 'A'}},
	{17, {'z', 'Z'}},
	{18, {'e', 'E', 0x20ac}},
	{26, {'^', 0xa8}},
	{27, {'$', 0xa3, 0xa4}},
	{30, {'q', 'Q'}},
	{39, {'m', 'M'}},
	{40, {0xf9, '%'}},
	{41, {0xb2, 0xb2}},
	{43, {'*', 0xb5}},
	{44, {'w', 'W'}},
	{50, {',', '?'}},
	{51, {';', '.'}},
	{52, {':', '/'}},
	{53, {'!', 0xa7}},
	{86, {'<', '>'}},
};
static const struct layout layouts[] = {
	{"us", NULL, 0, false},
	{"uk", british, ARRAY_SIZE(british), true},
	{"gb", british, ARRAY_SIZE(british), true},
	{"de", german, ARRAY_SIZE(german), true},
	{"fr", french, ARRAY_SIZE(french), true},
};

static void put_american(void)
{
	unsigned i, k;

	memset(chars, 0, sizeof(chars));
	for (i = 0; i < ARRAY_SIZE(american); i++)
		for (k = 0; american[i].plain[k]; k++) {
			chars[0][american[i].first + k] = (uint8_t)american[i].plain[k];
			chars[1][american[i].first + k] = (uint8_t)american[i].shifted[k];
		}
}

void keymap_choose(const char *name)
{
	unsigned i, k, level;

	put_american();
	has_altgr = false;
	for (i = 0; i < ARRAY_SIZE(layouts); i++) {
		const struct layout *l = &layouts[i];

		if (strcmp(l->name, name))
			continue;
		for (k = 0; k < l->nr; k++)
			for (level = 0; level < KEY_LEVELS; level++)
				chars[level][l->keys[k].key] = l->keys[k].ch[level];
		has_altgr = l->has_altgr;
		return;
	}
	log_warn("keymap=%s: there is no such layout; us it is", name);
}

uint16_t keymap_char(unsigned level, unsigned key)
{
	return key < KEY_CODES ? chars[level % KEY_LEVELS][key] : 0;
}

void keymap_set(unsigned level, unsigned key, uint16_t ch)
{
	WRITE_ONCE(chars[level % KEY_LEVELS][key % KEY_CODES], ch);
	if (level & 2 && ch)
		has_altgr = true;
}

bool keymap_has_altgr(void)
{
	return has_altgr;
}
