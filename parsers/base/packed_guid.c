/* SPDX-License-Identifier: Apache-2.0 */
#include "parsers/base/packed_guid.h"

/* For each digit of the packed form: where it stands in "{xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx}".
 */
static const uint8_t places[PACKED_GUID_SIZE] = {
	8,  7,  6,  5,  4,  3,  2,  1,  13, 12, 11, 10, 18, 17, 16, 15,
	21, 20, 23, 22, 26, 25, 28, 27, 30, 29, 32, 31, 34, 33, 36, 35,
};
static const char form[] = "{00000000-0000-0000-0000-000000000000}";

static bool is_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static char upper(char c)
{
	return (char)(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
}

bool text_is_guid(struct text text)
{
	if (text.size != GUID_TEXT_SIZE)
		return false;
	for (size_t i = 0; i < GUID_TEXT_SIZE; i++)
		if (form[i] == '0' ? !is_hex(text.data[i]) : text.data[i] != form[i])
			return false;
	return true;
}

struct text guid_from_packed(struct arena *arena, struct text packed)
{
	char *guid;

	if (packed.size != PACKED_GUID_SIZE)
		return (struct text){ NULL, 0 };
	for (size_t i = 0; i < PACKED_GUID_SIZE; i++)
		if (!is_hex(packed.data[i]))
			return (struct text){ NULL, 0 };
	guid = arena_text(arena, text_of(form));
	if (!guid)
		return (struct text){ NULL, 0 };
	for (size_t i = 0; i < PACKED_GUID_SIZE; i++)
		guid[places[i]] = upper(packed.data[i]);
	return (struct text){ guid, GUID_TEXT_SIZE };
}

struct text guid_to_packed(struct arena *arena, struct text guid)
{
	char *packed;

	if (!text_is_guid(guid))
		return (struct text){ NULL, 0 };
	packed = arena_alloc(arena, PACKED_GUID_SIZE + 1);
	if (!packed)
		return (struct text){ NULL, 0 };
	for (size_t i = 0; i < PACKED_GUID_SIZE; i++)
		packed[i] = upper(guid.data[places[i]]);
	return (struct text){ packed, PACKED_GUID_SIZE };
}

/* The 16 bytes of a GUID as they stand in memory: the first three groups are little-endian. */
static struct text guid_of_bytes(struct arena *arena, const uint8_t bytes[16])
{
	static const uint8_t order[16] = { 3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15 };
	static const char digits[] = "0123456789ABCDEF";
	char *guid = arena_text(arena, text_of(form));

	for (size_t i = 0, at = 1; guid && i < 16; i++, at += 2) {
		at += form[at] == '-';
		guid[at] = digits[bytes[order[i]] >> 4];
		guid[at + 1] = digits[bytes[order[i]] & 15];
	}
	return text_of(guid);
}

struct text guid_from_squashed(struct arena *arena, struct text squashed)
{
	static const char letters[] = "!$%&'()*+,-.0123456789=?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[]^_`"
				      "abcdefghijklmnopqrstuvwxyz{}~";
	uint8_t bytes[16];

	if (squashed.size != SQUASHED_GUID_SIZE)
		return (struct text){ NULL, 0 };
	for (size_t n = 0; n < 4; n++) {
		uint64_t number = 0;

		for (size_t i = 5; i-- > 0;) {
			const char *letter =
				memchr(letters, squashed.data[5 * n + i], sizeof(letters) - 1);

			if (!letter)
				return (struct text){ NULL, 0 };
			number = number * 85 + (uint64_t)(letter - letters);
		}
		if (number > UINT32_MAX)
			return (struct text){ NULL, 0 };
		for (size_t i = 0; i < 4; i++)
			bytes[4 * n + i] = (uint8_t)(number >> (8 * i));
	}
	return guid_of_bytes(arena, bytes);
}
